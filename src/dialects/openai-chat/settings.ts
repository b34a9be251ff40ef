import type { Quirk } from "../../catalog/facts.ts";

/**
 * The switches of this codec that quirks may set, by the names that quirks use. The defaults suit a server of which
 * nothing is known but that it speaks this dialect.
 */
export interface OpenAiChatSettings {
  /** Where the output limit goes. OpenAI's reasoning models reject `max_tokens`; most other servers know nothing else. */
  readonly max_tokens_field: "max_tokens" | "max_completion_tokens";
  /** Whether `stream_options.include_usage` is sent, without which most vendors tell no usage in streams. */
  readonly stream_usage: boolean;
  /** Whether an unset or false `store` is sent as an explicit `false`, where the vendor may keep answers otherwise. */
  readonly store_false: boolean;
  /** Whether the vendor accepts `metadata` only beside `store: true`. */
  readonly metadata_needs_store: boolean;
  /** The role in which system messages go out. */
  readonly system_role: "system" | "developer" | "user";
  /** The role in which developer messages go out. */
  readonly developer_role: "developer" | "system" | "user";
  /** Where the end user's id goes. */
  readonly end_user_field: "user" | "safety_identifier";
  /** How reasoning is asked for: `reasoning_effort`, OpenRouter's `reasoning` object, or not at all. */
  readonly reasoning_request: "effort" | "object" | "none";
  /** Reasoning efforts that the model accepts, least first, with commas; empty: not known. Facts go before it. */
  readonly efforts: string;
  /** The member in which earlier reasoning text is sent back; `none` leaves it out. */
  readonly reasoning_history: "none" | "reasoning_content" | "reasoning";
  /**
   * Whether `temperature` and `top_p` may differ from 1 and log probabilities may be asked for: `any` always, `default`
   * never, `effort_none` where reasoning is switched off, `effort_unset` also where it is not mentioned.
   */
  readonly sampling_with: "any" | "default" | "effort_none" | "effort_unset";
  /** Most stop sequences. */
  readonly max_stops: number;
  /** Longest id of a tool call; longer ones are renamed within the request. */
  readonly max_call_id_chars: number;
  /** Whether tool names must be of `[a-zA-Z0-9_-]{1,64}`. */
  readonly plain_tool_names: boolean;
  /** Whether `tool_choice` may be `allowed_tools`; else only the allowed tools are declared. */
  readonly allowed_tools: boolean;
  /** Whether `web_search_options` is understood. */
  readonly web_search: boolean;
  /** Whether `prompt_cache_key` is understood. */
  readonly cache_key: boolean;
  /** How cache lifetimes are asked for: `prompt_cache_retention`, `prompt_cache_options.ttl`, or not at all. */
  readonly cache_ttl: "none" | "retention" | "options";
  /** Whether parts may carry `prompt_cache_breakpoint`. */
  readonly cache_breakpoints: boolean;
  /** Whether JSON mode needs the word "json" in a message. */
  readonly json_mode_word: boolean;
  /**
   * How the model is told to continue its last message: by nothing but its place (`last_message`), by `prefix: true`, by
   * vLLM's `continue_final_message`; `none` where it cannot.
   */
  readonly prefill: "none" | "last_message" | "prefix" | "continue_final_message";
  /** What the offsets of `url_citation` count; OpenAI only says characters. */
  readonly citation_offsets: "code_points" | "utf16";
}

/** A server of which nothing more is known. */
export const DEFAULT_SETTINGS: OpenAiChatSettings = {
  max_tokens_field: "max_tokens",
  stream_usage: true,
  store_false: false,
  metadata_needs_store: false,
  system_role: "system",
  developer_role: "system",
  end_user_field: "user",
  reasoning_request: "effort",
  efforts: "",
  reasoning_history: "none",
  sampling_with: "any",
  max_stops: 64,
  max_call_id_chars: 512,
  plain_tool_names: false,
  allowed_tools: false,
  web_search: false,
  cache_key: false,
  cache_ttl: "none",
  cache_breakpoints: false,
  json_mode_word: false,
  prefill: "none",
  citation_offsets: "code_points",
};

const CHOICES: { readonly [Name in keyof OpenAiChatSettings]?: readonly string[] } = {
  max_tokens_field: ["max_tokens", "max_completion_tokens"],
  system_role: ["system", "developer", "user"],
  developer_role: ["developer", "system", "user"],
  end_user_field: ["user", "safety_identifier"],
  reasoning_request: ["effort", "object", "none"],
  reasoning_history: ["none", "reasoning_content", "reasoning"],
  sampling_with: ["any", "default", "effort_none", "effort_unset"],
  cache_ttl: ["none", "retention", "options"],
  prefill: ["none", "last_message", "prefix", "continue_final_message"],
  citation_offsets: ["code_points", "utf16"],
};

/** Names of settings that this codec does not have, or whose value it cannot use. Empty: all can take effect. */
export function unusableSettings(settings: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(settings)
    .filter(([name, value]) => !isUsable(name, value))
    .map(([name]) => name);
}

function isUsable(name: string, value: unknown): boolean {
  if (!Object.hasOwn(DEFAULT_SETTINGS, name)) return false;
  const key = name as keyof OpenAiChatSettings;
  const choices = CHOICES[key];
  return choices ? choices.includes(value as string) : typeof value === typeof DEFAULT_SETTINGS[key];
}

/** Settings in force, and the quirk behind each that is not a default. */
export interface ResolvedSettings {
  readonly settings: OpenAiChatSettings;
  readonly quirkOf: ReadonlyMap<string, string>;
}

/** The settings that a list of quirks adds up to; a later quirk wins over an earlier one. Unusable ones are ignored. */
export function resolveSettings(quirks: readonly Quirk[]): ResolvedSettings {
  const settings: Record<string, unknown> = { ...DEFAULT_SETTINGS };
  const quirkOf = new Map<string, string>();
  for (const quirk of quirks) {
    for (const [name, value] of Object.entries(quirk.settings ?? {})) {
      if (!isUsable(name, value)) continue;
      settings[name] = value;
      quirkOf.set(name, quirk.id);
    }
  }
  return { settings: settings as unknown as OpenAiChatSettings, quirkOf };
}
