import type { Lifecycle, Modality, Support, Verification } from "../contract/index.ts";

/** Capabilities by name; what is not in a model's map is unknown. The names are listed by ModelService. */
export const CAPABILITIES = [
  "streaming", // answers event by event
  "system_messages",
  "tools",
  "tool_choice", // none, required, named
  "parallel_tools",
  "strict_tools", // schema-exact arguments
  "custom_tools", // free-text tools
  "web_search", // search run by the provider
  "json_object",
  "json_schema",
  "grammar",
  "image_input",
  "audio_input",
  "video_input",
  "document_input",
  "audio_output",
  "image_output",
  "reasoning",
  "reasoning_effort",
  "reasoning_budget",
  "prompt_cache",
  "prefill",
  "stop",
  "candidates", // more than one answer
  "logprobs",
  "logit_bias",
  "seed",
  "temperature",
  "top_p",
  "top_k",
  "min_p",
  "penalties", // frequency and presence
  "repetition_penalty",
] as const;

/** One capability's name. */
export type Capability = (typeof CAPABILITIES)[number];

/** What is known of a model at a provider. Everything is optional: unknown is not zero and not no. */
export interface ModelFacts {
  readonly displayName?: string;
  readonly inputModalities?: readonly Modality[];
  readonly outputModalities?: readonly Modality[];
  /** Tokens of input and output together. */
  readonly contextTokens?: number;
  readonly maxOutputTokens?: number;
  readonly capabilities: Readonly<Partial<Record<Capability, Support>>>;
  /** Reasoning efforts the model accepts, in the wire's words, least first. */
  readonly efforts?: readonly string[];
  readonly prices?: PriceList;
  readonly region?: string;
  /** Whether equal requests get equal answers; unset: nobody says so. */
  readonly deterministic?: boolean;
  readonly dataPolicy?: { readonly retains?: boolean; readonly trains?: boolean };
  readonly lifecycle?: Lifecycle;
  /** Wall clock in milliseconds. */
  readonly retiresAtMs?: number;
  readonly verification?: Verification;
  /** Which price list and limits these are: a date, or `config`. */
  readonly catalogVersion?: string;
  readonly quirks: readonly Quirk[];
}

/** Prices of one model. All figures are integers: nano-USD per million tokens, or per thousand units of a meter. */
export interface PriceList {
  /** A date, or `config`. */
  readonly version: string;
  readonly entries: readonly PriceEntry[];
}

/** The price of one kind of unit under its conditions. */
export interface PriceEntry {
  /** `input`, `cache_read`, `cache_write`, `output`, `input_audio`, `output_audio`, or a meter's unit. */
  readonly unit: string;
  readonly nanoUsd: number;
  readonly aboveInputTokens?: number;
  readonly serviceTier?: string;
  readonly ttlSeconds?: number;
}

/**
 * A dated deviation of a provider or model from its dialect, as data. `settings` are switches that the dialect's codec
 * documents; `rejects` are contract fields that the model answers with an error, although the dialect has them.
 */
export interface Quirk {
  /** Stable id, for example `Q01`. */
  readonly id: string;
  /** What is different, in a sentence. */
  readonly summary: string;
  /** Contract fields, as paths such as `sampling.temperature`, that the model rejects. */
  readonly rejects?: readonly string[];
  /** Switches of the dialect's codec, for example `{ max_tokens_field: "max_tokens" }`. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
  /** Link or document that says so. */
  readonly source: string;
  /** ISO date on which it was last checked. */
  readonly checkedOn: string;
}
