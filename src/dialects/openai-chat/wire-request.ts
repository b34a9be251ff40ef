import type { JsonObject, Nullable, ReasoningFields } from "./wire-common.ts";

// The request of POST /chat/completions, with the extensions that vendors add.

/** Body of a request. */
export interface ChatCompletionRequest {
  model: string;
  messages: ChatCompletionMessageParam[];
  stream?: Nullable<boolean>;
  stream_options?: Nullable<{ include_usage?: Nullable<boolean>; include_obfuscation?: Nullable<boolean> }>;
  tools?: Nullable<ChatCompletionTool[]>;
  tool_choice?: Nullable<ChatCompletionToolChoice>;
  parallel_tool_calls?: Nullable<boolean>;
  /** Deprecated predecessor of `tools`. */
  functions?: Nullable<FunctionDefinition[]>;
  /** Deprecated predecessor of `tool_choice`. */
  function_call?: Nullable<"none" | "auto" | { name: string }>;
  response_format?: Nullable<ResponseFormat>;
  max_completion_tokens?: Nullable<number>;
  /** Deprecated by OpenAI, the only one that most other vendors know. */
  max_tokens?: Nullable<number>;
  temperature?: Nullable<number>;
  top_p?: Nullable<number>;
  frequency_penalty?: Nullable<number>;
  presence_penalty?: Nullable<number>;
  logit_bias?: Nullable<Record<string, number>>;
  seed?: Nullable<number>;
  stop?: Nullable<string | string[]>;
  n?: Nullable<number>;
  logprobs?: Nullable<boolean>;
  top_logprobs?: Nullable<number>;
  reasoning_effort?: Nullable<string>;
  verbosity?: Nullable<string>;
  modalities?: Nullable<string[]>;
  audio?: Nullable<AudioOutputParam>;
  prediction?: Nullable<{ type: "content"; content: string | TextContentPart[] }>;
  service_tier?: Nullable<string>;
  store?: Nullable<boolean>;
  metadata?: Nullable<Record<string, string>>;
  safety_identifier?: Nullable<string>;
  /** Deprecated predecessor of `safety_identifier` and `prompt_cache_key`. */
  user?: Nullable<string>;
  prompt_cache_key?: Nullable<string>;
  prompt_cache_retention?: Nullable<string>;
  prompt_cache_options?: Nullable<JsonObject>;
  moderation?: Nullable<JsonObject>;
  web_search_options?: Nullable<WebSearchOptions>;
  /** Extension of several vendors (vLLM, OpenRouter, Together, …). */
  top_k?: Nullable<number>;
  /** Extension of several vendors. */
  min_p?: Nullable<number>;
  /** Extension of several vendors. */
  repetition_penalty?: Nullable<number>;
  /** Extension of OpenRouter and its followers. */
  reasoning?: Nullable<{
    effort?: Nullable<string>;
    max_tokens?: Nullable<number>;
    exclude?: Nullable<boolean>;
    enabled?: Nullable<boolean>;
  }>;
}

/** A message of a request, by role. */
export type ChatCompletionMessageParam =
  | SystemMessageParam
  | DeveloperMessageParam
  | UserMessageParam
  | AssistantMessageParam
  | ToolMessageParam
  | FunctionMessageParam;

/** Instructions. */
export interface SystemMessageParam {
  role: "system";
  content: string | TextContentPart[];
  name?: Nullable<string>;
}

/** Instructions, in the word that OpenAI's reasoning models prefer. */
export interface DeveloperMessageParam {
  role: "developer";
  content: string | TextContentPart[];
  name?: Nullable<string>;
}

/** A turn of the user. */
export interface UserMessageParam {
  role: "user";
  content: string | UserContentPart[];
  name?: Nullable<string>;
}

/** An earlier turn of the model. */
export interface AssistantMessageParam extends ReasoningFields {
  role: "assistant";
  content?: Nullable<string | (TextContentPart | RefusalContentPart)[]>;
  refusal?: Nullable<string>;
  name?: Nullable<string>;
  tool_calls?: Nullable<ChatCompletionToolCall[]>;
  /** Deprecated predecessor of `tool_calls`. */
  function_call?: Nullable<{ name: string; arguments: string }>;
  /** An earlier spoken answer, by its id. */
  audio?: Nullable<{ id: string }>;
  /** Extension: the model continues this message. */
  prefix?: Nullable<boolean>;
  /** Gemini's compatible endpoint: what it wants back with the message. */
  extra_content?: Nullable<JsonObject>;
}

/** The result of a tool. */
export interface ToolMessageParam {
  role: "tool";
  tool_call_id: string;
  content: string | TextContentPart[];
  /** Extension of several vendors: the tool's name. */
  name?: Nullable<string>;
}

/** Deprecated predecessor of the tool message. */
export interface FunctionMessageParam {
  role: "function";
  name: string;
  content: Nullable<string>;
}

/** A piece of a user's message. */
export type UserContentPart =
  | TextContentPart
  | ImageContentPart
  | AudioContentPart
  | FileContentPart
  | VideoContentPart;

/** Marks the end of a prefix that is worth caching. */
export interface CacheMark {
  prompt_cache_breakpoint?: Nullable<{ mode?: Nullable<string>; ttl?: Nullable<string> }>;
}

/** Text. */
export interface TextContentPart extends CacheMark {
  type: "text";
  text: string;
}

/** A refusal in an earlier turn of the model. */
export interface RefusalContentPart {
  type: "refusal";
  refusal: string;
}

/** An image by address or as a `data:` URL. */
export interface ImageContentPart extends CacheMark {
  type: "image_url";
  image_url: { url: string; detail?: Nullable<string> };
}

/** Sound, base64. */
export interface AudioContentPart extends CacheMark {
  type: "input_audio";
  input_audio: { data: string; format: string };
}

/** A document: a `data:` URL with its name, or the id of an uploaded file. */
export interface FileContentPart extends CacheMark {
  type: "file";
  file: { file_data?: Nullable<string>; file_id?: Nullable<string>; filename?: Nullable<string> };
}

/** Extension of several vendors: a video by address or as a `data:` URL. */
export interface VideoContentPart {
  type: "video_url";
  video_url: { url: string };
}

/** A tool that the model may call. */
export type ChatCompletionTool =
  | ({ type: "function"; function: FunctionDefinition } & CacheMark)
  | ({ type: "custom"; custom: CustomToolDefinition } & CacheMark);

/** A function with a JSON schema. */
export interface FunctionDefinition {
  name: string;
  description?: Nullable<string>;
  parameters?: Nullable<JsonObject>;
  strict?: Nullable<boolean>;
}

/** A tool that takes free text. */
export interface CustomToolDefinition {
  name: string;
  description?: Nullable<string>;
  format?: Nullable<{ type: "text" } | { type: "grammar"; grammar: { syntax: string; definition: string } }>;
}

/** Whether and which tools may be called. */
export type ChatCompletionToolChoice =
  | "none"
  | "auto"
  | "required"
  | NamedToolChoice
  | { type: "allowed_tools"; allowed_tools: { mode: "auto" | "required"; tools: NamedToolChoice[] } };

/** One tool by name. */
export type NamedToolChoice =
  | { type: "function"; function: { name: string } }
  | { type: "custom"; custom: { name: string } };

/** Shape of the answer. */
export type ResponseFormat =
  | { type: "text" }
  | { type: "json_object" }
  | {
      type: "json_schema";
      json_schema: {
        name: string;
        description?: Nullable<string>;
        schema?: Nullable<JsonObject>;
        strict?: Nullable<boolean>;
      };
    };

/** How spoken output sounds. */
export interface AudioOutputParam {
  voice: string | { id: string };
  format: string;
}

/** Search in the web by the provider. */
export interface WebSearchOptions {
  search_context_size?: Nullable<string>;
  user_location?: Nullable<{
    type: "approximate";
    approximate: {
      country?: Nullable<string>;
      region?: Nullable<string>;
      city?: Nullable<string>;
      timezone?: Nullable<string>;
    };
  }>;
}

/** A call of a tool. */
export type ChatCompletionToolCall = FunctionToolCall | CustomToolCall;

/** A call of a function; `arguments` is JSON text. */
export interface FunctionToolCall {
  id: string;
  type: "function";
  function: { name: string; arguments: string };
}

/** A call of a tool that takes free text. */
export interface CustomToolCall {
  id: string;
  type: "custom";
  custom: { name: string; input: string };
}
