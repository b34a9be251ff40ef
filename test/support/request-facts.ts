import { fromJson, type DescField, type DescMessage, type JsonValue } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { ChatRequestSchema, type ChatRequest } from "../../src/contract/index.ts";

// Every fact that a request can tell, found by reflection: a field added to the contract is among them by itself. For each
// there are two requests, which differ in that fact and in nothing else.

/** Two requests, without a fact and with it. */
export interface RequestFact {
  /** The field, for example `Sampling.top_k`. */
  readonly field: string;
  /** The message that tells it, for example `MediaPart of a document`. */
  readonly place: string;
  readonly without: ChatRequest;
  readonly told: ChatRequest;
}

/** Whose state and models the requests speak of. */
export interface FactTarget {
  readonly provider: string;
  readonly dialect: string;
  readonly model: string;
}

type Json = { readonly [member: string]: any };
// State that each wire format wants back with the part that it stands on.
const STATES: Readonly<Record<string, Json>> = {
  "openai-chat": { format: "openai-chat.extra_content", text: '{"x":1}' },
  "openai-responses": { format: "openai-responses.encrypted_content", text: "c2ln" },
  "anthropic-messages": { format: "anthropic-messages.signature", text: "c2ln" },
  "gemini-generate": { format: "gemini-generate.thought_signature", text: "c2ln" },
};

type Home = (message: Json) => Json;

const USER: Json = { role: "ROLE_USER", parts: [{ text: { text: "Hi" } }] };
const CALL: Json = { callId: "call_1", name: "weather", argumentsJson: '{"city":"Paris"}' };
const WEATHER: Json = { name: "weather", parametersJson: '{"type":"object","properties":{}}' };
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

const said = (part: Json): Json => ({
  messages: [{ role: "ROLE_USER", parts: [{ text: { text: "Hi" } }, part] }],
});
const answered = (...parts: readonly Json[]): Json => ({
  messages: [USER, { role: "ROLE_ASSISTANT", parts }, { role: "ROLE_USER", parts: [{ text: { text: "Go on" } }] }],
});
const called = (call: Json, result: Json): Json => ({
  tools: [{ function: WEATHER }],
  messages: [USER, { role: "ROLE_ASSISTANT", parts: [{ toolCall: call }] }, { role: "ROLE_TOOL", parts: [result] }],
});
const RESULT: Json = { toolResult: { callId: "call_1", content: [{ text: { text: "Sunny" } }] } };

/** Where a message of each type stands in a request, and what it holds at least. */
function homes({ provider, dialect, model }: FactTarget): Readonly<Record<string, readonly [Home, Json]>> {
  const origin: Json = { provider, dialect, model };
  const state: Json = { origin, ...STATES[dialect] };
  // One format keeps this state on texts, the others on reasoning.
  const thought = dialect === "openai-chat" ? { text: { text: "said" } } : { reasoning: { text: ["hm"] } };
  const tool = (kind: string): Home => {
    return (one) => ({ messages: [USER], tools: [{ [kind]: one }] });
  };
  return {
    ChatRequest: [(request) => request, { messages: [USER] }],
    Message: [(message) => ({ messages: [message] }), USER],
    Part: [said, { text: { text: "more" } }],
    TextPart: [(text) => answered({ text }), { text: "said" }],
    Citation: [(citation) => answered({ text: { text: "said", citations: [citation] } }), {}],
    FileReference: [(file) => said({ media: { modality: "MODALITY_DOCUMENT", file } }), { provider, id: "file_1" }],
    OpaqueState: [(one) => answered({ ...thought, state: [one] }, { text: { text: "said" } }), state],
    Origin: [(one) => answered({ ...thought, state: [{ ...state, origin: one }] }, { text: { text: "said" } }), origin],
    TokenLogprob: [(logprob) => answered({ text: { text: "said", logprobs: [logprob] } }), { token: "said" }],
    MediaPart: [(media) => said({ media }), { modality: "MODALITY_IMAGE", mimeType: "image/png", inline: PIXEL }],
    "MediaPart of a document": [
      (media) => said({ media }),
      { modality: "MODALITY_DOCUMENT", mimeType: "application/pdf", inline: PIXEL },
    ],
    "MediaPart of a file": [
      (media) => said({ media }),
      { modality: "MODALITY_DOCUMENT", file: { provider, id: "file_1" } },
    ],
    "MediaPart of a text": [
      (media) => said({ media }),
      { modality: "MODALITY_DOCUMENT", mimeType: "text/plain", text: "words" },
    ],
    ReasoningPart: [(reasoning) => answered({ reasoning }, { text: { text: "said" } }), { text: ["hm"] }],
    ToolCallPart: [(call) => called(call, RESULT), CALL],
    ToolResultPart: [(toolResult) => called(CALL, { toolResult }), RESULT["toolResult"]],
    RefusalPart: [(refusal) => answered({ refusal }), { text: "No" }],
    SearchResultPart: [
      (searchResult) => said({ searchResult }),
      { source: "s", content: [{ text: { text: "found" } }] },
    ],
    OpaquePart: [(opaque) => answered({ opaque }), { origin, nativeType: "x", json: '{"type":"x"}' }],
    CacheBreakpoint: [(cacheBreakpoint) => said({ text: { text: "more" }, cacheBreakpoint }), {}],
    Tool: [(one) => ({ messages: [USER], tools: [one] }), { function: WEATHER }],
    FunctionTool: [tool("function"), { name: "weather" }],
    CustomTool: [tool("custom"), { name: "script" }],
    Grammar: [(grammar) => tool("custom")({ name: "script", grammar }), { syntax: "lark", definition: "start: /x/" }],
    WebSearchTool: [tool("webSearch"), {}],
    UserLocation: [(userLocation) => tool("webSearch")({ userLocation }), {}],
    NativeTool: [tool("native"), { dialect, type: "x_1", definitionJson: '{"type":"x_1"}' }],
    ToolChoice: [(toolChoice) => ({ messages: [USER], tools: [{ function: WEATHER }], toolChoice }), {}],
    Sampling: [(sampling) => ({ messages: [USER], sampling }), {}],
    OutputFormat: [(output) => ({ messages: [USER], output }), {}],
    JsonSchemaFormat: [
      (jsonSchema) => ({ messages: [USER], output: { jsonSchema } }),
      { name: "x", schemaJson: '{"type":"object","properties":{},"additionalProperties":false}' },
    ],
    AudioOutput: [(audio) => ({ messages: [USER], output: { modalities: ["MODALITY_AUDIO"], audio } }), {}],
    Reasoning: [(reasoning) => ({ messages: [USER], reasoning }), {}],
    Caching: [(caching) => ({ messages: [USER], caching }), {}],
    RawParams: [(rawParams) => ({ messages: [USER], rawParams: [rawParams] }), { dialect, json: '{"x_raw":1}' }],
  };
}

/** Values that a field can have where not any will do, by message and field. */
function samples({ provider }: FactTarget): Readonly<Record<string, unknown>> {
  const elsewhere = { provider: "elsewhere", dialect: "other", model: "m9" };
  return {
    "ChatRequest.messages": [USER, { role: "ROLE_ASSISTANT", parts: [{ text: { text: "said" } }] }, USER],
    "ChatRequest.prediction": [{ text: { text: "said" } }],
    "Message.role": "ROLE_SYSTEM",
    "Tool.function": { name: "clock" },
    "MediaPart.modality": "MODALITY_VIDEO",
    "MediaPart.file": { provider, id: "file_2" },
    "OpaquePart.origin": elsewhere,
    "OpaqueState.origin": elsewhere,
    "FileReference.provider": "elsewhere",
    "MediaPart.mime_type": "image/webp",
    "MediaPart.url": "https://example.com/a.png",
    "MediaPart.inline": "AAAA",
    "MediaPart.detail": "low",
    "MediaPart.expires_at": "2026-11-20T00:00:00Z",
    "ToolCallPart.executor": "EXECUTOR_PROVIDER",
    "ToolCallPart.arguments_json": '{"city":"Rome"}',
    "ToolResultPart.executor": "EXECUTOR_PROVIDER",
    "ToolResultPart.native_json": '{"x":1}',
    "OpaquePart.json": '{"type":"x","a":1}',
    "NativeTool.definition_json": '{"type":"x_1","a":1}',
    "FunctionTool.parameters_json": '{"type":"object","properties":{"city":{"type":"string"}}}',
    "JsonSchemaFormat.schema_json": '{"type":"object","properties":{"a":{"type":"string"}}}',
    "ToolChoice.mode": "TOOL_MODE_REQUIRED",
    "ToolChoice.names": ["weather"],
    "ToolChoice.parallel": false,
    "Sampling.logit_bias": { "7": 1 },
    "Sampling.candidates": 2,
    "Sampling.stop": ["END"],
    "OutputFormat.verbosity": "low",
    "OutputFormat.modalities": ["MODALITY_AUDIO"],
    "AudioOutput.format": "wav",
    "Reasoning.effort": "EFFORT_HIGH",
    "Reasoning.visibility": "REASONING_VISIBILITY_SUMMARY",
    "WebSearchTool.context_size": "low",
    "UserLocation.country": "FR",
    "RawParams.provider": "elsewhere",
    "Sampling.repetition_penalty": 1.5,
    "RawParams.json": '{"x_raw":2}',
  };
}

/** Every fact of the messages that `concerns` takes. Throws where a message has no place in `homes`. */
export function requestFacts(target: FactTarget, concerns: (message: string) => boolean): RequestFact[] {
  const places = homes(target);
  const values = samples(target);
  return messagesWithin(ChatRequestSchema).flatMap((desc) => {
    const type = desc.typeName.replace("parley.v1.", "");
    if (!concerns(type) || desc.fields.length === 0) return [];
    const found = Object.entries(places).filter(([name]) => name.split(" ")[0] === type);
    if (found.length === 0) throw new Error(`Cannot tell facts of ${type}: it has no place in homes`);
    return found.flatMap(([name, [home, base]]) =>
      desc.fields.flatMap((field) => {
        const value = values[`${type}.${field.name}`] ?? sampleOf(field, (inner) => places[inner]?.[1] ?? {});
        // A message that says nothing by being there is told of with its fields.
        if (!field.oneof && JSON.stringify(value) === "{}") return [];
        const told = requestOf(home(withField(base, field, value)));
        return [{ field: `${type}.${field.name}`, place: name, without: requestOf(home(base)), told }];
      }),
    );
  });
}

function messagesWithin(root: DescMessage): DescMessage[] {
  const found = new Map<string, DescMessage>([[root.typeName, root]]);
  for (const desc of found.values()) {
    for (const { message } of desc.fields) {
      if (message && !message.typeName.startsWith("google.protobuf.")) found.set(message.typeName, message);
    }
  }
  return [...found.values()];
}

function requestOf(json: Json): ChatRequest {
  return fromJson(ChatRequestSchema, {
    model: "house/m1",
    // Some formats demand it; asked for, it is no fact of its own.
    ...json,
    sampling: { maxOutputTokens: 64, ...json["sampling"] },
  } as JsonValue);
}

// Of a oneof only one field is set.
function withField(base: Json, field: DescField, value: unknown): Json {
  const rivals = field.oneof?.fields.map(({ jsonName }) => jsonName) ?? [];
  const kept = Object.entries(base).filter(([name]) => !rivals.includes(name));
  return { ...Object.fromEntries(kept), [field.jsonName]: value };
}

function sampleOf(field: DescField, baseOf: (type: string) => Json): unknown {
  const one = (): unknown => {
    if (field.message) return baseOf(field.message.typeName.replace("parley.v1.", ""));
    if (field.enum) return field.enum.values[1]?.name;
    switch (field.scalar) {
      case ScalarType.BOOL:
        return true;
      case ScalarType.STRING:
        return "odd";
      case ScalarType.BYTES:
        return PIXEL;
      default:
        return 1;
    }
  };
  if (field.fieldKind === "list") return [one()];
  return field.fieldKind === "map" ? { key: "odd" } : one();
}
