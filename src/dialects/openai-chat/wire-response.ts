import type { JsonObject, JsonValue, Nullable, ReasoningFields } from "./wire-common.ts";

// What POST /chat/completions answers: whole, streamed or as an error.

/** A whole answer. */
export interface ChatCompletionResponse extends AnswerFields {
  object?: Nullable<"chat.completion">;
  choices?: Nullable<ChatCompletionChoice[]>;
}

/** What a whole answer and each chunk of a streamed one have in common. */
export interface AnswerFields {
  id?: Nullable<string>;
  /** Seconds since 1970. */
  created?: Nullable<number>;
  model?: Nullable<string>;
  usage?: Nullable<CompletionUsage>;
  service_tier?: Nullable<string>;
  system_fingerprint?: Nullable<string>;
  /** In a 200: the call failed after all. */
  error?: Nullable<ErrorObject | string>;
  /** Perplexity and xAI: addresses of sources. */
  citations?: Nullable<readonly (string | JsonObject)[]>;
  /** Perplexity: the sources with titles. */
  search_results?: Nullable<readonly SearchResult[]>;
  /** Groq: usage at the end of a stream. */
  x_groq?: Nullable<{
    id?: Nullable<string>;
    usage?: Nullable<CompletionUsage>;
    error?: Nullable<ErrorObject | string>;
  }>;
  /** Azure: what its filter thought of the prompt. */
  prompt_filter_results?: Nullable<JsonValue>;
}

/** A source that was searched. */
export interface SearchResult {
  url?: Nullable<string>;
  title?: Nullable<string>;
  snippet?: Nullable<string>;
}

/** One answer of several. */
export interface ChatCompletionChoice {
  index?: Nullable<number>;
  message?: Nullable<ChatCompletionMessage>;
  finish_reason?: Nullable<string>;
  /** OpenRouter: the finish reason of the vendor behind it. */
  native_finish_reason?: Nullable<string>;
  logprobs?: Nullable<ChoiceLogprobs>;
  /** Azure: what its filter thought of the answer. */
  content_filter_results?: Nullable<JsonValue>;
  /** OpenRouter: this answer failed. */
  error?: Nullable<ErrorObject | string>;
}

/** The model's message. */
export interface ChatCompletionMessage extends ReasoningFields {
  role?: Nullable<string>;
  content?: Nullable<string | ReceivedContentPart[]>;
  refusal?: Nullable<string>;
  tool_calls?: Nullable<ReceivedToolCall[]>;
  /** Deprecated predecessor of `tool_calls`. */
  function_call?: Nullable<{ name?: Nullable<string>; arguments?: Nullable<string | JsonObject> }>;
  audio?: Nullable<{
    id?: Nullable<string>;
    /** Base64. */
    data?: Nullable<string>;
    transcript?: Nullable<string>;
    /** Seconds since 1970. */
    expires_at?: Nullable<number>;
  }>;
  annotations?: Nullable<Annotation[]>;
  /** Groq: tools that the provider has run for this answer. */
  executed_tools?: Nullable<ExecutedTool[]>;
  /** Gemini's compatible endpoint: what it wants back with the message. */
  extra_content?: Nullable<JsonObject>;
  /** OpenRouter and its followers: generated images as `data:` URLs. */
  images?: Nullable<
    { type?: Nullable<string>; index?: Nullable<number>; image_url?: Nullable<{ url?: Nullable<string> }> }[]
  >;
}

/** A tool that the provider has run. */
export interface ExecutedTool {
  index?: Nullable<number>;
  type?: Nullable<string>;
  name?: Nullable<string>;
  arguments?: Nullable<string>;
  output?: Nullable<string>;
}

/** A piece of content in the answers of vendors that send a list instead of a text. */
export interface ReceivedContentPart {
  type?: Nullable<string>;
  text?: Nullable<string>;
  refusal?: Nullable<string>;
  /** Mistral: the reasoning of a `thinking` piece. */
  thinking?: Nullable<string | ReceivedContentPart[]>;
  image_url?: Nullable<string | { url?: Nullable<string> }>;
}

/** A tool call as received: whole, or a fragment of one in a stream. */
export interface ReceivedToolCall {
  /** Which call of the message a fragment continues. */
  index?: Nullable<number>;
  id?: Nullable<string>;
  type?: Nullable<string>;
  /** Some vendors send `arguments` as an object. */
  function?: Nullable<{ name?: Nullable<string>; arguments?: Nullable<string | JsonObject> }>;
  custom?: Nullable<{ name?: Nullable<string>; input?: Nullable<string> }>;
  /** Gemini's compatible endpoint: what it wants back with the call. */
  extra_content?: Nullable<JsonObject>;
}

/** A citation. Offsets count characters of the message's content. */
export interface Annotation {
  type?: Nullable<string>;
  url_citation?: Nullable<{
    url?: Nullable<string>;
    title?: Nullable<string>;
    content?: Nullable<string>;
    start_index?: Nullable<number>;
    end_index?: Nullable<number>;
  }>;
}

/** Log probabilities of an answer's tokens. */
export interface ChoiceLogprobs {
  content?: Nullable<LogprobEntry[]>;
  refusal?: Nullable<LogprobEntry[]>;
}

/** A token with its log probability. */
export interface LogprobEntry {
  token: string;
  logprob: number;
  bytes?: Nullable<number[]>;
  top_logprobs?: Nullable<{ token: string; logprob: number; bytes?: Nullable<number[]> }[]>;
}

/** One event of a streamed answer. */
export interface ChatCompletionChunk extends AnswerFields {
  object?: Nullable<"chat.completion.chunk">;
  choices?: Nullable<ChunkChoice[]>;
}

/** What a chunk adds to one answer. */
export interface ChunkChoice {
  index?: Nullable<number>;
  delta?: Nullable<ChunkDelta>;
  /** Some vendors send a whole message in the last chunk. */
  message?: Nullable<ChatCompletionMessage>;
  finish_reason?: Nullable<string>;
  native_finish_reason?: Nullable<string>;
  logprobs?: Nullable<ChoiceLogprobs>;
  content_filter_results?: Nullable<JsonValue>;
  error?: Nullable<ErrorObject | string>;
}

/** The added members have the shapes of a message's. */
export type ChunkDelta = ChatCompletionMessage;

/** Tokens used. OpenAI's figures are inclusive: cached tokens are prompt tokens, reasoning tokens are completion tokens. */
export interface CompletionUsage {
  prompt_tokens?: Nullable<number>;
  completion_tokens?: Nullable<number>;
  total_tokens?: Nullable<number>;
  prompt_tokens_details?: Nullable<PromptTokensDetails>;
  completion_tokens_details?: Nullable<CompletionTokensDetails>;
  /** DeepSeek: prompt tokens read from its cache. */
  prompt_cache_hit_tokens?: Nullable<number>;
  /** DeepSeek: prompt tokens not read from its cache. */
  prompt_cache_miss_tokens?: Nullable<number>;
  /** Moonshot, Together and others: prompt tokens read from a cache, beside the details. */
  cached_tokens?: Nullable<number>;
  /** Mistral: the same. */
  num_cached_tokens?: Nullable<number>;
  /** Perplexity, Together and others: reasoning tokens beside the details. */
  reasoning_tokens?: Nullable<number>;
  /** xAI: sources searched. */
  num_sources_used?: Nullable<number>;
  /** Perplexity: searches made. */
  num_search_queries?: Nullable<number>;
  /** Mistral: seconds of sound in the prompt. */
  prompt_audio_seconds?: Nullable<number | JsonObject>;
  /** Anthropic-backed vendors: prompt tokens read from a cache. */
  cache_read_input_tokens?: Nullable<number>;
  /** Anthropic-backed vendors: prompt tokens written to a cache. */
  cache_creation_input_tokens?: Nullable<number>;
  /** The same by time to live. */
  cache_creation?: Nullable<{
    ephemeral_5m_input_tokens?: Nullable<number>;
    ephemeral_1h_input_tokens?: Nullable<number>;
    ephemeral_24h_input_tokens?: Nullable<number>;
  }>;
  /** OpenRouter: what its own tools did. */
  server_tool_use_details?: Nullable<{ web_search_requests?: Nullable<number> }>;
}

/** How prompt tokens divide. */
export interface PromptTokensDetails {
  cached_tokens?: Nullable<number>;
  cache_write_tokens?: Nullable<number>;
  /** Anthropic-backed vendors' name for `cache_write_tokens`. */
  cache_creation_tokens?: Nullable<number>;
  text_tokens?: Nullable<number>;
  audio_tokens?: Nullable<number>;
  image_tokens?: Nullable<number>;
  video_tokens?: Nullable<number>;
}

/** How completion tokens divide. */
export interface CompletionTokensDetails {
  reasoning_tokens?: Nullable<number>;
  text_tokens?: Nullable<number>;
  audio_tokens?: Nullable<number>;
  image_tokens?: Nullable<number>;
  accepted_prediction_tokens?: Nullable<number>;
  rejected_prediction_tokens?: Nullable<number>;
}

/** Body of an answer whose status is not 2xx; OpenAI always sends the first shape. */
export interface ErrorBody {
  error?: Nullable<ErrorObject | string>;
  /** Vendors that send a flat object. */
  message?: Nullable<JsonValue>;
  type?: Nullable<string>;
  code?: Nullable<string | number>;
  param?: Nullable<string>;
  /** FastAPI-based servers. */
  detail?: Nullable<JsonValue>;
}

/** What went wrong. */
export interface ErrorObject {
  message?: Nullable<string>;
  type?: Nullable<string>;
  code?: Nullable<string | number>;
  param?: Nullable<string>;
  status?: Nullable<string | number>;
  /** Azure: why its filter refused. */
  innererror?: Nullable<{ code?: Nullable<string>; content_filter_result?: Nullable<JsonValue> }>;
  /** OpenRouter: the error of the vendor behind it. */
  metadata?: Nullable<JsonObject>;
  /** Groq: what the model wrote instead of a tool call. */
  failed_generation?: Nullable<string>;
}
