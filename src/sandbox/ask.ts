/** What a request asks for, whatever its wire format. */
export interface Ask {
  /** As sent, suffix included. */
  readonly model: string;
  readonly stream: boolean;
  /** Text of the last user message; where it has none, the kinds of its parts in parentheses. */
  readonly lastUserText: string;
  /** Text of the assistant message that ends the conversation: what the answer continues. */
  readonly prefill: string | undefined;
  /** Results of tools that end the conversation. */
  readonly toolResults: readonly string[];
  readonly tools: readonly AskedTool[];
  readonly toolChoice: "auto" | "none" | "required" | { readonly name: string };
  readonly parallelToolCalls: boolean;
  /** Whether a model that can reason is to. */
  readonly reasons: boolean;
  readonly output: AskedOutput;
  /** How many answers. */
  readonly candidates: number;
  readonly maxOutputTokens: number | undefined;
  readonly stop: readonly string[];
  /** Tokens of the conversation. */
  readonly inputTokens: number;
}

/** A declared tool; without a schema it takes free text. */
export interface AskedTool {
  readonly name: string;
  readonly schema: unknown;
  readonly freeText: boolean;
}

/** The asked shape of the answer. */
export type AskedOutput =
  | { readonly kind: "text" }
  | { readonly kind: "json_object" }
  | { readonly kind: "json_schema"; readonly schema: unknown };
