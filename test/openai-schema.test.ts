import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SANDBOX_MODELS } from "../src/sandbox/index.ts";
import { openAiSpec, propertiesOf } from "../src/surfaces/openai/openai-spec.ts";
import { startGateway, type TestGateway } from "./support/gateway.ts";

// Everything that the REST shim of a running gateway emits is what OpenAI's own description of its API says, where that
// description is at hand: PARLEY_SPEC, else ../shared/spec.

type Json = Record<string, unknown>;

const user = (content: unknown): Json => ({ role: "user", content });
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tool = (name: string): Json => ({ type: "function", function: { name, description: "Looks it up", parameters } });
const schema = {
  type: "object",
  properties: { zeta: { type: "integer" }, alpha: { type: "string" } },
  required: ["zeta", "alpha"],
  additionalProperties: false,
};
const fast = (model: string): string => `sandbox/${model}@delay_ms=0`;

/** Requests that are answered: what makes each of them special. */
const ANSWERED: Readonly<Record<string, Json>> = {
  ...Object.fromEntries(
    SANDBOX_MODELS.filter(({ group }) => group === "answer").map(({ name }) => [
      `the model ${name}`,
      { model: fast(name) },
    ]),
  ),
  "a tool call": { model: fast("tools"), tools: [tool("weather")] },
  "parallel tool calls": { model: fast("tools"), tools: [tool("weather"), tool("clock")], parallel_tool_calls: true },
  "interleaved tool calls": { model: "sandbox/tools@delay_ms=0,interleave=1", tools: [tool("weather"), tool("clock")] },
  "a custom tool call": { model: fast("tools"), tools: [{ type: "custom", custom: { name: "shell" } }] },
  "the result of a tool": {
    model: fast("tools"),
    tools: [tool("weather")],
    messages: [
      user("weather?"),
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "call_1", type: "function", function: { name: "weather", arguments: '{"city":"Paris"}' } }],
      },
      { role: "tool", tool_call_id: "call_1", content: "sunny" },
    ],
  },
  "a call of a legacy function": {
    model: fast("tools"),
    functions: [{ name: "weather", parameters }],
    function_call: "auto",
  },
  "an instance of a schema": {
    model: fast("json"),
    response_format: { type: "json_schema", json_schema: { name: "pair", strict: true, schema } },
  },
  "a JSON object": { model: fast("json"), response_format: { type: "json_object" } },
  "an output limit": { model: fast("story"), max_completion_tokens: 5 },
  "a stop sequence": { model: fast("story"), stop: ["·"] },
  "an empty text": { model: fast("story"), max_completion_tokens: 1 },
  "two candidates": { model: fast("story"), n: 2 },
  "two candidates that call tools": { model: fast("tools"), n: 2, tools: [tool("weather")] },
  "log probabilities": { model: fast("echo"), logprobs: true, top_logprobs: 2 },
  "log probabilities of two candidates that are cut": {
    model: fast("story"),
    logprobs: true,
    n: 2,
    max_completion_tokens: 3,
  },
  "a text beyond ASCII": { model: fast("echo"), messages: [user("Grüße, 世界 🌍 \u0000\u2028")] },
  "parts and a system message": {
    model: fast("echo"),
    messages: [
      { role: "system", content: "Be brief" },
      user([
        { type: "text", text: "one" },
        { type: "text", text: "two" },
      ]),
    ],
  },
  adaptations: {
    model: fast("echo"),
    prompt_cache_retention: "24h",
    reasoning_effort: "low",
    service_tier: "auto",
    seed: 7,
  },
  "a rescue by a route": { model: "failover-demo" },
  "a rescue by a fallback": { model: "sandbox/fault-500", models: [fast("echo")] },
};

/** Requests that are not, by their reason. */
const REFUSED: Readonly<Record<string, Json>> = {
  "no model": { model: undefined },
  "a model that nobody has": { model: "nobody/nothing" },
  "no messages": { messages: [] },
  "a wrong type": { temperature: "hot" },
  "a value out of range": { temperature: 9 },
  "an option of a later version": { parley: { delivery: "auto" } },
  "a parameter that the provider does not know": { no_such_parameter: 1 },
  "a conversation that is too long": { model: "sandbox/long-context", messages: [user("word ".repeat(100))] },
  ...Object.fromEntries(
    SANDBOX_MODELS.filter(
      ({ group, expected }) =>
        group === "fault" && ![expected.unary.reason, expected.stream.reason].includes("PROVIDER_TIMEOUT"),
    ).map(({ name }) => [`the model ${name}`, { model: fast(name) }]),
  ),
};

/** What the shim adds to OpenAI's shapes, each of them documented. */
const ADDITIONS: Readonly<Record<string, readonly string[]>> = {
  body: ["parley"],
  message: ["reasoning_content", "reasoning_details", "reasoning", "images"],
  error: ["parley"],
  model: ["parley"],
};

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});

afterAll(() => gateway.close());

const checked = test.skipIf(!openAiSpec);
if (!openAiSpec) {
  const counts = [
    `${3 * Object.keys(ANSWERED).length} of answers`,
    `${2 * Object.keys(REFUSED).length} of errors`,
    "5 of model lists",
  ];
  console.warn(
    `NOT RUN: checks of what the shim emits against OpenAI's schemas: ${counts.join(", ")}; set PARLEY_SPEC`,
  );
}

/** What is wrong with a value: by the schema, and properties that neither it nor this gateway's documentation has. */
function wrong(name: string, value: unknown): string[] {
  if (!openAiSpec) throw new Error("there is no description of OpenAI's API");
  const { check, schemas } = openAiSpec;
  const known = (schemaName: string, additions: string) => [
    ...propertiesOf(schemas[schemaName], schemas),
    ...(ADDITIONS[additions] ?? []),
  ];
  const stray = (object: unknown, names: readonly string[]) =>
    Object.keys((object ?? {}) as Json).filter((key) => !names.includes(key));
  const body = value as { choices?: { message?: Json; delta?: Json }[]; usage?: Json; error?: Json };
  const strays = [
    ...stray(value, name === "ErrorResponse" ? ["error"] : known(name, name === "Model" ? "model" : "body")),
    ...(body.choices ?? []).flatMap((choice) => [
      ...stray(choice, ["index", "finish_reason", "logprobs", "message", "delta"]),
      ...stray(choice.message, known("ChatCompletionResponseMessage", "message")),
      ...stray(choice.delta, known("ChatCompletionStreamResponseDelta", "message")),
    ]),
    ...stray(body.usage, known("CompletionUsage", "usage")),
    ...stray(body.error, known("Error", "error")),
  ];
  return [...check(name, value), ...strays.map((key) => `${key} is in no documentation`)];
}

async function send(special: Json, more: Json): Promise<{ status: number; values: unknown[]; done: boolean }> {
  const body = { model: fast("echo"), messages: [user("Tell me a story")], ...special, ...more };
  const headers = { "content-type": "application/json", authorization: `Bearer ${gateway.localKey}` };
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.headers.get("content-type")?.startsWith("text/event-stream"))
    return { status: response.status, values: [JSON.parse(text)], done: false };
  const data = text
    .split("\n\n")
    .filter((event) => event.startsWith("data: "))
    .map((event) => event.slice("data: ".length));
  const values = data.filter((one) => one !== "[DONE]").map((one) => JSON.parse(one) as unknown);
  return { status: response.status, values, done: data.at(-1) === "[DONE]" };
}

const isError = (value: unknown): boolean => typeof value === "object" && value !== null && "error" in value;

// At once, for much of it is waiting before another attempt.
describe.concurrent.each(Object.entries(ANSWERED))("%s", (_name, special) => {
  checked("is answered in one piece", async () => {
    const { status, values } = await send(special, {});
    expect(status).toBe(200);
    expect(wrong("CreateChatCompletionResponse", values[0])).toEqual([]);
  });

  checked.each([[{ stream: true }], [{ stream: true, stream_options: { include_usage: true } }]])(
    "is answered as a stream %j",
    async (more) => {
      const { values, done } = await send(special, more);
      expect(values.length).toBeGreaterThan(1);
      expect(values.flatMap((value) => wrong("CreateChatCompletionStreamResponse", value))).toEqual([]);
      expect(done).toBe(true);
      const ids = new Set(
        values.map((value) => `${String((value as Json)["id"])} ${String((value as Json)["created"])}`),
      );
      expect(ids.size).toBe(1);
    },
  );
});

describe.concurrent.each(Object.entries(REFUSED))("%s", (_name, special) => {
  checked.each([[{}], [{ stream: true }]])("ends in an error, or does not, by the schema %j", async (more) => {
    const { values, done } = await send(special, more);
    const errors = values.filter(isError);
    const answer =
      "stream" in more && values.length > 1 ? "CreateChatCompletionStreamResponse" : "CreateChatCompletionResponse";
    expect(values.flatMap((value) => wrong(isError(value) ? "ErrorResponse" : answer, value))).toEqual([]);
    expect(errors.length).toBeLessThanOrEqual(1);
    if (errors.length > 0) expect([errors[0], done]).toEqual([values.at(-1), false]);
  });
});

checked("a check tells a wrong type, a missing member and one that nobody documents", () => {
  expect(wrong("Model", { id: 1, object: "model", created: 0, extra: true })).toEqual([
    " must have required property 'owned_by'",
    "/id must be string",
    "extra is in no documentation",
  ]);
  const chunk = {
    id: "1",
    object: "chat.completion.chunk",
    created: 0,
    model: "a/b",
    choices: [{ index: 0, delta: { thoughts: "x" }, finish_reason: "tired" }],
  };
  expect(wrong("CreateChatCompletionStreamResponse", chunk)).toEqual([
    "/choices/0/finish_reason must be equal to one of the allowed values",
    "thoughts is in no documentation",
  ]);
});

describe("other answers", () => {
  const get = async (path: string, key = gateway.localKey): Promise<unknown> =>
    (await fetch(gateway.url + path, { headers: { authorization: `Bearer ${key}` } })).json();

  checked("the list of models, and each of them", async () => {
    const list = (await get("/v1/models")) as { data: { id: string }[] };
    expect(openAiSpec?.check("ListModelsResponse", list)).toEqual([]);
    expect(list.data.length).toBeGreaterThan(SANDBOX_MODELS.length);
    for (const model of list.data) expect(wrong("Model", model)).toEqual([]);
    for (const { id } of list.data.slice(0, 5))
      expect(wrong("Model", await get(`/v1/models/${encodeURIComponent(id)}`))).toEqual([]);
  });

  checked.each([["/v1/models/nobody%2Fnothing"], ["/v1/nothing"], ["/nothing"]])("%s is an error", async (path) => {
    expect(wrong("ErrorResponse", await get(path))).toEqual([]);
  });

  checked("a wrong key is an error", async () => {
    expect(wrong("ErrorResponse", await get("/v1/models", "a-key-of-nobody-at-all"))).toEqual([]);
  });
});
