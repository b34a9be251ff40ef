import type { CacheControl, JsonObject, Nullable, ToolCaller } from "./wire-common.ts";

// The request of POST /v1/messages.

/** Body of a request. */
export interface MessagesRequest {
  /** Absent where the model stands in the path. */
  model?: string;
  max_tokens: number;
  messages: MessageParam[];
  system?: Nullable<string | TextParam[]>;
  tools?: Nullable<ToolParam[]>;
  tool_choice?: Nullable<ToolChoiceParam>;
  output_config?: Nullable<{
    effort?: Nullable<string>;
    format?: Nullable<{ type: "json_schema"; schema: JsonObject }>;
  }>;
  thinking?: Nullable<ThinkingParam>;
  stop_sequences?: Nullable<string[]>;
  /** Rejected by newer models unless it is 1. */
  temperature?: Nullable<number>;
  /** Rejected by newer models below 0.99. */
  top_p?: Nullable<number>;
  /** Rejected by newer models. */
  top_k?: Nullable<number>;
  /** Caches up to the last block that can be cached. */
  cache_control?: Nullable<CacheControl>;
  service_tier?: Nullable<"auto" | "standard_only">;
  speed?: Nullable<"standard" | "fast">;
  inference_geo?: Nullable<string>;
  metadata?: Nullable<{ user_id?: Nullable<string> }>;
  container?: Nullable<string | JsonObject>;
  mcp_servers?: Nullable<JsonObject[]>;
  context_management?: Nullable<JsonObject>;
  stream?: Nullable<boolean>;
  /** Instead of the header, where the model stands in the path. */
  anthropic_version?: string;
}

/** One turn. */
export interface MessageParam {
  /** `system` only where the model takes instructions within the conversation. */
  role: "user" | "assistant" | "system";
  content: string | ContentParam[];
}

/** A block of a turn. */
export type ContentParam =
  | TextParam
  | ImageParam
  | DocumentParam
  | SearchResultParam
  | ThinkingBlockParam
  | RedactedThinkingParam
  | ToolUseParam
  | ToolResultParam
  | ServerBlockParam;

/** Text. */
export interface TextParam {
  type: "text";
  text: string;
  citations?: Nullable<JsonObject[]>;
  cache_control?: Nullable<CacheControl>;
}

/** Where media or a document come from. */
export type SourceParam =
  | { type: "base64"; media_type: string; data: string }
  | { type: "url"; url: string }
  | { type: "file"; file_id: string }
  | { type: "text"; media_type: "text/plain"; data: string }
  | { type: "content"; content: string | ContentParam[] };

/** A still image. */
export interface ImageParam {
  type: "image";
  source: SourceParam;
  cache_control?: Nullable<CacheControl>;
}

/** A document that can be cited. */
export interface DocumentParam {
  type: "document";
  source: SourceParam;
  title?: Nullable<string>;
  context?: Nullable<string>;
  citations?: Nullable<{ enabled?: boolean }>;
  cache_control?: Nullable<CacheControl>;
}

/** A passage that can be cited. */
export interface SearchResultParam {
  type: "search_result";
  source: string;
  title: string;
  content: TextParam[];
  citations?: Nullable<{ enabled?: boolean }>;
  cache_control?: Nullable<CacheControl>;
}

/** Reasoning of an earlier turn, as it was received. */
export interface ThinkingBlockParam {
  type: "thinking";
  thinking: string;
  signature: string;
}

/** Withheld reasoning of an earlier turn, as it was received. */
export interface RedactedThinkingParam {
  type: "redacted_thinking";
  data: string;
}

/** A call that the caller has run. */
export interface ToolUseParam {
  type: "tool_use";
  id: string;
  name: string;
  input: JsonObject;
  caller?: Nullable<ToolCaller>;
  toolset_name?: Nullable<string>;
  cache_control?: Nullable<CacheControl>;
}

/** The result of such a call. */
export interface ToolResultParam {
  type: "tool_result";
  tool_use_id: string;
  content?: Nullable<string | ContentParam[]>;
  is_error?: Nullable<boolean>;
  toolset_name?: Nullable<string>;
  cache_control?: Nullable<CacheControl>;
}

/** What the provider ran or made in an earlier turn, as it was received. */
export interface ServerBlockParam {
  type:
    | "server_tool_use"
    | "mcp_tool_use"
    | "web_search_tool_result"
    | "web_fetch_tool_result"
    | "code_execution_tool_result"
    | "bash_code_execution_tool_result"
    | "text_editor_code_execution_tool_result"
    | "tool_search_tool_result"
    | "advisor_tool_result"
    | "mcp_tool_result"
    | "container_upload"
    | "compaction"
    | "fallback";
  [member: string]: unknown;
}

/** A tool: a function, or one of the provider's own by its dated type. */
export interface ToolParam {
  /** Absent or `custom`: a function. */
  type?: Nullable<string>;
  name?: string;
  description?: Nullable<string>;
  input_schema?: JsonObject;
  strict?: Nullable<boolean>;
  cache_control?: Nullable<CacheControl>;
  [member: string]: unknown;
}

/** Whether tools may or must be called. */
export type ToolChoiceParam =
  | { type: "auto" | "any"; disable_parallel_tool_use?: boolean }
  | { type: "tool"; name: string; disable_parallel_tool_use?: boolean }
  | { type: "none" };

/** Whether and how to reason. Models before Opus 4.6 know budgets only, models after it `adaptive` only. */
export type ThinkingParam =
  | { type: "enabled"; budget_tokens: number; display?: Nullable<"summarized" | "omitted"> }
  | { type: "adaptive"; display?: Nullable<"summarized" | "omitted"> }
  | { type: "disabled" };
