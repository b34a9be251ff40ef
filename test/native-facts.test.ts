import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startGateway, type TestGateway } from "./support/gateway.ts";
import { REASONING_VENDORS } from "./support/reasoning-vendors/index.ts";
import { TURNS, type ReasoningVendor } from "./support/reasoning-vendors/vendor.ts";
import { startScriptedUpstream, type ScriptedUpstream } from "./support/scripted-upstream.ts";

// What is a vendor's own stays what it is, in every wire format: its callers' fields reach it and nobody else, the id of
// its call is in the trace, its words of a failure are kept without what is secret in them, and what it sends that is new
// is counted.

const SECRET = "sk-proj-aBcDeFgHiJkLmNoPqRsTuVwXyZ012345";
const REQUEST_ID = "call-4711";
const [, , answer] = TURNS as [unknown, unknown, (typeof TURNS)[0]];

describe.each(REASONING_VENDORS.map((vendor) => [vendor.kind, vendor] as const))("what is %s's own", (kind, vendor) => {
  let upstream: ScriptedUpstream;
  let gateway: TestGateway;

  beforeAll(async () => {
    upstream = await startScriptedUpstream(({ body }) => ({
      ...answerTo(vendor, JSON.stringify(body).includes("fail")),
      headers: { "x-request-id": REQUEST_ID },
    }));
    const provider = `{ kind: ${kind}, ${vendor.settings}base_url: "${upstream.url}", api_key: a-provider-key-1234 }`;
    gateway = await startGateway({ yaml: `version: 1\nsandbox: true\nproviders:\n  vendor: ${provider}\n` });
  });

  afterAll(async () => {
    await gateway.close();
    await upstream[Symbol.asyncDispose]();
  });

  async function ask(text: string): Promise<any> {
    const rawParams = [
      { provider: "vendor", json: '{"own_field":{"b":1,"a":12345678901234567890}}' },
      { provider: "another", json: '{"others_field":1}' },
    ];
    const messages = [{ role: "ROLE_USER", parts: [{ text: { text } }] }];
    const response = await fetch(`${gateway.url}/parley.v1.ChatService/Generate`, {
      method: "POST",
      headers: { authorization: `Bearer ${gateway.adminKey}`, "content-type": "application/json" },
      body: JSON.stringify({ request: { model: `vendor/${vendor.model}`, messages, rawParams } }),
    });
    return response.json();
  }

  test("goes to it, comes back in the trace, and is counted where it is new", async () => {
    const { response } = await ask("Hi");
    expect(response.attempts).toMatchObject([{ upstreamRequestId: REQUEST_ID, httpStatus: 200 }]);
    const sent = JSON.stringify(upstream.seen.at(-1)?.body);
    expect([sent.includes("own_field") || sent.includes("ownField"), sent.includes("thers")]).toEqual([true, false]);
    const metrics = await fetch(`${gateway.url}/metrics`, {
      headers: { authorization: `Bearer ${gateway.adminKey}` },
    }).then((one) => one.text());
    expect(metrics).toMatch(/^parley_upstream_unknown_total\{[^}]*brand_new_member"\} 1$/m);
  });

  test("tells of a failure in its own words, without what is secret", async () => {
    const failed = await ask("fail");
    const shown = JSON.stringify(failed);
    expect(shown).toContain("out of range");
    expect(shown).toContain(REQUEST_ID);
    expect(shown + gateway.logText()).not.toContain(SECRET);
  });
});

function answerTo(vendor: ReasoningVendor, fails: boolean): { status: number; body: unknown } {
  if (!fails) return { status: 200, body: { ...(vendor.whole(answer) as object), brand_new_member: true } };
  const message = `The value is out of range for ${SECRET}`;
  const error = { message, type: "invalid_request_error", code: 400, status: "INVALID_ARGUMENT" };
  return { status: 400, body: { type: "error", error } };
}
