import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  ChatRequestSchema,
  Effort,
  Executor,
  Modality,
  ReasoningVisibility,
  Role,
  ToolMode,
  type ChatRequest,
  type PartSchema,
} from "../../src/contract/index.ts";
import type { Raw } from "./expected-anthropic-messages.ts";

// Recorded requests of the Messages API as requests of the contract: the way in that no surface has, so that tests can
// send what others have sent. It shares no code with the dialect.

type RequestInit = Exclude<MessageInitShape<typeof ChatRequestSchema>, { $typeName: string }>;
type PartInit = Exclude<MessageInitShape<typeof PartSchema>, { $typeName: string }>;
type MessageInit = NonNullable<RequestInit["messages"]>[number];
type ToolInit = NonNullable<RequestInit["tools"]>[number];

/** Who made the answers in a recorded conversation. */
export interface RecordedOrigin {
  readonly provider: string;
  readonly dialect: string;
  readonly model: string;
}

// Members of the request with a place in the contract.
const MODELLED = new Set(
  (
    "model max_tokens messages system tools tool_choice output_config thinking stop_sequences temperature top_p top_k " +
    "cache_control service_tier metadata stream anthropic_version"
  ).split(" "),
);

/** The contract's request behind a recorded body. */
export function requestOf(body: Raw, origin: RecordedOrigin): ChatRequest {
  const system = blocksOf(body["system"]).map((block) => part(block, origin));
  const rest = Object.fromEntries(Object.entries(body).filter(([name]) => !MODELLED.has(name)));
  const init: RequestInit = {
    model: `${origin.provider}/${origin.model}`,
    messages: [
      ...(system.length > 0 ? [{ role: Role.SYSTEM, parts: system }] : []),
      ...(body["messages"] as Raw[]).map((message) => messageInit(message, origin)),
    ],
    tools: ((body["tools"] ?? []) as Raw[]).map((tool) => toolInit(tool)),
    sampling: {
      maxOutputTokens: body["max_tokens"] as number,
      stop: (body["stop_sequences"] ?? []) as string[],
      ...optional("temperature", body["temperature"]),
      ...optional("topP", body["top_p"]),
      ...optional("topK", body["top_k"]),
    },
    ...optional("toolChoice", choiceInit(body["tool_choice"] as Raw | undefined)),
    ...optional("reasoning", reasoningInit(body)),
    ...optional("output", outputInit(body["output_config"] as Raw | undefined)),
    ...optional("caching", cachingInit(body["cache_control"] as Raw | undefined)),
    ...optional("serviceTier", body["service_tier"]),
    ...optional("endUserId", body["metadata"]?.user_id),
    rawParams: Object.keys(rest).length > 0 ? [{ dialect: origin.dialect, json: JSON.stringify(rest) }] : [],
  };
  return create(ChatRequestSchema, init);
}

function optional<Name extends string>(name: Name, value: unknown): { [Key in Name]?: never } {
  const member: unknown = value === undefined || value === null ? {} : { [name]: value };
  return member as { [Key in Name]?: never };
}

function blocksOf(content: unknown): Raw[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return (content ?? []) as Raw[];
}

const ROLES: Raw = { user: Role.USER, assistant: Role.ASSISTANT, system: Role.SYSTEM };

function messageInit({ role, content }: Raw, origin: RecordedOrigin): MessageInit {
  const parts = blocksOf(content).map((block) => part(block, origin));
  return { role: ROLES[role] as Role, parts, ...(role === "assistant" ? { origin } : {}) };
}

function part(block: Raw, origin: RecordedOrigin): PartInit {
  const cache = block["cache_control"] as Raw | null | undefined;
  return { ...partOf(block, origin), ...(cache ? { cacheBreakpoint: seconds(cache) } : {}) };
}

function seconds({ ttl }: Raw): { ttlSeconds?: number } {
  return ttl === undefined || ttl === null ? {} : { ttlSeconds: ttl === "1h" ? 3600 : 300 };
}

function stateOf(origin: RecordedOrigin, format: string, value: string): NonNullable<PartInit["state"]> {
  return [{ origin, format: `anthropic-messages.${format}`, payload: { case: "text", value } }];
}

function partOf(block: Raw, origin: RecordedOrigin): PartInit {
  const { type } = block as { type: string };
  if (type === "text") return { kind: { case: "text", value: { text: block["text"] as string } } };
  if (type === "image") return mediaOf(block, Modality.IMAGE, origin);
  if (type === "document") return mediaOf(block, Modality.DOCUMENT, origin);
  if (type === "thinking") {
    const text = block["thinking"] as string;
    const value = { text: text === "" ? [] : [text], visibility: ReasoningVisibility.FULL };
    return { kind: { case: "reasoning", value }, state: stateOf(origin, "signature", block["signature"] as string) };
  }
  if (type === "redacted_thinking") {
    const state = stateOf(origin, "redacted_thinking", block["data"] as string);
    return { kind: { case: "reasoning", value: { visibility: ReasoningVisibility.REDACTED } }, state };
  }
  if (["tool_use", "server_tool_use", "mcp_tool_use"].includes(type)) return callOf(block, type, origin);
  if (type === "tool_result") return resultOf(block, origin);
  if (type.endsWith("_tool_result")) {
    const nativeJson = JSON.stringify({ ...block, cache_control: undefined });
    const value = { callId: block["tool_use_id"] as string, executor: Executor.PROVIDER, nativeType: type, nativeJson };
    return { kind: { case: "toolResult", value } };
  }
  const json = JSON.stringify({ ...block, cache_control: undefined });
  return { kind: { case: "opaque", value: { origin, nativeType: type, json } } };
}

function callOf(block: Raw, type: string, origin: RecordedOrigin): PartInit {
  const { type: _type, id, name, input, cache_control: _cache, ...more } = block;
  const value = {
    callId: id as string,
    name: name as string,
    input: { case: "argumentsJson" as const, value: JSON.stringify(input) },
    ...(type === "tool_use" ? {} : { executor: Executor.PROVIDER, nativeType: type }),
  };
  const hasMore = Object.keys(more).length > 0;
  return { kind: { case: "toolCall", value }, state: hasMore ? stateOf(origin, "tool_use", JSON.stringify(more)) : [] };
}

function resultOf(block: Raw, origin: RecordedOrigin): PartInit {
  const value = {
    callId: block["tool_use_id"] as string,
    content: blocksOf(block["content"]).map((piece) => part(piece, origin)),
    ...optional("isError", block["is_error"]),
  };
  return { kind: { case: "toolResult", value } };
}

function mediaOf(block: Raw, modality: Modality, origin: RecordedOrigin): PartInit {
  const source = block["source"] as Raw;
  const more = { ...optional("title", block["title"]), ...optional("citationsEnabled", block["citations"]?.enabled) };
  const shared = { modality, ...more };
  const media = ((): object => {
    switch (source["type"]) {
      case "base64": {
        const bytes = new Uint8Array(Buffer.from(source["data"] as string, "base64"));
        return { mimeType: source["media_type"] as string, source: { case: "inline", value: bytes } };
      }
      case "url":
        return { source: { case: "url", value: source["url"] as string } };
      case "file":
        return { source: { case: "file", value: { provider: origin.provider, id: source["file_id"] as string } } };
      case "text":
        return { source: { case: "text", value: source["data"] as string } };
      default:
        throw new Error(`the decoder has no rule for the source ${String(source["type"])}`);
    }
  })();
  return { kind: { case: "media", value: { ...shared, ...media } } } as PartInit;
}

const FUNCTION_MEMBERS = new Set(["type", "name", "description", "input_schema", "strict", "cache_control"]);
const SEARCH_TYPE = "web_search_20250305";

function toolInit(tool: Raw): ToolInit {
  const type = (tool["type"] ?? "custom") as string;
  const cache = tool["cache_control"] as Raw | null | undefined;
  const marked = cache ? { cacheBreakpoint: seconds(cache) } : {};
  if (type === "custom" && Object.keys(tool).every((member) => FUNCTION_MEMBERS.has(member))) {
    const value = {
      name: tool["name"] as string,
      parametersJson: JSON.stringify(tool["input_schema"]),
      ...optional("description", tool["description"]),
      ...optional("strict", tool["strict"]),
    };
    return { kind: { case: "function", value }, ...marked };
  }
  if (type === SEARCH_TYPE) {
    const value = {
      allowedDomains: (tool["allowed_domains"] ?? []) as string[],
      blockedDomains: (tool["blocked_domains"] ?? []) as string[],
      ...optional("maxUses", tool["max_uses"]),
      ...optional("userLocation", tool["user_location"]),
    };
    return { kind: { case: "webSearch", value }, ...marked };
  }
  const definitionJson = JSON.stringify({ ...tool, cache_control: undefined });
  return { kind: { case: "native", value: { dialect: "anthropic-messages", type, definitionJson } }, ...marked };
}

const MODES: Raw = { auto: ToolMode.AUTO, any: ToolMode.REQUIRED, tool: ToolMode.REQUIRED, none: ToolMode.NONE };

function choiceInit(choice: Raw | undefined): RequestInit["toolChoice"] | undefined {
  if (!choice) return undefined;
  const single = choice["disable_parallel_tool_use"] as boolean | undefined;
  return {
    mode: MODES[choice["type"]] as ToolMode,
    names: choice["name"] === undefined ? [] : [choice["name"] as string],
    ...(single === undefined ? {} : { parallel: !single }),
  };
}

const EFFORTS: Raw = {
  low: Effort.LOW,
  medium: Effort.MEDIUM,
  high: Effort.HIGH,
  xhigh: Effort.XHIGH,
  max: Effort.MAX,
};

function reasoningInit(body: Raw): RequestInit["reasoning"] | undefined {
  const thinking = body["thinking"] as Raw | undefined;
  const effort = body["output_config"]?.effort as string | undefined;
  if (!thinking && !effort) return undefined;
  return {
    ...(thinking ? { enabled: thinking["type"] !== "disabled" } : {}),
    ...optional("budgetTokens", thinking?.["budget_tokens"]),
    ...(effort ? { effort: EFFORTS[effort] as Effort } : {}),
  };
}

function outputInit(config: Raw | undefined): RequestInit["output"] | undefined {
  const schema = config?.["format"]?.schema as unknown;
  if (schema === undefined) return undefined;
  return { format: { case: "jsonSchema", value: { name: "answer", schemaJson: JSON.stringify(schema) } } };
}

function cachingInit(control: Raw | undefined): RequestInit["caching"] | undefined {
  return control ? seconds(control) : undefined;
}
