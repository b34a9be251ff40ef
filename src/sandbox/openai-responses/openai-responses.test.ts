import OpenAI, { NotFoundError, RateLimitError } from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { realRuntime } from "../../runtime/real.ts";
import { type Sandbox, startSandbox, storyText } from "../index.ts";
import { call, eventData } from "../test-client.ts";

let sandbox: Sandbox;
let client: OpenAI;
beforeAll(async () => {
  sandbox = await startSandbox({ runtime: realRuntime(), tokenDelayMs: 0 });
  client = new OpenAI({ baseURL: `${sandbox.url}/v1`, apiKey: "test", maxRetries: 0 });
});
afterAll(() => sandbox.close());

const user = { role: "user" as const, content: "Hello there" };
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = [{ type: "function" as const, name: "weather", parameters, strict: true }];
const ask = (more: object) =>
  call(sandbox.url, { path: "/v1/responses", body: { model: "echo", input: [user], ...more } });
const read = async (more: object) => JSON.parse((await ask(more)).body.toString());

describe("OpenAI's own client", () => {
  test("reads a whole answer, and the text of a plain input", async () => {
    const answer = await client.responses.create({ model: "echo", input: "Hello there" });
    expect([answer.output_text, answer.status]).toEqual(["Hello there", "completed"]);
  });

  test("gathers a stream into the answer that the last event holds", async () => {
    const stream = client.responses.stream({ model: "story", input: [user] });
    const numbers: number[] = [];
    stream.on("event", ({ sequence_number }) => numbers.push(sequence_number));
    const answer = await stream.finalResponse();
    expect([answer.output_text, answer.usage?.output_tokens]).toEqual([storyText, 60]);
    expect(numbers).toEqual(numbers.map((_, index) => index));
  });

  test("runs a tool loop with encrypted reasoning to its end", async () => {
    const asked = { model: "think", tools, store: false, include: ["reasoning.encrypted_content" as const] };
    const first = await client.responses.create({ ...asked, input: [user] });
    expect(first.output.map(({ type }) => type)).toEqual(["reasoning", "function_call"]);
    const made = first.output.find((item) => item.type === "function_call")!;
    const output = { type: "function_call_output" as const, call_id: made.call_id, output: "sunny" };
    const second = await client.responses.create({ ...asked, input: [user, ...first.output, output] as never });
    expect(second.output_text).toBe("The tool answered: sunny");
  });

  test("maps failures to its own error classes, also those in a stream", async () => {
    await expect(client.responses.create({ model: "fault-429", input: "x" })).rejects.toThrow(RateLimitError);
    await expect(client.responses.create({ model: "unheard-of", input: "x" })).rejects.toThrow(NotFoundError);
    const stream = await client.responses.create({ model: "fault-error-event-late", input: "x", stream: true });
    const reading = async () => {
      for await (const event of stream) expect(event.type).toBeDefined();
    };
    await expect(reading()).rejects.toThrow(/server had an error/);
  });
});

test("a stream names its events and goes from the opening to the end of each item", async () => {
  const seen = await ask({ model: "echo", stream: true });
  const names = seen.body.toString().match(/(?<=^event: ).*$/gm);
  expect(names).toEqual(eventData(seen.body).map((data) => JSON.parse(data).type));
  expect(names?.map((name) => name.replace("response.", ""))).toEqual([
    "created",
    "in_progress",
    "output_item.added",
    "content_part.added",
    "output_text.delta",
    "output_text.delta",
    "output_text.done",
    "content_part.done",
    "output_item.done",
    "completed",
  ]);
});

test("an answer that is cut short is incomplete, and says why", async () => {
  for (const [model, reason] of [
    ["length", "max_output_tokens"],
    ["filter", "content_filter"],
  ]) {
    const answer = await read({ model });
    expect([answer.status, answer.incomplete_details, answer.output.at(-1).status]).toEqual([
      "incomplete",
      { reason },
      "incomplete",
    ]);
  }
});

test("encrypted reasoning is refused when it has changed, is missing, or stands alone", async () => {
  const asked = { model: "think", tools, include: ["reasoning.encrypted_content"] };
  const [thought, made] = (await read({ ...asked, input: [user] })).output;
  const output = { type: "function_call_output", call_id: made.call_id, output: "sunny" };
  const again = async (...items: unknown[]) => (await read({ ...asked, input: [user, ...items] })).error;
  const encrypted_content = thought.encrypted_content.replace(/.$/, "_");
  expect(await again({ ...thought, encrypted_content }, made, output)).toMatchObject({
    code: "invalid_encrypted_content",
  });
  const cases: [unknown[], RegExp][] = [
    [[{ ...thought, encrypted_content: null }, made, output], /Item with id '.*' not found. Items are not persisted/],
    [[made, output], /'function_call' was provided without its required 'reasoning' item/],
    [[thought, user], /'reasoning' was provided without its required following item/],
  ];
  for (const [items, words] of cases) expect((await again(...items)).message).toMatch(words);
  // Without its id nothing tells that there was reasoning.
  expect(await again({ ...made, id: undefined }, output)).toBeNull();
});

describe("a bad request", () => {
  const made = { type: "function_call", call_id: "c1", name: "f", arguments: "{}" };
  const output = { type: "function_call_output", call_id: "c9", output: "x" };
  test.each<[string, object, string | null, string | null]>([
    ["no input", { input: undefined }, "missing_required_parameter", "input"],
    ["empty input", { input: [] }, "empty_array", "input"],
    ["an unknown parameter", { stop: ["x"] }, "unknown_parameter", "stop"],
    ["a wrong type", { temperature: "1" }, "invalid_type", "temperature"],
    ["a limit that is too small", { max_output_tokens: 15 }, "integer_below_min_value", "max_output_tokens"],
    ["a word that is not allowed", { service_tier: "slow" }, "invalid_value", "service_tier"],
    ["an unknown role", { input: [{ role: "tool", content: "x" }] }, "invalid_value", "input[0].role"],
    [
      "an unknown part",
      { input: [{ role: "user", content: [{ type: "x" }] }] },
      "invalid_value",
      "input[0].content[0].type",
    ],
    [
      "a long call id",
      { input: [{ ...made, call_id: "x".repeat(65) }] },
      "string_above_max_length",
      "input[0].call_id",
    ],
    ["a call that nobody answered", { input: [user, made] }, null, "input"],
    ["a result that nobody called for", { input: [user, output] }, null, "input"],
    ["a tool name with a space", { tools: [{ ...tools[0], name: "a b" }] }, "invalid_value", "tools[0].name"],
    ["JSON mode without the word", { text: { format: { type: "json_object" } } }, null, "input"],
    [
      "an answer that nobody kept",
      { previous_response_id: "resp_1" },
      "previous_response_not_found",
      "previous_response_id",
    ],
  ])("with %s is refused as OpenAI refuses it", async (_, more, code, param) => {
    const seen = await ask(more);
    const { error } = JSON.parse(seen.body.toString());
    expect([seen.status, error]).toEqual([
      400,
      { message: expect.any(String), type: "invalid_request_error", param, code },
    ]);
  });
});
