import type { JsonObject, Nullable, ToolCaller } from "./wire-common.ts";

// Answers of POST /v1/messages, whole and streamed.

/** A whole answer; in a stream the beginning of one. */
export interface ReceivedMessage {
  id?: Nullable<string>;
  type?: Nullable<string>;
  role?: Nullable<string>;
  model?: Nullable<string>;
  content?: Nullable<ReceivedBlock[]>;
  stop_reason?: Nullable<string>;
  stop_sequence?: Nullable<string>;
  stop_details?: Nullable<StopDetails>;
  usage?: Nullable<ReceivedUsage>;
  container?: Nullable<JsonObject>;
  error?: unknown;
}

/** What a refusal was about. */
export interface StopDetails {
  type?: Nullable<string>;
  category?: Nullable<string>;
  explanation?: Nullable<string>;
  recommended_model?: Nullable<string>;
}

/** A block of an answer. */
export interface ReceivedBlock {
  type?: Nullable<string>;
  text?: Nullable<string>;
  citations?: Nullable<ReceivedCitation[]>;
  thinking?: Nullable<string>;
  signature?: Nullable<string>;
  /** Of `redacted_thinking`. */
  data?: Nullable<string>;
  id?: Nullable<string>;
  name?: Nullable<string>;
  input?: unknown;
  caller?: Nullable<ToolCaller>;
  tool_use_id?: Nullable<string>;
  is_error?: Nullable<boolean>;
  content?: unknown;
}

/** Where a statement comes from: characters, pages or blocks of a document, a search result, or a page of the web. */
export interface ReceivedCitation {
  type?: Nullable<string>;
  cited_text?: Nullable<string>;
  document_index?: Nullable<number>;
  document_title?: Nullable<string>;
  file_id?: Nullable<string>;
  start_char_index?: Nullable<number>;
  end_char_index?: Nullable<number>;
  start_page_number?: Nullable<number>;
  end_page_number?: Nullable<number>;
  start_block_index?: Nullable<number>;
  end_block_index?: Nullable<number>;
  search_result_index?: Nullable<number>;
  source?: Nullable<string>;
  title?: Nullable<string>;
  url?: Nullable<string>;
  encrypted_index?: Nullable<string>;
}

/** Figures. In `message_delta` they are cumulative, and tell no times to live. */
export interface ReceivedUsage extends TokenCounts {
  output_tokens_details?: Nullable<{ thinking_tokens?: Nullable<number> }>;
  server_tool_use?: Nullable<Readonly<Record<string, Nullable<number>>>>;
  service_tier?: Nullable<string>;
  speed?: Nullable<string>;
  inference_geo?: Nullable<string>;
  /** One entry per sampling; those of other types than `message` are not in the figures above. */
  iterations?: Nullable<UsageIteration[]>;
}

/** Token counts of an answer or of one sampling. The input excludes what was read from and written to caches. */
export interface TokenCounts {
  input_tokens?: Nullable<number>;
  output_tokens?: Nullable<number>;
  cache_read_input_tokens?: Nullable<number>;
  cache_creation_input_tokens?: Nullable<number>;
  cache_creation?: Nullable<{
    ephemeral_5m_input_tokens?: Nullable<number>;
    ephemeral_1h_input_tokens?: Nullable<number>;
  }>;
}

/** One sampling within an answer. */
export interface UsageIteration extends TokenCounts {
  /** `message`, `compaction`, `advisor_message` or `fallback_message`. */
  type?: Nullable<string>;
  model?: Nullable<string>;
}

/** An event of a stream. */
export interface ReceivedEvent {
  /**
   * `message_start`, `content_block_start`, `content_block_delta`, `content_block_stop`, `message_delta`,
   * `message_stop`, `ping` or `error`.
   */
  type?: Nullable<string>;
  message?: Nullable<ReceivedMessage>;
  index?: Nullable<number>;
  content_block?: Nullable<ReceivedBlock>;
  /** Of a block, or in `message_delta` of the message. */
  delta?: Nullable<ReceivedDelta & ReceivedMessage>;
  usage?: Nullable<ReceivedUsage>;
  error?: unknown;
}

/** What a block goes on with. */
export interface ReceivedDelta {
  /** `text_delta`, `input_json_delta`, `thinking_delta`, `signature_delta`, `citations_delta` or `compaction_delta`. */
  type?: Nullable<string>;
  text?: Nullable<string>;
  partial_json?: Nullable<string>;
  thinking?: Nullable<string>;
  signature?: Nullable<string>;
  citation?: Nullable<ReceivedCitation>;
}
