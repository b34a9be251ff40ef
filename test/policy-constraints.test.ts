import { afterAll, beforeAll, expect, test } from "vitest";
import { startGateway, type TestGateway } from "./support/gateway.ts";

// What a key's policy demands of targets holds on every attempt, whatever routes and requests say.

const KEY = "a-key-that-stays-in-europe";
const DENIED = "a-key-that-may-not-use-all";

let gateway: TestGateway;

beforeAll(async () => {
  const yaml = `version: 1
sandbox: true
providers:
  here: { kind: openai-compatible, base_url: "http://127.0.0.1:9/v1", api_key: x, models: [m], region: eu }
  there: { kind: openai-compatible, base_url: "http://127.0.0.1:9/v1", api_key: x, models: [m], region: us }
routes:
  both: { targets: [there/m, here/m] }
  away: { targets: [there/m, sandbox/echo] }
keys:
  - { name: eu, key: ${KEY}, policy: eu }
  - { name: denied, key: ${DENIED}, policy: denied }
policies:
  eu: { constraints: { regions: [eu] } }
  denied: { deny_models: ["sandbox/story", "away"] }
`;
  gateway = await startGateway({ yaml });
});

afterAll(() => gateway.close());

async function ask(key: string, model: string): Promise<{ status: number; error: Record<string, any> }> {
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hi" }], parley: { max_attempts: 5 } }),
  });
  const body = (await answer.json()) as { error?: Record<string, any> };
  return { status: answer.status, error: body.error ?? {} };
}

test("a policy's regions exclude the others on every attempt", async () => {
  const { status, error } = await ask(KEY, "both");
  expect(status).toBe(502); // nobody listens there: only `here` was tried, and more than once
  const providers = error["parley"].attempts.map((one: { provider: string }) => one.provider);
  expect(new Set(providers)).toEqual(new Set(["here"]));
});

test("where nothing satisfies the policy the error names its constraint", async () => {
  const { status, error } = await ask(KEY, "away");
  expect(status).toBe(422);
  expect(error["parley"]).toMatchObject({
    reason: "no_eligible_target",
    exclusions: [{ constraint: "key.regions", count: 2, example: "there/m" }],
  });
});

test("what a policy denies is denied, although everything is allowed", async () => {
  expect((await ask(DENIED, "sandbox/echo")).status).toBe(200);
  expect((await ask(DENIED, "sandbox/story")).error["parley"].reason).toBe("model_not_allowed");
});
