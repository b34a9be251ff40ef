// What requests and answers of the wire format share.

/** A member that may be absent or null on the wire. */
export type Nullable<T> = T | null | undefined;

/** Any JSON value whose shape this format leaves open. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/** An object of JSON whose members this format leaves open. */
export type JsonObject = { readonly [key: string]: JsonValue | undefined };

/** The members in which vendors put reasoning; none of them is OpenAI's. */
export interface ReasoningFields {
  /** DeepSeek, Qwen, Kimi, GLM, xAI, older vLLM. */
  reasoning_content?: Nullable<string>;
  /** OpenRouter, Groq, Cerebras, Together, newer vLLM, Ollama. */
  reasoning?: Nullable<string>;
  /** OpenRouter and its followers: typed pieces with signatures or encrypted state. */
  reasoning_details?: Nullable<ReasoningDetail[]>;
}

/** One typed piece of reasoning. */
export interface ReasoningDetail {
  /** `reasoning.text`, `reasoning.summary` or `reasoning.encrypted`. */
  type?: Nullable<string>;
  id?: Nullable<string>;
  /** What made it, for example `anthropic-claude-v1`. */
  format?: Nullable<string>;
  index?: Nullable<number>;
  text?: Nullable<string>;
  signature?: Nullable<string>;
  summary?: Nullable<string>;
  data?: Nullable<string>;
}
