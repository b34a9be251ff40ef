import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { realRuntime } from "../../runtime/real.ts";
import { type Sandbox, startSandbox, storyTokens } from "../index.ts";
import { call, eventData } from "../test-client.ts";

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ runtime: realRuntime(), tokenDelayMs: 0 });
});
afterAll(() => sandbox.close());

const headers = { authorization: "", "x-goog-api-key": "test" };
const user = { role: "user", parts: [{ text: "Hello there" }] };
const schema = { type: "object", properties: { a: { type: "string" }, b: { type: "string" } }, required: ["a", "b"] };
const tools = [{ functionDeclarations: [{ name: "weather", parametersJsonSchema: schema }] }];

const ask = (model: string, more: object, method = "generateContent", own: Record<string, string> = headers) =>
  call(sandbox.url, { path: `/v1beta/models/${model}:${method}`, headers: own, body: { contents: [user], ...more } });
const read = async (model: string, more: object, method?: string) =>
  JSON.parse((await ask(model, more, method)).body.toString());

describe("a streamed answer", () => {
  test("tells what was used so far with each piece, and the reason with the last; lines end as Google ends them", async () => {
    const seen = await ask("story@tokens=3", {}, "streamGenerateContent?alt=sse");
    expect(seen.body.toString()).toMatch(/^(data: \{.*\}\r\n\r\n)+$/);
    const answers = eventData(seen.body).map((data) => JSON.parse(data));
    expect(answers.map(({ candidates }) => candidates[0].content.parts[0].text)).toEqual([...storyTokens(3), ""]);
    expect(answers.map(({ candidates }) => candidates[0].finishReason)).toEqual([
      undefined,
      undefined,
      undefined,
      "STOP",
    ]);
    expect(answers.map(({ usageMetadata }) => usageMetadata.candidatesTokenCount)).toEqual([1, 2, 3, 3]);
    expect(new Set(answers.map(({ responseId }) => responseId)).size).toBe(1);
  });

  test("is one list where nobody asked for events", async () => {
    const seen = await ask("story@tokens=2", {}, "streamGenerateContent");
    expect(seen.headers["content-type"]).toBe("application/json");
    const answers = JSON.parse(seen.body.toString());
    expect(answers.map((answer: any) => answer.candidates[0].content.parts[0].text)).toEqual([...storyTokens(2), ""]);
  });

  test("tells a call whole, and reasoning only to those who ask for it", async () => {
    const thinkingConfig = { includeThoughts: true };
    for (const [generationConfig, kinds] of [
      [{}, ["functionCall"]],
      [{ thinkingConfig }, ["thought", "functionCall"]],
    ] as const) {
      const { candidates, usageMetadata } = await read("think", { tools, generationConfig });
      const parts = candidates[0].content.parts as Record<string, unknown>[];
      expect(parts.map((part) => (part["thought"] ? "thought" : Object.keys(part)[0]))).toEqual(kinds);
      expect(parts.at(-1)).toMatchObject({ functionCall: { name: "weather", args: { a: "text", b: "text" } } });
      expect(usageMetadata.thoughtsTokenCount).toBe(12);
      expect(usageMetadata.totalTokenCount).toBe(
        usageMetadata.promptTokenCount + usageMetadata.candidatesTokenCount + 12,
      );
    }
  });
});

describe("a thought signature", () => {
  const response = { role: "user", parts: [{ functionResponse: { name: "weather", response: { output: "sunny" } } }] };
  const again = (parts: unknown) => read("think", { tools, contents: [user, { role: "model", parts }, response] });

  test("is taken back on its call, whose members may stand in another order", async () => {
    const [part] = (await read("think", { tools })).candidates[0].content.parts;
    const args = { b: part.functionCall.args.b, a: part.functionCall.args.a };
    const { candidates } = await again([{ ...part, functionCall: { ...part.functionCall, args } }]);
    expect(candidates[0].content.parts.at(-1).text).toBe("The tool answered: sunny");
    const standIn = await again([{ ...part, thoughtSignature: "skip_thought_signature_validator" }]);
    expect(standIn.candidates[0].finishReason).toBe("STOP");
  });

  test("is refused when it, or what it signs, has changed or is missing", async () => {
    const [part] = (await read("think", { tools })).candidates[0].content.parts;
    const { functionCall, thoughtSignature } = part;
    for (const [changed, words] of [
      [{ functionCall }, /is missing a thought_signature/],
      [{ functionCall: { ...functionCall, args: { a: "other" } }, thoughtSignature }, /signature is not valid/],
      [{ functionCall, thoughtSignature: thoughtSignature.replace(/./, "_") }, /signature is not valid/],
    ] as const) {
      const { error } = await again([changed]);
      expect(error).toMatchObject({ code: 400, status: "INVALID_ARGUMENT", message: expect.stringMatching(words) });
    }
  });

  test("stands behind a text too, also where it is streamed", async () => {
    const seen = await ask("think", {}, "streamGenerateContent?alt=sse");
    const parts = eventData(seen.body).map((data) => JSON.parse(data).candidates[0].content.parts[0]);
    const signed = { role: "model", parts: [{ text: "Hello there" }, parts.at(-1)] };
    expect(parts.at(-1)).toEqual({ text: "", thoughtSignature: expect.any(String) });
    expect((await read("think", { contents: [user, signed, user] })).candidates[0].finishReason).toBe("STOP");
  });
});

describe("a bad request", () => {
  const called = { role: "model", parts: [{ functionCall: { name: "weather", args: {} } }] };
  test.each<[string, object, string]>([
    ["an unknown member", { top_p: 1 }, 'Unknown name "top_p": Cannot find field.'],
    ["an unknown nested member", { generationConfig: { top: 1 } }, `Unknown name "top" at 'generation_config'`],
    ["no contents", { contents: [] }, "contents is not specified"],
    [
      "a wrong type",
      { generationConfig: { temperature: "x" } },
      "Invalid value at 'generation_config.temperature' (TYPE_FLOAT)",
    ],
    ["a value that is too large", { generationConfig: { temperature: 3 } }, "supported range is from 0 to 2"],
    [
      "an unknown role",
      { contents: [{ role: "assistant", parts: [{ text: "x" }] }] },
      "Please use a valid role: user, model.",
    ],
    ["no parts", { contents: [{ role: "user", parts: [] }] }, "contents.parts must not be empty"],
    ["an empty part", { contents: [{ role: "user", parts: [{}] }] }, "must have one initialized field"],
    [
      "a part of two kinds",
      { contents: [{ parts: [{ text: "x", inlineData: { mimeType: "a/b", data: "" } }] }] },
      "already set",
    ],
    ["a call that nobody answered", { contents: [user, called, user] }, "number of function response parts is equal"],
    ["too many stop sequences", { generationConfig: { stopSequences: ["1", "2", "3", "4", "5", "6"] } }, "at most 5"],
    ["a schema without JSON", { generationConfig: { responseJsonSchema: {} } }, "response_mime_type: application/json"],
  ])("with %s is refused as Google refuses it", async (_, more, words) => {
    const seen = await ask("echo", more);
    expect([seen.status, JSON.parse(seen.body.toString()).error]).toEqual([
      400,
      expect.objectContaining({ code: 400, status: "INVALID_ARGUMENT", message: expect.stringContaining(words) }),
    ]);
  });

  test("without a key, or with a wrong one, is refused; the key may stand in the query", async () => {
    const none = await ask("echo", {}, "generateContent", { authorization: "" });
    expect([none.status, JSON.parse(none.body.toString()).error.status]).toEqual([403, "PERMISSION_DENIED"]);
    const wrong = await ask("echo", {}, "generateContent?key=invalid", { authorization: "" });
    expect([wrong.status, JSON.parse(wrong.body.toString()).error.details[0].reason]).toEqual([400, "API_KEY_INVALID"]);
    expect((await ask("echo", {}, "generateContent?key=test", { authorization: "" })).status).toBe(200);
  });

  test("for an unknown model gets 404, and a prompt that is blocked an answer without candidates", async () => {
    expect(await read("nothing", {})).toMatchObject({ error: { code: 404, status: "NOT_FOUND" } });
    expect(await read("fault-400-filter", {})).toMatchObject({ promptFeedback: { blockReason: "PROHIBITED_CONTENT" } });
    const streamed = await ask("fault-400-filter", {}, "streamGenerateContent?alt=sse");
    expect(eventData(streamed.body).map((data) => Object.keys(JSON.parse(data))[0])).toEqual(["promptFeedback"]);
  });

  test("to which a quota stands against is told when to come again", async () => {
    const { error } = await read("fault-429@retry_after=7", {});
    expect(error.details.at(-1)).toEqual({ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "7s" });
  });
});
