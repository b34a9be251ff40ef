import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readLedger } from "../src/ledger/reader.ts";
import type { AttemptEndedRecord, ForwardedRecord } from "../src/ledger/records.ts";
import { startGateway, type TestGateway } from "./support/gateway.ts";

// What keys may spend, through the public door: the sandbox bills 0.1 USD per million tokens of input and 0.4 of output.

const KEYS = ["refuse", "clamp", "cheaper", "tag", "unbounded", "cut"] as const;
const keyOf = (name: (typeof KEYS)[number]): string => `a-key-with-budgets-${name}`;

let gateway: TestGateway;

beforeAll(async () => {
  const yaml = `version: 1
sandbox: true
providers:
  unpriced: { kind: openai-compatible, base_url: "http://127.0.0.1:9/v1", api_key: x, models: [m] }
  free: { kind: openai-compatible, base_url: "http://127.0.0.1:9/v1", api_key: x, models: [m], price: 0 }
routes:
  small: { targets: [sandbox/echo] }
keys:
${KEYS.map((name) => `  - { name: ${name}, key: ${keyOf(name)}, policy: ${name} }`).join("\n")}
policies:
  refuse: { budgets: [{ limit_usd: "0.0001", window: calendar_month }] }
  clamp: { budgets: [{ limit_usd: "0.0001", window: rolling_24h }], on_low_budget: clamp }
  cheaper: { budgets: [{ limit_usd: "0.0001", window: calendar_day, models: ["sandbox/story"] }], when_exceeded: { model: small } }
  tag: { budgets: [{ limit_usd: "0.00005", window: calendar_day, tag: team }] }
  unbounded: { budgets: [{ limit_usd: 50, window: calendar_day }] }
  cut: { budgets: [{ limit_usd: 50, window: calendar_day }] }
`;
  gateway = await startGateway({ yaml });
});

afterAll(() => gateway.close());

async function ask(key: string, body: Record<string, unknown>) {
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ messages: [{ role: "user", content: "Hi" }], ...body }),
  });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, any> };
}

async function booked(): Promise<{ forwarded: ForwardedRecord; ended: AttemptEndedRecord | undefined }[]> {
  const lines: { forwarded: ForwardedRecord; ended: AttemptEndedRecord | undefined }[] = [];
  for await (const { record } of readLedger(`${gateway.dataDir}/ledger`)) {
    if (record.kind === "forwarded") lines.push({ forwarded: record, ended: undefined });
    else if (record.kind === "attempt_ended") {
      const line = lines.find(
        ({ forwarded: at }) => at.requestId === record.requestId && at.attempt === record.attempt,
      );
      if (line) line.ended = record;
    }
  }
  return lines;
}

describe("a budget with too little left", () => {
  test("refuses, typed, before any upstream byte, and names itself", async () => {
    const before = gateway.sandbox.books.totals.attempts;
    const { status, body } = await ask(keyOf("refuse"), { model: "sandbox/story" });
    expect(status).toBe(402);
    expect(body["error"]).toMatchObject({ code: "insufficient_quota", parley: { reason: "budget_exceeded" } });
    expect(body["error"].message).toMatch(
      /calendar_month@UTC of the key fixed:refuse .* resets at \d{4}-\d\d-01T00:00/,
    );
    expect(gateway.sandbox.books.totals.attempts).toBe(before);
  });

  test("lets pass what fits, settles it with its cost, and books what was held", async () => {
    const asked = { model: "sandbox/echo", max_completion_tokens: 100 };
    expect((await ask(keyOf("refuse"), asked)).status).toBe(200);
    const line = (await booked()).findLast(({ forwarded }) => forwarded.keyId === "fixed:refuse");
    const bucket = expect.objectContaining({ account: "key:fixed:refuse|calendar_month@UTC" });
    expect(line?.forwarded.hold?.buckets).toEqual([bucket]);
    expect(line!.forwarded.hold!.nanoUsd).toBe(line!.forwarded.inputTokensUpperBound * 100 + 100 * 400);
    expect(Number(line?.ended?.cost?.nanoUsd)).toBeLessThan(line!.forwarded.hold!.nanoUsd);
    // The rest came back: as much as the budget has left may be held again.
    expect((await ask(keyOf("refuse"), { ...asked, max_completion_tokens: 150 })).status).toBe(200);
  });

  test("lowers the output limit where the policy says so, and tells", async () => {
    const { status, body } = await ask(keyOf("clamp"), { model: "sandbox/story", max_completion_tokens: 5000 });
    expect(status).toBe(200);
    const [adaptation] = body["parley"].adaptations;
    expect(adaptation).toMatchObject({ field: "sampling.max_output_tokens", requested_json: "5000" });
    const applied = Number(adaptation.applied_json);
    expect(applied).toBeLessThan(5000);
    expect(body["usage"].completion_tokens).toBeLessThanOrEqual(applied);
  });

  test("moves to another model where the policy says so, and tells", async () => {
    const { status, body } = await ask(keyOf("cheaper"), { model: "sandbox/story" });
    expect(status).toBe(200);
    expect(body["choices"][0].message.content).toBe("Hi");
    expect(body["parley"].adaptations).toMatchObject([
      { field: "model", requested_json: '"sandbox/story"', applied_json: '"small"' },
    ]);
  });

  test("counts each value of a tag for itself", async () => {
    const team = (name: string) =>
      ask(keyOf("tag"), { model: "sandbox/echo", max_completion_tokens: 60, parley: { tags: { team: name } } });
    let last = await team("one");
    for (let left = 100; left > 0 && last.status === 200; left--) last = await team("one");
    expect(last.status).toBe(402);
    expect(last.body["error"].message).toContain("for the tag team=one");
    expect((await team("two")).status).toBe(200);
  });
});

describe("on a key with budgets", () => {
  test.each([
    ["a target without a price", { model: "unpriced/m" }, "its price is not known"],
    [
      "tools that the provider runs",
      { model: "sandbox/echo", tools: [{ type: "web_search" }] },
      "nothing bounds what the provider's own tools cost",
    ],
    ["a provider's own field behind which there are fees", { model: "sandbox/echo", web_plugins: [1] }, "web_plugins"],
  ])("%s is not eligible", async (_what, body, why) => {
    const { status, body: answer } = await ask(keyOf("unbounded"), body);
    expect([400, 422]).toContain(status);
    expect(JSON.stringify(answer)).toContain(why);
  });

  test("Explain says so, and what an attempt would hold", async () => {
    const explain = async (model: string) => {
      const answer = await fetch(`${gateway.url}/parley.v1.RouteService/Explain`, {
        method: "POST",
        headers: { authorization: `Bearer ${keyOf("unbounded")}`, "content-type": "application/json" },
        body: JSON.stringify({
          request: { model, messages: [{ role: "ROLE_USER", parts: [{ text: { text: "Hi" } }] }] },
        }),
      });
      return ((await answer.json()) as Record<string, any>)["decision"].candidates[0];
    };
    expect((await explain("unpriced/m")).exclusion.rule).toBe("budget");
    const { worstCostNanoUsd } = await explain("sandbox/echo");
    expect(Number(worstCostNanoUsd)).toBeGreaterThan(65_536 * 400);
  });

  test("what costs nothing needs no budget", async () => {
    // Nobody listens there: it was tried.
    expect((await ask(keyOf("unbounded"), { model: "free/m" })).body["error"].parley.reason).toBe(
      "provider_unreachable",
    );
    expect((await ask(gateway.localKey, { model: "sandbox/echo" })).status).toBe(200);
  });

  test("what was refused by its provider costs nothing; what was cut off costs what was said", async () => {
    await ask(keyOf("cut"), { model: "sandbox/fault-503" });
    await ask(keyOf("cut"), { model: "sandbox/fault-cut" });
    await ask(keyOf("cut"), { model: "sandbox/fault-usage-missing" });
    const of = async (model: string) => (await booked()).filter(({ forwarded }) => forwarded.model === model);
    const [refused, cut, silent] = [await of("fault-503"), await of("fault-cut"), await of("fault-usage-missing")];
    expect(Math.min(refused.length, cut.length, silent.length)).toBeGreaterThan(0);
    for (const { ended } of refused) expect(ended?.cost).toMatchObject({ nanoUsd: 0n, estimated: false });
    for (const { ended, forwarded } of cut) {
      expect(ended?.cost?.estimated).toBe(true);
      expect(Number(ended?.cost?.nanoUsd)).toBeLessThan(forwarded.hold!.nanoUsd);
    }
    // An answer of which nobody tells what it used costs all that was held.
    for (const { ended, forwarded } of silent) {
      expect(ended?.cost).toMatchObject({ nanoUsd: BigInt(forwarded.hold!.nanoUsd), estimated: true });
    }
  });
});
