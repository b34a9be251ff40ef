import { Buffer } from "node:buffer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { realRuntime } from "../../runtime/real.ts";
import { type Sandbox, startSandbox, storyTokens } from "../index.ts";
import { call, chat, eventData } from "../test-client.ts";

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ runtime: realRuntime(), tokenDelayMs: 0 });
});
afterAll(() => sandbox.close());

interface Chunk {
  id: string;
  object: string;
  usage?: unknown;
  choices: { index: number; delta: Record<string, unknown>; logprobs: unknown; finish_reason: string | null }[];
}

async function chunks(body: unknown): Promise<Chunk[]> {
  const seen = await call(sandbox.url, { body });
  const data = eventData(seen.body);
  expect(data.at(-1)).toBe("[DONE]");
  return data.slice(0, -1).map((text) => JSON.parse(text) as Chunk);
}

describe("a streamed answer", () => {
  test("is a role chunk, a chunk per token, the finish chunk, usage when asked for, and [DONE]", async () => {
    const all = await chunks(chat("story", { stream: true, stream_options: { include_usage: true } }));
    expect(all).toHaveLength(63);
    expect(all[0]?.choices[0]).toMatchObject({ delta: { role: "assistant", content: "", refusal: null } });
    expect(all.slice(1, 61).map((chunk) => chunk.choices[0]?.delta["content"])).toEqual(storyTokens());
    expect(all[61]?.choices).toEqual([{ index: 0, delta: {}, logprobs: null, finish_reason: "stop" }]);
    expect(all.slice(0, 62).every((chunk) => chunk.usage === null)).toBe(true);
    expect(all[62]).toMatchObject({ choices: [], usage: { completion_tokens: 60 } });
    expect(new Set(all.map((chunk) => `${chunk.id} ${chunk.object}`)).size).toBe(1);
  });

  test("has no usage member unless it was asked for", async () => {
    const all = await chunks(chat("echo", { stream: true }));
    expect(all.some((chunk) => "usage" in chunk)).toBe(false);
  });

  test("is framed byte for byte as OpenAI frames it", async () => {
    const seen = await call(sandbox.url, { body: chat("echo", { stream: true }) });
    expect(seen.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
    expect(seen.body.toString()).toMatch(/^(data: \{"id":"chatcmpl-[0-9a-f]{24}".*\}\n\n)+data: \[DONE\]\n\n$/);
  });

  test("sends each candidate its own chunks, interleaved", async () => {
    const all = await chunks(chat("echo", { stream: true, n: 2 }, "a b"));
    const said = all.flatMap(({ choices }) => choices.map(({ index, delta }) => [index, delta["content"]]));
    expect(said.slice(2, 6)).toEqual([
      [0, "a"],
      [1, "a"],
      [0, " b"],
      [1, " b"],
    ]);
  });

  test("carries log probabilities when asked for", async () => {
    const all = await chunks(chat("echo", { stream: true, logprobs: true, top_logprobs: 2 }, "é"));
    expect(all[1]?.choices[0]?.logprobs).toMatchObject({
      content: [{ token: "é", bytes: [...Buffer.from("é")], top_logprobs: [{ token: "é" }, {}] }],
      refusal: null,
    });
  });

  test("leaves the padding out on request", async () => {
    const padded = await chunks(chat("echo", { stream: true }));
    expect(padded.every((chunk) => "obfuscation" in chunk)).toBe(true);
    const plain = await chunks(chat("echo", { stream: true, stream_options: { include_obfuscation: false } }));
    expect(plain.some((chunk) => "obfuscation" in chunk)).toBe(false);
  });
});

describe("headers", () => {
  test.each([
    ["an answer", chat("echo")],
    ["a failure", chat("fault-500")],
    ["a refusal", chat("unheard-of")],
  ])("of %s name the request and the rate limits", async (_, body) => {
    const { headers } = await call(sandbox.url, { body });
    expect(headers["x-request-id"]).toMatch(/^req_[0-9a-f]{24}$/);
    expect(headers["openai-processing-ms"]).toMatch(/^\d+$/);
    for (const what of ["limit", "remaining", "reset"]) {
      expect(headers[`x-ratelimit-${what}-requests`]).toBeDefined();
      expect(headers[`x-ratelimit-${what}-tokens`]).toBeDefined();
    }
  });
});

const user = { role: "user", content: "hi" };
const calling = {
  role: "assistant",
  tool_calls: [{ id: "call_1", type: "function", function: { name: "f", arguments: "{}" } }],
};

describe("a bad request", () => {
  test.each<[string, unknown, number, string | null, string | null]>([
    ["JSON that does not parse", "{", 400, null, null],
    ["JSON that is no object", "[]", 400, null, null],
    ["no model", { messages: [user] }, 400, "missing_required_parameter", "model"],
    ["no messages", { model: "echo" }, 400, "missing_required_parameter", "messages"],
    ["empty messages", { model: "echo", messages: [] }, 400, "empty_array", "messages"],
    ["an unknown parameter", chat("echo", { top_k: 3 }), 400, "unknown_parameter", "top_k"],
    [
      "a parameter named __proto__",
      '{"model":"echo","messages":[],"__proto__":1}',
      400,
      "unknown_parameter",
      "__proto__",
    ],
    [
      "an unknown member of a parameter",
      chat("echo", { stream: true, stream_options: { a: 1 } }),
      400,
      "unknown_parameter",
      "stream_options.a",
    ],
    ["a wrong type", chat("echo", { temperature: "1" }), 400, "invalid_type", "temperature"],
    ["a value that is too large", chat("echo", { temperature: 99 }), 400, "decimal_above_max_value", "temperature"],
    ["a value that is too small", chat("echo", { n: 0 }), 400, "integer_below_min_value", "n"],
    ["a word that is not allowed", chat("echo", { verbosity: "huge" }), 400, "invalid_value", "verbosity"],
    [
      "too many stop sequences",
      chat("echo", { stop: ["1", "2", "3", "4", "5"] }),
      400,
      "array_above_max_length",
      "stop",
    ],
    ["stream options without a stream", chat("echo", { stream_options: {} }), 400, null, "stream_options"],
    ["top_logprobs without logprobs", chat("echo", { top_logprobs: 1 }), 400, null, "top_logprobs"],
    ["a tool choice without tools", chat("echo", { tool_choice: "auto" }), 400, null, "tool_choice"],
    [
      "both output limits",
      chat("echo", { max_tokens: 1, max_completion_tokens: 1 }),
      400,
      "invalid_parameter_combination",
      "max_tokens",
    ],
    [
      "an unknown role",
      { model: "echo", messages: [{ role: "robot", content: "x" }] },
      400,
      "invalid_value",
      "messages[0].role",
    ],
    [
      "an unknown member of a message",
      { model: "echo", messages: [{ ...user, x: 1 }] },
      400,
      "unknown_parameter",
      "messages[0].x",
    ],
    [
      "null content",
      { model: "echo", messages: [{ role: "user", content: null }] },
      400,
      "invalid_type",
      "messages[0].content",
    ],
    [
      "an unknown part",
      { model: "echo", messages: [{ role: "user", content: [{ type: "x" }] }] },
      400,
      "invalid_value",
      "messages[0].content[0]",
    ],
    [
      "a tool without a name",
      chat("tools", { tools: [{ type: "function" }] }),
      400,
      "missing_required_parameter",
      "tools[0].function.name",
    ],
    [
      "a tool result that nobody called for",
      { model: "echo", messages: [user, { role: "tool", tool_call_id: "x", content: "" }] },
      400,
      null,
      "messages.[1].role",
    ],
    ["a call that nobody answered", { model: "echo", messages: [user, calling, user] }, 400, null, "messages"],
    ["an unknown model", chat("gpt-9"), 404, "model_not_found", null],
    ["an unknown suffix", chat("echo@speed=9"), 400, null, null],
    ["a suffix that the model does not have", chat("echo@after=9"), 400, null, null],
    ["an answer to break that is none", chat("fault-cut@answer=fault-500"), 400, null, null],
  ])("with %s is refused as OpenAI refuses it", async (_, body, status, code, param) => {
    const seen = await call(sandbox.url, { body });
    expect(seen.status).toBe(status);
    const { error } = JSON.parse(seen.body.toString()) as { error: Record<string, unknown> };
    expect(error).toEqual({ message: expect.any(String) as string, type: "invalid_request_error", param, code });
  });

  test.each([
    ["no key", "", null],
    ["another scheme", "Basic abc", null],
    ["a wrong key", "Bearer invalid", "invalid_api_key"],
  ])("with %s gets 401", async (_, authorization, code) => {
    for (const path of ["/v1/chat/completions", "/v1/models"]) {
      const method = path === "/v1/models" ? "GET" : "POST";
      const body = method === "GET" ? {} : { body: chat("echo") };
      const seen = await call(sandbox.url, { method, path, headers: { authorization }, ...body });
      expect(seen.status).toBe(401);
      expect(JSON.parse(seen.body.toString())).toMatchObject({ error: { type: "invalid_request_error", code } });
    }
  });

  test("of more than 64 MiB gets 413", async () => {
    const seen = await call(sandbox.url, { body: " ".repeat(64 * 1024 * 1024 + 1) });
    expect(seen.status).toBe(413);
  });

  test("of another path gets a typed 404", async () => {
    const seen = await call(sandbox.url, { path: "/v1/nothing", body: {} });
    expect(seen.status).toBe(404);
    expect(JSON.parse(seen.body.toString())).toMatchObject({ error: { code: "unknown_url" } });
  });
});
