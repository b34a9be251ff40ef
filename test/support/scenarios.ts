import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  ChatRequestSchema,
  Effort,
  Modality,
  Role,
  ToolMode,
  type ChatRequest,
  type OpaqueStateSchema,
} from "../../src/contract/index.ts";

// What callers do with models, as requests of the contract. Each is encoded for each kind of provider and kept.

type RequestInit = Exclude<MessageInitShape<typeof ChatRequestSchema>, { $typeName: string }>;
type Plain<Value> = Exclude<Value, { readonly $typeName: string }>;
type Message = Plain<NonNullable<RequestInit["messages"]>[number]>;
type Part = Plain<NonNullable<Message["parts"]>[number]>;

/** Where a scenario's request goes: whose earlier answers its history holds. */
export interface ScenarioTarget {
  readonly provider: string;
  readonly dialect: string;
  readonly model: string;
}

/** A scenario: a request, and whether its answer is streamed. */
export interface Scenario {
  readonly name: string;
  readonly stream?: true;
  readonly request: (target: ScenarioTarget) => RequestInit;
}

const text = (words: string): Part => ({ kind: { case: "text", value: { text: words } } });
const from = (role: Role, ...parts: Part[]): Message => ({ role, parts });
const user = (words: string): Message => from(Role.USER, text(words));
const call = (callId: string, city: string): Part => ({
  kind: {
    case: "toolCall",
    value: { callId, name: "get_weather", input: { case: "argumentsJson", value: `{"city":"${city}"}` } },
  },
});
const result = (callId: string, ...content: Part[]): Part => ({
  kind: { case: "toolResult", value: { callId, content, name: "get_weather" } },
});

const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
const image: Part = {
  kind: {
    case: "media",
    value: {
      modality: Modality.IMAGE,
      mimeType: "image/png",
      source: { case: "inline", value: Buffer.from(PIXEL, "base64") },
    },
  },
};
const imageAddress: Part = {
  kind: {
    case: "media",
    value: { modality: Modality.IMAGE, source: { case: "url", value: "https://example.com/a.png" }, detail: "low" },
  },
};
const document: Part = {
  kind: {
    case: "media",
    value: {
      modality: Modality.DOCUMENT,
      mimeType: "application/pdf",
      filename: "report.pdf",
      source: { case: "inline", value: Buffer.from("%PDF-1.4") },
    },
  },
};
const sound: Part = {
  kind: {
    case: "media",
    value: {
      modality: Modality.AUDIO,
      mimeType: "audio/wav",
      source: { case: "inline", value: Buffer.from("RIFF") },
    },
  },
};

const SCHEMA =
  '{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}';
const weather = {
  kind: {
    case: "function",
    value: { name: "get_weather", description: "The weather of a city.", parametersJson: SCHEMA },
  },
} as const;
const clock = { kind: { case: "function", value: { name: "get_time", description: "The time." } } } as const;

// What providers want back with reasoning, per wire format, as their answers gave it.
const STATES: Readonly<Record<string, readonly [format: string, text: string]>> = {
  "openai-chat": [
    "openai-chat.reasoning_details",
    '{"type":"reasoning.text","text":"They ask for Paris.","signature":"c2ln","format":"anthropic-claude-v1","index":0}',
  ],
  "anthropic-messages": ["anthropic-messages.signature", "c2ln"],
  "gemini-generate": ["gemini-generate.thought_signature", "c2ln"],
  "openai-responses": ["openai-responses.encrypted_content", "c2ln"],
};

// Only some servers of a format send state; the others send plain text.
const PROVIDERS_WITH_STATE: ReadonlySet<string> = new Set(["openrouter"]);

function reasoning(target: ScenarioTarget): Part {
  const kind: NonNullable<Part["kind"]> = { case: "reasoning", value: { text: ["They ask for Paris."] } };
  const state = target.dialect !== "openai-chat" || PROVIDERS_WITH_STATE.has(target.provider) ? stateOf(target) : [];
  return { kind, state };
}

function stateOf(target: ScenarioTarget): MessageInitShape<typeof OpaqueStateSchema>[] {
  const known = STATES[target.dialect];
  return known ? [{ origin: { ...target }, format: known[0], payload: { case: "text", value: known[1] } }] : [];
}

const turns = (...parts: Part[]): Message[] => [
  user("What is the weather in Paris and Rome?"),
  from(Role.ASSISTANT, call("call_abc123", "Paris"), call("call_def456", "Rome")),
  from(Role.TOOL, result("call_abc123", text("Sunny")), result("call_def456", ...parts)),
];

/** All scenarios. */
export const SCENARIOS: readonly Scenario[] = [
  { name: "text", request: () => ({ messages: [user("Hi")] }) },
  { name: "stream", stream: true, request: () => ({ messages: [user("Hi")] }) },
  {
    name: "system-twice",
    request: () => ({
      messages: [
        from(Role.SYSTEM, text("Be brief.")),
        from(Role.DEVELOPER, text("Answer in French.")),
        user("Hi"),
        from(Role.ASSISTANT, text("Bonjour.")),
        from(Role.SYSTEM, text("Now answer in German.")),
        user("And you?"),
      ],
    }),
  },
  { name: "vision", request: () => ({ messages: [from(Role.USER, text("What is this?"), image)] }) },
  { name: "vision-address", request: () => ({ messages: [from(Role.USER, text("What is this?"), imageAddress)] }) },
  { name: "document", request: () => ({ messages: [from(Role.USER, document, text("Sum it up."))] }) },
  { name: "sound", request: () => ({ messages: [from(Role.USER, text("Write it down."), sound)] }) },
  {
    name: "tools",
    request: () => ({
      messages: [user("What is the weather in Paris?")],
      tools: [weather, clock],
      toolChoice: { mode: ToolMode.AUTO },
    }),
  },
  {
    name: "tool-demanded",
    request: () => ({
      messages: [user("What is the weather in Paris?")],
      tools: [weather, clock],
      toolChoice: { mode: ToolMode.REQUIRED, names: ["get_weather"] },
    }),
  },
  { name: "parallel-tools", request: () => ({ messages: turns(text("Rainy")), tools: [weather] }) },
  { name: "tool-result-image", request: () => ({ messages: turns(text("See:"), image), tools: [weather] }) },
  {
    name: "user-after-tool",
    request: () => ({ messages: [...turns(text("Rainy")), user("Only Rome, please.")], tools: [weather] }),
  },
  {
    name: "json-object",
    request: () => ({ messages: [user("Name a city.")], output: { format: { case: "jsonObject", value: {} } } }),
  },
  {
    name: "json-schema",
    request: () => ({
      messages: [user("Name a city.")],
      output: { format: { case: "jsonSchema", value: { name: "city", schemaJson: SCHEMA, strict: true } } },
    }),
  },
  {
    name: "reasoning",
    request: () => ({ messages: [user("Think.")], reasoning: { effort: Effort.MEDIUM } }),
  },
  { name: "reasoning-off", request: () => ({ messages: [user("Be quick.")], reasoning: { enabled: false } }) },
  {
    name: "reasoning-turns",
    request: (target) => ({
      messages: [
        user("What is the weather in Paris?"),
        { ...from(Role.ASSISTANT, reasoning(target), call("call_abc123", "Paris")), origin: { ...target } },
        from(Role.TOOL, result("call_abc123", text("Sunny"))),
      ],
      tools: [weather],
      reasoning: { effort: Effort.HIGH },
    }),
  },
  {
    name: "reasoning-of-others",
    request: () => {
      const other = { provider: "elsewhere", dialect: "openai-chat", model: "other-1" };
      return {
        messages: [
          user("What is the weather in Paris?"),
          { ...from(Role.ASSISTANT, reasoning(other), call("call_abc123", "Paris")), origin: other },
          from(Role.TOOL, result("call_abc123", text("Sunny"))),
        ],
        tools: [weather],
      };
    },
  },
  {
    name: "caching",
    request: () => ({
      messages: [
        { role: Role.SYSTEM, parts: [{ ...text("A long text."), cacheBreakpoint: { ttlSeconds: 3600 } }] },
        user("Hi"),
      ],
      tools: [{ ...weather, cacheBreakpoint: {} }],
      caching: { key: "tenant-1", ttlSeconds: 86_400 },
    }),
  },
  {
    name: "sampling",
    request: () => ({
      messages: [user("Hi")],
      sampling: { maxOutputTokens: 100, temperature: 0.5, topP: 0.9, seed: 7n },
    }),
  },
  { name: "top-k", request: () => ({ messages: [user("Hi")], sampling: { topK: 40 } }) },
  { name: "stop", request: () => ({ messages: [user("Count.")], sampling: { stop: ["10", "ten"] } }) },
  { name: "candidates", request: () => ({ messages: [user("A name?")], sampling: { candidates: 2 } }) },
  { name: "logprobs", request: () => ({ messages: [user("Yes or no?")], sampling: { topLogprobs: 2 } }) },
  {
    name: "refusal",
    request: () => ({
      messages: [
        user("Do harm."),
        from(Role.ASSISTANT, { kind: { case: "refusal", value: { text: "I cannot help with that." } } }),
        user("Then do good."),
      ],
    }),
  },
  {
    name: "prefill",
    request: () => ({
      messages: [user("Count."), { ...from(Role.ASSISTANT, text("1, 2,")), prefill: true }],
    }),
  },
  {
    name: "hints",
    request: () => ({
      messages: [{ ...user("Hi"), name: "Ann" }],
      serviceTier: "flex",
      endUserId: "user-1",
      metadata: { team: "a" },
      store: true,
      output: { verbosity: "low" },
    }),
  },
];

/** The scenario's request for a target. */
export function requestOf(scenario: Scenario, target: ScenarioTarget): ChatRequest {
  return create(ChatRequestSchema, { model: `${target.provider}/${target.model}`, ...scenario.request(target) });
}
