import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { realRuntime } from "../src/runtime/real.ts";
import { SANDBOX_MODELS, startSandbox, type Sandbox } from "../src/sandbox/index.ts";
import { eventData } from "../src/sandbox/test-client.ts";
import { callFormat, TEST_FORMATS } from "./support/sandbox-formats.ts";
import { apiSpec, type ApiSpec } from "./support/spec.ts";

// What the sandbox says in each wire format is what the format's description says, where that is at hand. Anthropic's is
// described by a third party that speaks it.

interface Described {
  readonly spec: ApiSpec | undefined;
  readonly whole: string;
  readonly event: string;
  readonly error: string;
  /** Members that ask for a call of a tool, for JSON of a schema, and for reasoning that shows. */
  readonly tools: Readonly<Record<string, unknown>>;
  readonly json: Readonly<Record<string, unknown>>;
  readonly thoughts: Readonly<Record<string, unknown>>;
}

const openAi = apiSpec("openai.openapi.json", "/components/schemas");
const router = apiSpec("openrouter.openapi.json", "/components/schemas");
const google = apiSpec("gemini.v1beta.schema.json", "/$defs");

const schema = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const name = "weather";

const DESCRIBED: Readonly<Record<string, Described>> = {
  "openai-chat": {
    spec: openAi,
    whole: "CreateChatCompletionResponse",
    event: "CreateChatCompletionStreamResponse",
    error: "ErrorResponse",
    tools: { tools: [{ type: "function", function: { name, parameters: schema } }] },
    json: { response_format: { type: "json_schema", json_schema: { name, schema } } },
    thoughts: {},
  },
  "openai-responses": {
    spec: openAi,
    whole: "Response",
    event: "ResponseStreamEvent",
    error: "ErrorResponse",
    tools: { tools: [{ type: "function", name, parameters: schema, strict: true }] },
    json: { text: { format: { type: "json_schema", name, schema } } },
    thoughts: { reasoning: { effort: "low", summary: "auto" }, include: ["reasoning.encrypted_content"] },
  },
  "anthropic-messages": {
    spec: router,
    whole: "MessagesResult",
    event: "MessagesStreamEvents",
    error: "AnthropicMessagesErrorResponse",
    tools: { tools: [{ name, input_schema: schema }] },
    json: { output_config: { format: { type: "json_schema", schema } } },
    thoughts: { thinking: { type: "enabled", budget_tokens: 1024 } },
  },
  "gemini-generate": {
    spec: google,
    whole: "GenerateContentResponse",
    event: "GenerateContentResponse",
    error: "",
    tools: { tools: [{ functionDeclarations: [{ name, parametersJsonSchema: schema }] }] },
    json: { generationConfig: { responseMimeType: "application/json", responseJsonSchema: schema } },
    thoughts: { generationConfig: { thinkingConfig: { includeThoughts: true } } },
  },
};

// Where a vendor's recorded answers differ from the description, the sandbox says what was recorded: null for a user that
// nobody named and for usage that is yet to come, where OpenAI describes text and an object; nothing, where the third
// party always has a member.
function asDescribed(id: string, json: string): unknown {
  return JSON.parse(json, (key, member: any) => {
    if (id === "openai-responses") return member === null && (key === "user" || key === "usage") ? undefined : member;
    if (id !== "anthropic-messages" || member === null) return member;
    if (member.type === "text" && typeof member.text === "string") return { citations: null, ...member };
    if ("cache_read_input_tokens" in Object(member))
      return { server_tool_use: null, output_tokens_details: null, ...member };
    if ("stop_reason" in Object(member)) return { container: null, stop_details: null, ...member };
    return member;
  });
}

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ runtime: realRuntime(), tokenDelayMs: 0 });
});
afterAll(() => sandbox.close());

describe.each(TEST_FORMATS.map((format) => [format.id, format] as const))("%s", (id, format) => {
  const described = DESCRIBED[id]!;
  const { spec } = described;
  const wrong = (schemaName: string, json: string) => spec?.(schemaName, asDescribed(id, json)) ?? [];
  const checked = test.skipIf(!spec);

  const asked: [string, Readonly<Record<string, unknown>>][] = [
    ...SANDBOX_MODELS.filter(({ group }) => group === "answer").map((model): [string, {}] => [model.name, {}]),
    ["tools", described.tools],
    ["json", described.json],
    ["think", { ...described.thoughts, ...described.tools }],
    ["echo@cached=1,cache_written=1", {}],
  ];

  checked.each(asked)("%s answers by the description, with %j", async (model, more) => {
    const whole = await callFormat(sandbox.url, format, { model, stream: false, more });
    expect([whole.status, wrong(described.whole, whole.body.toString())]).toEqual([200, []]);
    const streamed = await callFormat(sandbox.url, format, { model, stream: true, more });
    const events = eventData(streamed.body).filter((data) => data !== "[DONE]");
    expect(events.length).toBeGreaterThan(1);
    expect(events.flatMap((data) => wrong(described.event, data))).toEqual([]);
  });

  test.skipIf(!spec || described.error === "")("fails by the description", async () => {
    // What says no to a whole country stands before the API and words it in its own way.
    const failing = SANDBOX_MODELS.filter(
      (model) => /^fault-(4|5)\d\d/.test(model.name) && model.name !== "fault-403-account",
    );
    for (const { name: model } of failing) {
      const { status, body } = await callFormat(sandbox.url, format, { model: `${model}@id=${id}`, stream: false });
      expect([model, status, wrong(described.error, body.toString())]).toEqual([model, status, []]);
      expect(status).toBeGreaterThanOrEqual(400);
    }
  });

  checked("has a description that tells right from wrong", () => {
    expect(spec?.(described.whole, { id: 1, output: "x", content: 1, choices: 1, candidates: 1 })).not.toEqual([]);
  });
});
