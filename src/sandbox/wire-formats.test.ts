import { array, assert, constantFrom, dictionary, jsonValue, oneof, property, record, string } from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { realRuntime } from "../runtime/real.ts";
import { anthropicMessages } from "./anthropic-messages/index.ts";
import { geminiGenerate } from "./gemini-generate/index.ts";
import { type Sandbox, SANDBOX_MODELS, startSandbox, storyText, storyTokens } from "./index.ts";
import { openaiChat } from "./openai-chat/index.ts";
import { openaiResponses } from "./openai-responses/index.ts";
import { call } from "./test-client.ts";
import { callFormat, saidIn, TEST_FORMATS, type TestFormat } from "../../test/support/sandbox-formats.ts";
import { Refusal } from "./wire-format.ts";

// What must hold in every wire format alike.

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ runtime: realRuntime(), tokenDelayMs: 0 });
});
afterAll(() => sandbox.close());

const MODES = [
  ["unary", false],
  ["stream", true],
] as const;

/** Says a model's name in the tests of one format and mode, so that what it remembers is its own. */
const own = (model: string, format: TestFormat, stream: boolean) =>
  `${model}${model.includes("@") ? "," : "@"}id=${format.id}${stream ? "s" : "u"}`;

describe.each(TEST_FORMATS.map((format) => [format.id, format] as const))("%s", (_id, format) => {
  test.each(MODES)("tells the story whole and says why it ended (%s)", async (_mode, stream) => {
    const said = saidIn(format, await callFormat(sandbox.url, format, { model: "story", stream }), stream);
    expect(said).toEqual({
      text: storyText,
      finish: expect.stringMatching(/^(stop|completed|end_turn|STOP)$/) as string,
    });
  });

  test.each(MODES)("goes on behind the beginning of an answer, wherever that ends (%s)", async (_mode, stream) => {
    for (const characters of [
      1,
      2,
      57,
      storyText.indexOf("🚢"),
      storyTokens(30).join("").length,
      storyText.length - 1,
    ]) {
      const prefill = storyText.slice(0, characters);
      if (/\s$/.test(prefill)) continue;
      const seen = await callFormat(sandbox.url, format, { model: "story", stream, prefill });
      expect(prefill + saidIn(format, seen, stream).text).toBe(storyText);
    }
  });

  test.each(MODES)("lets no-prefill refuse the beginning of an answer, and only that (%s)", async (_mode, stream) => {
    const refused = await callFormat(sandbox.url, format, { model: "no-prefill", stream, prefill: "01·Every" });
    expect(refused.status).toBe(400);
    const told = await callFormat(sandbox.url, format, { model: "no-prefill", stream });
    expect(saidIn(format, told, stream).text).toBe(storyText);
  });

  test.each(MODES)("sends no finish with an answer that has none (%s)", async (_mode, stream) => {
    for (const model of ["fault-no-finish", "fault-done-without-finish"]) {
      const said = saidIn(format, await callFormat(sandbox.url, format, { model, stream }), stream);
      expect(said).toEqual({ text: storyTokens(40).join(""), finish: "" });
    }
  });

  test.each(MODES)("cuts a %s answer behind exactly the asked byte", async (_mode, stream) => {
    const length = (await callFormat(sandbox.url, format, { model: "story@tokens=2", stream })).body.length;
    for (let at = 0; at <= length; at += 97) {
      const seen = await callFormat(sandbox.url, format, { model: `fault-cut@tokens=2,at_byte=${at}`, stream });
      expect(seen).toMatchObject({ whole: false, body: { length: at } });
    }
  });

  test("lists the models in its own way, and wants a key for it", async () => {
    const { path, headers } = format.request({ model: "echo", stream: false });
    const list = path.startsWith("/v1beta") ? "/v1beta/models" : "/v1/models";
    const seen = await call(sandbox.url, { method: "GET", path: list, headers });
    for (const { name } of SANDBOX_MODELS) expect(seen.body.toString()).toContain(`${name}"`);
    const without = { ...headers, "x-api-key": "", "x-goog-api-key": "", authorization: "" };
    expect((await call(sandbox.url, { method: "GET", path: list, headers: without })).status).toBeGreaterThanOrEqual(
      401,
    );
  });
});

// What breaks for ever, or takes long, is the gateway's wall's.
const QUICK = SANDBOX_MODELS.filter(
  ({ name, expected }) =>
    ![expected.unary.reason, expected.stream.reason].includes("PROVIDER_TIMEOUT") &&
    !["fault-tiny-chunks", "fault-endless-line", "fault-gzip"].includes(name),
);

test.each(QUICK.map(({ name }) => name))(
  "%s sends the same tokens and ends alike in every wire format",
  async (model) => {
    for (const [mode, stream] of MODES) {
      const booked = await Promise.all(
        TEST_FORMATS.map(async (format) => {
          const name = own(model, format, stream);
          const { whole } = await callFormat(sandbox.url, format, { model: name, stream });
          await sandbox.books.until((books) => books.of(name).every(({ ended }) => ended !== "running"));
          const [attempt] = sandbox.books.of(name);
          expect(attempt?.format).toBe(format.id);
          // A unary body is cut at a share of its bytes, which differ; so does what a vendor calls an empty status.
          const tokens = stream || whole ? attempt?.tokensSent : "a share";
          return { ended: attempt?.ended, whole, tokens };
        }),
      );
      expect([mode, booked]).toEqual([mode, booked.map(() => booked[0])]);
    }
  },
);

const block = oneof(
  record({
    type: constantFrom("text", "image", "thinking", "tool_use", "tool_result", "input_text", "reasoning"),
    text: string(),
  }),
  record(
    { text: string(), functionCall: jsonValue(), functionResponse: jsonValue(), thoughtSignature: string() },
    { requiredKeys: [] },
  ),
  jsonValue(),
);
const turn = oneof(
  record(
    { role: constantFrom("user", "assistant", "model"), content: oneof(string(), array(block)), parts: array(block) },
    { requiredKeys: ["role"] },
  ),
  record({
    type: constantFrom("message", "function_call", "function_call_output", "reasoning"),
    call_id: string(),
    id: string(),
  }),
  jsonValue(),
);
const member = constantFrom(
  "system",
  "tools",
  "tool_choice",
  "thinking",
  "generationConfig",
  "toolConfig",
  "text",
  "reasoning",
  "include",
);

test.each(
  [openaiChat, openaiResponses, anthropicMessages, geminiGenerate].map((format) => [format.id, format] as const),
)("%s reads or refuses whatever comes, and never fails", (_id, format) => {
  const problem = (body: string): unknown => {
    try {
      const { ask } = format.read(body, "/v1beta/models/think:generateContent");
      return typeof ask.lastUserText === "string" ? undefined : ask;
    } catch (error) {
      return error instanceof Refusal && [400, 404].includes(error.reply.status) ? undefined : error;
    }
  };
  const request = record({ turns: array(turn), rest: dictionary(member, oneof(jsonValue(), array(jsonValue()))) });
  assert(
    property(request, ({ turns, rest }) => {
      const conversation = { messages: turns, input: turns, contents: turns };
      for (const name of ["messages", "input", "contents"] as const) {
        const body = JSON.stringify({ model: "echo", max_tokens: 9, [name]: conversation[name], ...rest });
        expect(problem(body)).toBeUndefined();
        const plain = JSON.stringify({ ...(name === "contents" ? {} : { model: "echo" }), [name]: conversation[name] });
        expect(problem(plain)).toBeUndefined();
      }
    }),
    { numRuns: 150 },
  );
  assert(
    property(string(), (text) => {
      expect(problem(text)).toBeUndefined();
    }),
  );
});
