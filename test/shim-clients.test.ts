import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { storyText } from "../src/sandbox/index.ts";
import { startGateway, type TestGateway } from "./support/gateway.ts";
import { startScriptedUpstream, type ScriptedUpstream } from "./support/scripted-upstream.ts";
import { PLACE, PROMPT, type SeenFailure, type ShimCall, type ShimClient } from "./support/shim-clients/client.ts";
import { SHIM_CLIENTS, openaiClient } from "./support/shim-clients/index.ts";

// Clients that applications use change a base URL and a key, and nothing else.

let gateway: TestGateway;
let upstream: ScriptedUpstream;

beforeAll(async () => {
  // Fails with the status that is the model's name.
  upstream = await startScriptedUpstream(({ body }) => {
    const [status, retryAfter] = (body.model as string).split("-after-");
    const error = { message: `status ${status}`, type: "error", code: null, param: null };
    return { status: Number(status), headers: retryAfter ? { "retry-after": retryAfter } : {}, body: { error } };
  });
  const vendor = `{ kind: openai-compatible, base_url: "${upstream.url}/v1", api_key: a-provider-key-1234, models: any }`;
  gateway = await startGateway({ yaml: `version: 1\nsandbox: true\nproviders:\n  vendor: ${vendor}\n` });
});

afterAll(async () => {
  await gateway.close();
  await upstream[Symbol.asyncDispose]();
});

const calling = (model: string, signal?: AbortSignal): ShimCall => ({
  url: gateway.url,
  key: gateway.adminKey,
  model,
  ...(signal ? { signal } : {}),
});

describe.each(SHIM_CLIENTS.map((client) => [client.name, client] as const))("%s", (_, client) => {
  test("gets a whole answer, its usage and its end", async () => {
    const said = await client.text(calling("sandbox/echo"));
    expect(said).toMatchObject({ text: PROMPT, finish: "stop" });
    expect(said.inputTokens).toBeGreaterThan(0);
    expect(said.outputTokens).toBeGreaterThan(0);
  });

  test("streams", async () => {
    const pieces = await Array.fromAsync(client.stream(calling("sandbox/story@delay_ms=0")));
    expect(pieces.join("")).toBe(storyText);
    expect(pieces.length).toBeGreaterThan(10);
  });

  test("gets an instance of its schema", async () => {
    const place = await client.object(calling("sandbox/json"));
    expect(PLACE.parse(place)).toEqual(place);
  });

  test.each([false, true])("runs its tool and goes on with the result (streamed: %s)", async (streamed) => {
    const { text, cities } = await client.loop(calling("sandbox/tools@delay_ms=0"), streamed);
    // The model calls its tool for each question; one client runs the call after the last one, too.
    expect([...new Set(cities)]).toEqual(["text"]);
    expect(text).toContain("text is sunny");
  });

  test("aborts, and the provider's connection is closed", async () => {
    const model = `story@delay_ms=20,tokens=5000,id=${client.name.replace(/\W/g, "")}`;
    const leaving = new AbortController();
    const reading = (async () => {
      for await (const piece of client.stream(calling(`sandbox/${model}`, leaving.signal))) {
        if (piece !== "") leaving.abort();
      }
    })();
    await reading.catch(() => {});
    await gateway.sandbox.books.until((books) => books.of(model).at(-1)?.ended === "client_closed");
  });

  test("sees a stream that is cut as a failure, after what was delivered", async () => {
    let text = "";
    const reading = (async () => {
      for await (const piece of client.stream(calling("sandbox/fault-cut@delay_ms=0"))) text += piece;
    })();
    await expect(reading).rejects.toThrow(/Cannot read the provider's answer/);
    expect(text.length).toBeGreaterThan(0);
    expect(storyText.startsWith(text)).toBe(true);
  });

  test.each([
    ["400", 400],
    ["404", 404],
  ])("sees the provider's refusal %s as its own kind of error, and does not ask again", async (model, status) => {
    const { seen, count } = await failing(client, calling(`vendor/${model}`));
    expect(seen).toMatchObject({ status, message: expect.stringContaining(`vendor/${model}: the provider answered`) });
    expect(count).toBe(1);
  });

  // What passes with time is asked for again by each client's own rules; here it may not.
  test.each([
    ["402", 503, 1],
    ["429-after-3600", 429, 1],
    // No other target could answer, so the gateway has asked again.
    ["500", 502, 3],
  ])("sees the provider's failure %s, and only the gateway asks again", async (model, status, attempts) => {
    const { seen, count } = await failing(client, { ...calling(`vendor/${model}`), retries: 0 });
    expect(seen).toMatchObject({ status, message: expect.stringContaining(`vendor/${model}: the provider answered`) });
    expect(count).toBe(attempts);
  });
});

describe("openai, which heeds the gateway's advice", () => {
  test.each(["401", "402", "429-after-3600"])("asks once where the provider says %s", async (model) => {
    expect((await failing(openaiClient, calling(`vendor/${model}`))).count).toBe(1);
  });
});

async function failing(client: ShimClient, call: ShimCall): Promise<{ seen: SeenFailure; count: number }> {
  upstream.seen.length = 0;
  const thrown: unknown = await client.text(call).then(
    () => new Error("it did not fail"),
    (error: unknown) => error,
  );
  return { seen: client.failure(thrown), count: upstream.seen.length };
}
