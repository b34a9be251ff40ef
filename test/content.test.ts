import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Role } from "../src/contract/index.ts";
import { storyTokens } from "../src/sandbox/index.ts";
import { doorsOf, type Door } from "./support/doors.ts";
import { startGateway, type TestGateway } from "./support/gateway.ts";
import { WALL_FORMATS } from "./support/wall.ts";

// Content rules through every door: on the way in and out, masking and blocking, whole answers and streams.

const CARD = "4111 1111 1111 1111";
const keyOf = (policy: string): string => `a-key-of-the-policy-${policy}`;
const POLICIES: Readonly<Record<string, string>> = {
  "mask-in": "{ name: cards, on: input, pii: [credit_card, email], action: mask }",
  "block-in": "{ name: cards, on: input, pii: [credit_card], action: block }",
  "mask-out": "{ name: cards, on: output, pii: [credit_card, email], action: mask, replacement: '[gone]' }",
  "block-out": "{ name: cards, on: output, pii: [credit_card], action: block }",
  "mask-story": "{ name: fog, on: output, keywords: ['01·Every 02·night', fog], action: mask }",
  "block-story": "{ name: fog, on: output, pattern: '15·\\w{1,20}', action: block }",
  "block-early": "{ name: early, on: output, keywords: ['01·Every'], action: block }",
};

let gateway: TestGateway;
let doors: readonly Door[];

beforeAll(async () => {
  const names = Object.keys(POLICIES);
  const yaml = `version: 1
sandbox: true
routes: { both: { targets: [sandbox/story, sandbox-anthropic/story] } }
keys:
${names.map((name) => `  - { name: ${name}, key: ${keyOf(name)}, policy: ${name} }`).join("\n")}
policies:
${names.map((name) => `  ${name}: { content: [${POLICIES[name]}] }`).join("\n")}
`;
  gateway = await startGateway({ yaml });
  doors = doorsOf(gateway.url, gateway.adminKey);
});

afterAll(() => gateway.close());

const say = (model: string, text: string) => ({
  model,
  messages: [{ role: Role.USER, parts: [{ kind: { case: "text" as const, value: { text } } }] }],
});
// Each door, and each wire format whole and streamed.
const everyWay = (): [string, string, Door][] =>
  doors.map((door, index) => [WALL_FORMATS[(index >> 1) % WALL_FORMATS.length]!.provider, door.name, door]);

test("what is masked on the way in leaves for no target, in any wire format", async () => {
  for (const [provider, name, door] of everyWay()) {
    const { text, end } = await door.ask(
      say(`${provider}/echo`, `My card ${CARD}, mail me@example.com 🚢`),
      keyOf("mask-in"),
    );
    expect([provider, name, end, text]).toEqual([
      provider,
      name,
      "completed",
      "My card [CREDIT_CARD], mail [EMAIL] 🚢",
    ]);
  }
});

test("what is masked on the way out is masked through every door, in every wire format", async () => {
  for (const [provider, name, door] of everyWay()) {
    const { text, end, outputTokens } = await door.ask(
      say(`${provider}/echo`, `Pay with ${CARD} or ask me@example.com; thanks`),
      keyOf("mask-out"),
    );
    expect([provider, name, end, text]).toEqual([provider, name, "completed", "Pay with [gone] or ask [gone]; thanks"]);
    expect(outputTokens).toBeGreaterThan(4); // what was used, not what was shown
  }
});

test("what is blocked on the way in is a typed refusal, and nothing leaves", async () => {
  const before = gateway.sandbox.books.attempts.length;
  for (const door of doors) {
    const { end, contentSeen, attempts } = await door.ask(say("sandbox/echo", `My card: ${CARD}`), keyOf("block-in"));
    expect([door.name, end, contentSeen, attempts]).toEqual([door.name, "CONTENT_BLOCKED", false, 0]);
  }
  expect(gateway.sandbox.books.attempts).toHaveLength(before);
});

test("what is blocked before content is the error alone, and no other target is asked", async () => {
  for (const door of doors) {
    const { end, contentSeen, attempts } = await door.ask(say("both", "Tell"), keyOf("block-early"));
    expect([door.name, end, contentSeen, attempts]).toEqual([door.name, "CONTENT_BLOCKED", false, 1]);
  }
});

test("what is blocked within an answer ends it, with what came before and nothing of the match", async () => {
  const before = storyTokens(14).join("");
  for (const door of doors) {
    const { end, text, terminals, attempts } = await door.ask(
      say("sandbox/story@tokens=20,delay_ms=0", "Tell"),
      keyOf("block-story"),
    );
    const delivered = door.stream ? `${before} ` : "";
    expect([door.name, end, text, terminals, attempts]).toEqual([door.name, "CONTENT_BLOCKED", delivered, 1, 1]);
  }
});

test("the story is masked word by word as it is masked whole", async () => {
  const expected = storyTokens(30).join("").replace("01·Every 02·night", "[MASKED]").replace("fog", "[MASKED]");
  for (const [provider, name, door] of everyWay()) {
    const { end, text } = await door.ask(say(`${provider}/story@tokens=30,delay_ms=0`, "Tell"), keyOf("mask-story"));
    expect([provider, name, end, text]).toEqual([provider, name, "completed", expected]);
  }
});

async function rest(
  policy: string,
  model: string,
  text: string,
): Promise<{ status: number; headers: Headers; body: any }> {
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${keyOf(policy)}`, "content-type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: text }] }),
  });
  return { status: answer.status, headers: answer.headers, body: await answer.json() };
}

describe("what the caller is told", () => {
  test("a refusal names rule and field, and is the policy's", async () => {
    const { status, body } = await rest("block-in", "sandbox/echo", CARD);
    expect(status).toBe(403);
    expect(body.error).toMatchObject({ code: "content_filter" });
    expect(body.error.parley).toMatchObject({ reason: "content_blocked", fault: "policy", retryable: false });
    expect(body.error.message).toBe('Cannot pass the request on: the content rule "cards" blocks messages[0].content');
  });

  test("each masked field is an adaptation, and the header lists it", async () => {
    const masked = await rest("mask-in", "sandbox/echo", `${CARD} and me@example.com`);
    expect(masked.body.parley.adaptations).toContainEqual({
      field: "messages[0].parts[0].text.text",
      reason: `CONTENT_MASKED: the content policy's rule "cards" masked it`,
    });
    expect(masked.headers.get("x-parley-adaptations")).toContain("messages[0].parts[0].text.text");
    const out = await rest("mask-out", "sandbox/echo", CARD);
    expect(out.body.parley.adaptations).toContainEqual(
      expect.objectContaining({ field: "candidates[0].message.parts[0].text.text" }),
    );
    const clean = await rest("mask-out", "sandbox/echo", "nothing to hide");
    expect(JSON.stringify(clean.body)).not.toContain("CONTENT_MASKED");
  });
});

test("nothing of what was said is in logs, metrics or books", async () => {
  const CANARY = "5500-0000-0000-0004";
  for (const policy of ["mask-in", "block-in", "mask-out", "block-out"]) {
    for (const door of doors.slice(0, 2)) await door.ask(say("sandbox/echo", `It is ${CANARY}`), keyOf(policy));
  }
  const metrics = await fetch(`${gateway.url}/metrics`, { headers: { authorization: `Bearer ${gateway.adminKey}` } });
  expect(await metrics.text()).not.toContain(CANARY);
  expect(gateway.logText()).toContain("content_blocked");
  expect(gateway.logText()).not.toContain(CANARY);
  const ledger = join(gateway.dataDir, "ledger");
  const books = readdirSync(ledger).map((file) => readFileSync(join(ledger, file), "latin1"));
  expect(books.join("")).toContain("content_blocked");
  expect(books.join("")).not.toContain(CANARY);
});
