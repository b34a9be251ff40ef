import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { realRuntime } from "../../runtime/real.ts";
import { type Sandbox, startSandbox } from "../index.ts";
import { call, eventData } from "../test-client.ts";

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ runtime: realRuntime(), tokenDelayMs: 0 });
});
afterAll(() => sandbox.close());

const headers = { authorization: "", "x-api-key": "test", "anthropic-version": "2023-06-01" };
const user = { role: "user", content: "Hello there" };
const tool = {
  name: "weather",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};
const result = (id: string) => ({
  role: "user",
  content: [{ type: "tool_result", tool_use_id: id, content: "sunny" }],
});

const ask = (more: object, own: Record<string, string> = headers) =>
  call(sandbox.url, {
    path: "/v1/messages",
    headers: own,
    body: { model: "echo", max_tokens: 2048, messages: [user], ...more },
  });
const read = async (more: object) => JSON.parse((await ask(more)).body.toString());

describe("a streamed answer", () => {
  test("names its events, opens and closes each block, pings once and says the reason with the usage", async () => {
    const seen = await ask({ model: "think", stream: true, thinking: { type: "enabled", budget_tokens: 1024 } });
    const lines = seen.body.toString().split("\n");
    const names = lines.filter((line) => line.startsWith("event: ")).map((line) => line.slice(7));
    const events = eventData(seen.body).map((data) => JSON.parse(data));
    expect(names).toEqual(events.map(({ type }) => type));
    const shape = events.map(({ type, delta }) => delta?.type ?? type).join(" ");
    expect(shape.replaceAll(/(\w+_delta)( \1)+/g, "$1").split(" ")).toEqual([
      "message_start",
      "ping",
      "content_block_start",
      "thinking_delta",
      "signature_delta",
      "content_block_stop",
      "content_block_start",
      "text_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
    expect(events.at(-2)).toMatchObject({
      delta: { stop_reason: "end_turn", stop_sequence: null },
      usage: { output_tokens: 14, output_tokens_details: { thinking_tokens: 12 } },
    });
  });

  test("keeps cached tokens apart from the others", async () => {
    const { usage } = await read({ model: "echo@cached=3,cache_written=2" });
    const all = (await read({})).usage.input_tokens;
    expect(usage).toMatchObject({ input_tokens: all - 5, cache_read_input_tokens: 3, cache_creation_input_tokens: 2 });
  });

  test("says which stop sequence ended it", async () => {
    const { stop_reason, stop_sequence, content } = await read({ model: "story", stop_sequences: ["zzz", "04"] });
    expect([stop_reason, stop_sequence]).toEqual(["stop_sequence", "04"]);
    expect(content[0].text).toMatch(/03·the $/);
  });
});

describe("reasoning", () => {
  const thinking = { type: "enabled", budget_tokens: 1024 };
  const turns = async () => {
    const { content } = await read({ model: "think", thinking, tools: [tool] });
    return { content, id: content[1].id as string };
  };
  const again = (content: unknown, id: string) =>
    read({ model: "think", thinking, tools: [tool], messages: [user, { role: "assistant", content }, result(id)] });

  test("is taken back as it was", async () => {
    const { content, id } = await turns();
    expect(content.map(({ type }: { type: string }) => type)).toEqual(["thinking", "tool_use"]);
    expect((await again(content, id)).content.at(-1)).toEqual({ type: "text", text: "The tool answered: sunny" });
  });

  test("is refused when its text, its signature or the whole of it has changed", async () => {
    const { content, id } = await turns();
    const [thought, made] = content;
    for (const [changed, words] of [
      [[{ ...thought, thinking: `${thought.thinking} ` }, made], /Invalid `signature` in `thinking` block/],
      [
        [{ ...thought, signature: thought.signature.replace(/./, "_") }, made],
        /Invalid `signature` in `thinking` block/,
      ],
      [[made], /Expected `thinking` or `redacted_thinking`, but found `tool_use`/],
      [[{ type: "redacted_thinking", data: "x" }, made], /Invalid `data` in `redacted_thinking` block/],
    ] as const) {
      const { error } = await again(changed, id);
      expect(error).toEqual({ type: "invalid_request_error", message: expect.stringMatching(words) });
    }
  });

  test("can be left out of sight, and is signed all the same", async () => {
    const { content } = await read({ model: "think", thinking: { type: "adaptive", display: "omitted" } });
    expect(content[0]).toEqual({ type: "thinking", thinking: "", signature: expect.any(String) });
    const messages = [user, { role: "assistant", content }, user];
    expect((await read({ model: "think", messages })).content.at(-1).text).toBe("Hello there");
  });
});

describe("a bad request", () => {
  const calling = { role: "assistant", content: [{ type: "tool_use", id: "t1", name: "weather", input: {} }] };
  const marked = { type: "text", text: "x", cache_control: { type: "ephemeral" } };
  test.each<[string, object, string]>([
    ["an unknown parameter", { n: 2 }, "n: Extra inputs are not permitted"],
    ["no output limit", { max_tokens: undefined }, "max_tokens: Field required"],
    ["no messages", { messages: [] }, "messages: at least one message is required"],
    ["a wrong type", { temperature: "1" }, "temperature: Input should be a valid number"],
    ["a value that is too large", { temperature: 2 }, "temperature: Input should be less than or equal to 1"],
    ["an unknown role", { messages: [{ role: "tool", content: "x" }] }, "messages.0.role: Input should be"],
    [
      "an unknown block",
      { messages: [{ role: "user", content: [{ type: "video" }] }] },
      "Input tag 'video' found using 'type'",
    ],
    ["an empty text", { messages: [{ role: "user", content: "" }] }, "text content blocks must be non-empty"],
    [
      "a call that nobody answered",
      { messages: [user, calling, user] },
      "`tool_use` ids were found without `tool_result` blocks",
    ],
    [
      "a result that nobody called for",
      { messages: [result("t9")] },
      "unexpected `tool_use_id` found in `tool_result` blocks: t9",
    ],
    [
      "an end in white space",
      { messages: [user, { role: "assistant", content: "x " }] },
      "cannot end with trailing whitespace",
    ],
    [
      "too many cache marks",
      { system: Array.from({ length: 5 }, () => marked) },
      "A maximum of 4 blocks with cache_control",
    ],
    [
      "a budget that leaves nothing",
      { thinking: { type: "enabled", budget_tokens: 2048 } },
      "must be greater than `thinking.budget_tokens`",
    ],
    [
      "a temperature beside thinking",
      { thinking: { type: "adaptive" }, temperature: 0 },
      "`temperature` may only be set to 1",
    ],
    ["a tool without a schema", { tools: [{ name: "x" }] }, "tools.0.custom.input_schema: Field required"],
  ])("with %s is refused as Anthropic refuses it", async (_, more, words) => {
    const seen = await ask(more);
    expect([seen.status, JSON.parse(seen.body.toString())]).toEqual([
      400,
      {
        type: "error",
        error: { type: "invalid_request_error", message: expect.stringContaining(words) },
        request_id: seen.headers["request-id"],
      },
    ]);
  });

  test.each<[string, Record<string, string>, number, string]>([
    ["no key", { ...headers, "x-api-key": "" }, 401, "authentication_error"],
    ["a wrong key", { ...headers, "x-api-key": "invalid" }, 401, "authentication_error"],
    ["no version", { "x-api-key": "test", authorization: "" }, 400, "invalid_request_error"],
  ])("with %s is refused", async (_, own, status, type) => {
    const seen = await ask({}, own);
    expect([seen.status, JSON.parse(seen.body.toString()).error.type]).toEqual([status, type]);
  });

  test("for an unknown model gets 404", async () => {
    const seen = await ask({ model: "claude-nothing" });
    expect([seen.status, JSON.parse(seen.body.toString()).error]).toEqual([
      404,
      { type: "not_found_error", message: "model: claude-nothing" },
    ]);
  });
});
