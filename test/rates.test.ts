import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GenerateRequestSchema, Role, textPart } from "../src/contract/index.ts";
import { startGateway, type TestGateway } from "./support/gateway.ts";
import { HeldUpstream } from "./support/held-upstream.ts";
import { rawDoorsOf, type RawAnswer, type RawDoor } from "./support/raw-doors.ts";

// Limits on how fast requests come, through the public door. No window ends within the test: they last a day.

const NAMES = ["many", "tokens", "vast", "at-once", "at-once-stream", "both", "free", "model", "only", "counted"];
const DOORS = Array.from({ length: 14 }, (_, index) => `door-${index}`);
const keyOf = (name: string): string => `a-key-with-limits-${name}`;

let gateway: TestGateway;
let held: HeldUpstream;
let doors: RawDoor[];

beforeAll(async () => {
  held = await HeldUpstream.start();
  const yaml = `version: 1
sandbox: true
providers:
  ${held.yaml}
  tight: { kind: openai-compatible, base_url: "http://127.0.0.1:9/v1", api_key: x, models: any, rates: [{ requests: 1, per: day }] }
  twin: { kind: openai-compatible, base_url: "http://127.0.0.1:9/v1", api_key: x, models: any, rates: [{ requests: 1, per: day, models: ["twin/a*"] }] }
routes:
  overflow: { targets: [sandbox/echo, sandbox/story] }
  providers: { targets: [tight/m, sandbox/echo] }
keys:
${[...NAMES, ...DOORS].map((name) => `  - { name: ${name}, key: ${keyOf(name)}, policy: ${name.startsWith("door-") ? "door" : name} }`).join("\n")}
policies:
  many: { rates: [{ requests: 1000, per: hour }, { requests: 5, per: day }, { tokens: 1000000, per: day }] }
  door: { rates: [{ requests: 1, per: day }, { tokens: 100000, per: day }] }
  tokens: { rates: [{ tokens: 1000, per: day }] }
  counted: { rates: [{ tokens: 1000, per: day }] }
  vast: { rates: [{ tokens: 150, per: day }] }
  at-once: { rates: [{ concurrency: 1 }] }
  at-once-stream: { rates: [{ concurrency: 2 }] }
  both: { rates: [{ requests: 3, per: day }, { concurrency: 1 }] }
  free: {}
  model: { rates: [{ requests: 2, per: day, models: ["sandbox/echo"] }] }
  only: { rates: [{ requests: 1, per: day, models: ["sandbox/*"] }] }
`;
  gateway = await startGateway({ yaml });
  doors = rawDoorsOf(gateway.port, "unused");
});

afterAll(async () => {
  for (const door of doors) door.close();
  await gateway.close();
  await held[Symbol.asyncDispose]();
});

function ask(door: RawDoor, name: string, model = "sandbox/echo", maxOutputTokens?: number): Promise<RawAnswer> {
  const headers = { authorization: `Bearer ${keyOf(name)}` };
  if (door.protocol === "rest") {
    const body = { model, stream: door.stream, messages: [{ role: "user", content: "Hi" }] };
    return door.ask({ message: JSON.stringify({ ...body, max_completion_tokens: maxOutputTokens }), headers });
  }
  const request = { model, messages: [{ role: Role.USER, parts: [textPart("Hi")] }] };
  const limit = maxOutputTokens === undefined ? {} : { sampling: { maxOutputTokens } };
  const message = create(GenerateRequestSchema, { request: { ...request, ...limit } });
  return door.ask({
    message:
      door.codec === "json" ? toJsonString(GenerateRequestSchema, message) : toBinary(GenerateRequestSchema, message),
    headers,
  });
}

/** Over REST on a connection of its own, so that several run at once. */
interface RestAnswer {
  readonly status: number;
  readonly reason: string;
  readonly message: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

interface RestAsk {
  readonly stream?: boolean;
  readonly signal?: AbortSignal;
  readonly maxOutputTokens?: number;
}

async function rest(name: string, model = "sandbox/echo", asked: RestAsk = {}): Promise<RestAnswer> {
  const { stream = false, signal, maxOutputTokens } = asked;
  const body = { model, stream, messages: [{ role: "user", content: "Hi" }], max_completion_tokens: maxOutputTokens };
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${keyOf(name)}`, "content-type": "application/json" },
    body: JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });
  const text = await response.text();
  const failed = response.status >= 400 ? JSON.parse(text).error : undefined;
  return {
    status: response.status,
    reason: failed?.parley.reason.toUpperCase() ?? "NONE",
    message: failed?.message ?? "",
    headers: Object.fromEntries(response.headers),
    text,
  };
}

const limits = ({ headers }: Pick<RawAnswer, "headers">): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith("x-ratelimit-")));
const attemptsAt = (): number => gateway.sandbox.books.totals.attempts;

describe("requests", () => {
  test("every door tells how the limits stand, and refuses with the time to wait before any provider is called", async () => {
    expect(doors).toHaveLength(14);
    for (const [index, door] of doors.entries()) {
      const good = await ask(door, `door-${index}`);
      expect([door.name, good.reason]).toEqual([door.name, "NONE"]);
      expect(limits(good)).toMatchObject({
        "x-ratelimit-limit-requests": "1",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-limit-tokens": "100000",
      });
      expect(limits(good)["x-ratelimit-reset-requests"]).toMatch(/^2[34]h\d+m[\d.]+s$/);
      const before = attemptsAt();
      const refused = await ask(door, `door-${index}`);
      expect([door.name, refused.reason]).toEqual([door.name, "RATE_LIMITED"]);
      expect(refused.message).toContain("the limit of 1 requests per day of the key's policy door is used up");
      // A Connect stream has it in its last message.
      expect(refused.headers["retry-after"] ?? /"retry-after":\["(\d+)"\]/.exec(refused.text)?.[1]).toMatch(
        /^86\d{3}$/,
      );
      expect(limits(refused)["x-ratelimit-remaining-requests"]).toBe("0");
      const status = { status: 429, headers: { "x-should-retry": "false" } };
      expect(refused).toMatchObject(door.protocol === "rest" ? status : { code: "ResourceExhausted" });
      expect(attemptsAt()).toBe(before);
    }
  });

  test("the tightest of several limits is shown", async () => {
    const shown = limits(await rest("many"));
    expect(shown).toMatchObject({ "x-ratelimit-limit-requests": "5", "x-ratelimit-remaining-requests": "4" });
  });

  test("who has no limits hears of none", async () => {
    expect(limits(await rest("free"))).toEqual({});
  });
});

describe("tokens", () => {
  test("are taken for the worst and corrected to what was used", async () => {
    const answer = await rest("counted", "sandbox/echo", { maxOutputTokens: 500 });
    expect(answer.reason).toBe("NONE");
    const remaining = Number(limits(answer)["x-ratelimit-remaining-tokens"]);
    expect(remaining).toBeLessThan(500);
    const { usage } = JSON.parse(answer.text) as { usage: { total_tokens: number } };
    const next = await rest("counted", "sandbox/echo", { maxOutputTokens: 500 });
    expect(remaining - Number(limits(next)["x-ratelimit-remaining-tokens"])).toBe(usage.total_tokens);
  });

  test("that cannot be reserved are refused, as long as others may be using them", async () => {
    const first = rest("tokens", "held/m", { maxOutputTokens: 800 });
    await held.until(({ waiting }) => waiting === 1);
    expect((await rest("tokens", "held/m", { maxOutputTokens: 800 })).reason).toBe("RATE_LIMITED");
    held.letGo();
    expect((await first).reason).toBe("NONE");
    expect((await rest("tokens", "sandbox/echo", { maxOutputTokens: 800 })).reason).toBe("NONE");
  });

  test("a request that is larger than the limit is refused for good, and one that names no limit is not", async () => {
    for (const door of doors) {
      const refused = await ask(door, "vast", "sandbox/echo", 140);
      expect([door.name, refused.reason]).toEqual([door.name, "REQUEST_TOO_LARGE"]);
    }
    expect((await rest("vast")).reason).toBe("NONE");
  });
});

describe("requests at once", () => {
  test("are limited, and given back when the answer is whole", async () => {
    const first = rest("at-once", "held/m");
    await held.until(({ waiting }) => waiting === 1);
    const refused = await rest("at-once");
    expect(refused).toMatchObject({
      reason: "RATE_LIMITED",
      headers: { "retry-after": "1", "x-should-retry": "true" },
    });
    held.letGo();
    await first;
    expect((await rest("at-once")).reason).toBe("NONE");
  });

  test("are given back however a request ends", async () => {
    const endings = ["sandbox/fault-503", "sandbox/fault-cut", "nobody/nothing", "sandbox/fault-400", "sandbox/echo"];
    for (const model of [...endings, ...endings])
      await rest("at-once-stream", model, { stream: model.length % 2 === 0 });
    // Callers who leave in the middle.
    for (let round = 0; round < 3; round++) {
      const leaving = new AbortController();
      const gone = rest("at-once-stream", "held/m", { stream: true, signal: leaving.signal }).catch(() => "gone");
      await held.until(({ waiting }) => waiting === 1);
      const left = held.left;
      leaving.abort();
      await held.until((upstream) => upstream.left > left);
      expect(await gone).toBe("gone");
    }
    const both = [rest("at-once-stream", "held/m"), rest("at-once-stream", "held/m", { stream: true })];
    await held.until(({ waiting }) => waiting === 2);
    held.letGo();
    expect((await Promise.all(both)).map(({ reason }) => reason)).toEqual(["NONE", "NONE"]);
  });

  test("a request that one limit refuses takes nothing of the others", async () => {
    const first = rest("both", "held/m");
    await held.until(({ waiting }) => waiting === 1);
    for (let index = 0; index < 5; index++) expect((await rest("both")).reason).toBe("RATE_LIMITED");
    held.letGo();
    await first;
    expect(limits(await rest("both"))["x-ratelimit-remaining-requests"]).toBe("1");
  });
});

describe("limits of models and providers", () => {
  test("a caller's limit of a model sends the rest elsewhere, at no extra attempt", async () => {
    const served: (string | undefined)[] = [];
    for (let index = 0; index < 4; index++) {
      const answer = await rest("model", "overflow");
      served.push(`${answer.headers["x-parley-model"]} ${answer.headers["x-parley-attempts"]}`);
    }
    expect(served).toEqual(["sandbox/echo 1", "sandbox/echo 1", "sandbox/story 1", "sandbox/story 1"]);
    const refused = await rest("model", "sandbox/echo");
    expect(refused).toMatchObject({ reason: "RATE_LIMITED", status: 429 });
    expect(refused.message).toContain("2 requests per day to sandbox/echo of the key's policy model");
    expect(limits(refused)["x-ratelimit-remaining-requests"]).toBe("0");
  });

  test("where every target is limited the caller is told so, at every door", async () => {
    expect((await rest("only", "overflow")).reason).toBe("NONE");
    const before = attemptsAt();
    for (const door of doors) {
      expect([door.name, (await ask(door, "only", "overflow")).reason]).toEqual([door.name, "RATE_LIMITED"]);
    }
    expect(attemptsAt()).toBe(before);
  });

  test("a provider's limit counts attempts of all callers, and nobody is told how it stands", async () => {
    // Nobody listens there: the first attempt fails and the next target answers.
    const first = await rest("free", "providers");
    expect(first.headers["x-parley-attempts"]).toBe("2");
    const second = await rest("many", "providers");
    expect(second.headers["x-parley-attempts"]).toBe("1");
    const alone = await rest("free", "tight/other");
    expect(alone).toMatchObject({ reason: "RATE_LIMITED", status: 429 });
    expect(alone.message).toContain("1 requests per day of the provider tight");
    expect(limits(alone)).toEqual({});
  });

  test("a provider's limit of some models leaves the others alone", async () => {
    await rest("free", "twin/a1");
    expect((await rest("free", "twin/a2")).reason).toBe("RATE_LIMITED");
    expect((await rest("free", "twin/b")).reason).toBe("PROVIDER_UNREACHABLE");
  });
});
