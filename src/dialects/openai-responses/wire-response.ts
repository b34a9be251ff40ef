import type { JsonObject, JsonValue, MessagePhase, Nullable, ToolCallCaller } from "./wire-common.ts";

/** An answer, whole or as far as it is. */
export interface ResponseObject {
  id?: Nullable<string>;
  object?: Nullable<string>;
  /** `completed`, `incomplete`, `failed`, `cancelled`, `in_progress` or `queued`. */
  status?: Nullable<string>;
  model?: Nullable<string>;
  output?: Nullable<OutputItem[]>;
  usage?: Nullable<ResponseUsage>;
  error?: Nullable<{ code?: Nullable<string>; message?: Nullable<string> }>;
  incomplete_details?: Nullable<{ reason?: Nullable<string> }>;
  service_tier?: Nullable<string>;
  metadata?: Nullable<JsonObject>;
  /** What the provider's own tools consumed. */
  tool_usage?: Nullable<ToolUsage>;
  /** Azure: what its filters found in the prompt and in the answer. */
  content_filters?: Nullable<ContentFilter[]>;
}

/** One piece of an answer. Members depend on `type`; all of them are listed here. */
export interface OutputItem {
  type?: Nullable<string>;
  id?: Nullable<string>;
  status?: Nullable<string>;
  role?: Nullable<string>;
  content?: Nullable<ContentPart[]>;
  phase?: Nullable<MessagePhase>;
  summary?: Nullable<{ type?: string; text?: Nullable<string> }[]>;
  /** In `output_item.added` it may be a beginning only. */
  encrypted_content?: Nullable<string>;
  call_id?: Nullable<string>;
  name?: Nullable<string>;
  arguments?: Nullable<JsonValue>;
  input?: Nullable<string>;
  namespace?: Nullable<string>;
  caller?: Nullable<ToolCallCaller>;
  action?: Nullable<JsonValue>;
  operation?: Nullable<JsonValue>;
  queries?: Nullable<string[]>;
  results?: Nullable<FileSearchResult[]>;
  code?: Nullable<string>;
  outputs?: Nullable<{ type?: string; logs?: Nullable<string>; url?: Nullable<string> }[]>;
  /** The text of a program's result, or an image as base64. */
  result?: Nullable<string>;
  revised_prompt?: Nullable<string>;
  output_format?: Nullable<string>;
  /** The text of an MCP call's result, or a list of shell outputs. */
  output?: Nullable<JsonValue>;
  error?: Nullable<JsonValue>;
  /** `client`: the caller runs it. */
  execution?: Nullable<string>;
  environment?: Nullable<{ type?: string }>;
}

/** A piece of a message or of reasoning. */
export interface ContentPart {
  /** `output_text`, `refusal`, `reasoning_text` or `summary_text`. */
  type?: Nullable<string>;
  text?: Nullable<string>;
  refusal?: Nullable<string>;
  annotations?: Nullable<Annotation[]>;
  logprobs?: Nullable<JsonValue>;
}

/** Where a statement of the text comes from. */
export interface Annotation {
  /** `url_citation`, `file_citation`, `container_file_citation` or `file_path`. */
  type?: Nullable<string>;
  url?: Nullable<string>;
  title?: Nullable<string>;
  start_index?: Nullable<number>;
  end_index?: Nullable<number>;
  file_id?: Nullable<string>;
  filename?: Nullable<string>;
  container_id?: Nullable<string>;
  index?: Nullable<number>;
}

/** A passage that the provider's search in files found. */
export interface FileSearchResult {
  file_id?: Nullable<string>;
  filename?: Nullable<string>;
  text?: Nullable<string>;
  score?: Nullable<number>;
}

/** What Azure's filters found. */
export interface ContentFilter {
  source_type?: Nullable<string>;
  blocked?: Nullable<boolean>;
  content_filter_results?: Nullable<Record<string, { filtered?: Nullable<boolean> } | null>>;
}

/** Tokens; the details are parts of the figures beside them. */
export interface ResponseUsage {
  input_tokens?: Nullable<number>;
  input_tokens_details?: Nullable<{
    cached_tokens?: Nullable<number>;
    cache_write_tokens?: Nullable<number>;
    cache_write_tokens_details?: Nullable<{
      ttl_30m_tokens?: Nullable<number>;
      ttl_12h_tokens?: Nullable<number>;
    }>;
    text_tokens?: Nullable<number>;
    image_tokens?: Nullable<number>;
    audio_tokens?: Nullable<number>;
  }>;
  output_tokens?: Nullable<number>;
  output_tokens_details?: Nullable<{
    reasoning_tokens?: Nullable<number>;
    text_tokens?: Nullable<number>;
    image_tokens?: Nullable<number>;
    audio_tokens?: Nullable<number>;
  }>;
  total_tokens?: Nullable<number>;
  /** xAI: how often each of its own tools ran, and how many sources were read. */
  server_side_tool_usage_details?: Nullable<Record<string, Nullable<number>>>;
  num_sources_used?: Nullable<number>;
}

/** What the provider's own tools consumed beside the answer's tokens. */
export interface ToolUsage {
  web_search?: Nullable<{ num_requests?: Nullable<number> }>;
  image_gen?: Nullable<{ input_tokens?: Nullable<number>; output_tokens?: Nullable<number> }>;
}
