import type { JsonObject, JsonValue, MessagePhase, Nullable, ToolCallCaller } from "./wire-common.ts";

/** The body of `POST /responses`. */
export interface ResponsesRequest {
  model?: string;
  input?: string | InputItem[];
  instructions?: Nullable<string>;
  tools?: RequestTool[];
  tool_choice?: ToolChoice;
  parallel_tool_calls?: Nullable<boolean>;
  max_tool_calls?: Nullable<number>;
  text?: TextConfig;
  reasoning?: Nullable<ReasoningConfig>;
  max_output_tokens?: Nullable<number>;
  temperature?: Nullable<number>;
  top_p?: Nullable<number>;
  top_logprobs?: Nullable<number>;
  include?: Nullable<string[]>;
  /** Whether the provider keeps the answer. Absent means yes. */
  store?: Nullable<boolean>;
  stream?: Nullable<boolean>;
  stream_options?: Nullable<{ include_obfuscation?: boolean }>;
  metadata?: Nullable<Record<string, string>>;
  service_tier?: Nullable<string>;
  safety_identifier?: Nullable<string>;
  user?: Nullable<string>;
  prompt_cache_key?: Nullable<string>;
  prompt_cache_retention?: Nullable<string>;
  prompt_cache_options?: { mode?: string; ttl?: string };
  previous_response_id?: Nullable<string>;
  conversation?: Nullable<JsonValue>;
  background?: Nullable<boolean>;
  prompt?: Nullable<JsonObject>;
  truncation?: Nullable<string>;
}

/** How text comes out. */
export interface TextConfig {
  format?: TextFormat;
  verbosity?: Nullable<string>;
}

/** Shape of the text. */
export type TextFormat =
  | { type: "text" }
  | { type: "json_object" }
  | { type: "json_schema"; name: string; description?: string; schema: JsonObject; strict?: Nullable<boolean> };

/** How to reason. */
export interface ReasoningConfig {
  effort?: Nullable<string>;
  summary?: Nullable<string>;
  context?: Nullable<string>;
}

/** One piece of the conversation. Turns are not marked: items simply follow each other. */
export type InputItem =
  | InputMessage
  | {
      type: "reasoning";
      id?: string;
      summary: SummaryText[];
      content?: ReasoningText[];
      encrypted_content?: Nullable<string>;
    }
  | {
      type: "function_call";
      id?: string;
      call_id: string;
      name: string;
      arguments: string;
      namespace?: string;
      caller?: Nullable<ToolCallCaller>;
    }
  | { type: "function_call_output"; id?: string; call_id: string; output: string | InputContent[] }
  | { type: "custom_tool_call"; id?: string; call_id: string; name: string; input: string }
  | { type: "custom_tool_call_output"; id?: string; call_id: string; output: string | InputContent[] }
  | { type: string; id?: Nullable<string>; [member: string]: unknown };

/** A message of anybody; `type` may be left out. */
export interface InputMessage {
  type?: "message";
  role: "user" | "assistant" | "system" | "developer";
  content: string | InputContent[];
  phase?: Nullable<MessagePhase>;
}

/** A piece of a message or of a tool's result. */
export type InputContent =
  | { type: "input_text"; text: string; prompt_cache_breakpoint?: CacheMark }
  | {
      type: "input_image";
      image_url?: Nullable<string>;
      file_id?: Nullable<string>;
      detail?: string;
      prompt_cache_breakpoint?: CacheMark;
    }
  | {
      type: "input_file";
      file_id?: Nullable<string>;
      file_url?: string;
      file_data?: string;
      filename?: string;
      prompt_cache_breakpoint?: CacheMark;
    }
  | { type: "input_audio"; input_audio: { data: string; format: string } }
  | { type: "output_text"; text: string }
  | { type: "refusal"; refusal: string };

/** The end of a prefix to cache. */
export interface CacheMark {
  mode: "explicit";
  ttl?: string;
}

/** One piece of a summary of reasoning. */
export interface SummaryText {
  type: "summary_text";
  text: string;
}

/** One piece of reasoning. */
export interface ReasoningText {
  type: "reasoning_text";
  text: string;
}

/** A tool; those that the provider runs are open. */
export type RequestTool =
  | {
      type: "function";
      name: string;
      description?: string;
      parameters: Nullable<JsonObject>;
      strict?: Nullable<boolean>;
    }
  | {
      type: "custom";
      name: string;
      description?: string;
      format?: { type: string; syntax?: string; definition?: string };
    }
  | { type: string; [member: string]: unknown };

/** Which tools may or must be called. */
export type ToolChoice =
  | "none"
  | "auto"
  | "required"
  | { type: "allowed_tools"; mode: "auto" | "required"; tools: { type: string; name?: string }[] }
  | { type: string; name?: string };
