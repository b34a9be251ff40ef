import {
  resolveSettingsOf,
  unusableSettingsOf,
  type ResolvedSettings as Resolved,
  type SettingsTable,
} from "../quirk-settings.ts";
import type { Quirk } from "../../catalog/facts.ts";

/**
 * The switches of this codec that quirks may set, by the names that quirks use. The defaults suit a server of which
 * nothing is known but that it speaks this dialect.
 */
export interface OpenAiResponsesSettings {
  /** Whether an unset or false `store` is sent as an explicit `false`. Unsaid, the format keeps every answer. */
  readonly store_false: boolean;
  /** Whether encrypted reasoning is asked for, without which it cannot be replayed. Models that do not reason refuse it. */
  readonly encrypted_reasoning: boolean;
  /**
   * Which reasoning of earlier turns goes back: `encrypted` what has encrypted state, `text` also what has only text
   * (servers of open models), `none` nothing.
   */
  readonly reasoning_history: "encrypted" | "text" | "none";
  /** Whether `reasoning.summary` is understood. */
  readonly reasoning_summary: boolean;
  /** How reasoning is asked for: `reasoning.effort`, or not at all. */
  readonly reasoning_request: "effort" | "none";
  /** Reasoning efforts that the model accepts, least first, with commas; empty: not known. Facts go before it. */
  readonly efforts: string;
  /** The role in which system messages go out. */
  readonly system_role: "system" | "developer" | "user";
  /** The role in which developer messages go out. */
  readonly developer_role: "developer" | "system" | "user";
  /** Where the end user's id goes. */
  readonly end_user_field: "user" | "safety_identifier";
  /** Longest end user's id; a longer one is left out. */
  readonly max_end_user_chars: number;
  /**
   * Whether `temperature` and `top_p` may differ from 1 and log probabilities may be asked for: `any` always, `default`
   * never, `effort_none` where reasoning is switched off, `effort_unset` also where it is not mentioned.
   */
  readonly sampling_with: "any" | "default" | "effort_none" | "effort_unset";
  /** Members that the server takes beyond the format, with commas: stop, seed, n, top_k, min_p, logit_bias, penalties. */
  readonly further_members: string;
  /** Least output limit; OpenAI refuses less than 16. */
  readonly min_output_tokens: number;
  /** Longest id of a tool call; longer ones are renamed within the request. */
  readonly max_call_id_chars: number;
  /** Whether tool names must be of `[a-zA-Z0-9_-]{1,64}`. */
  readonly plain_tool_names: boolean;
  /** Whether `tool_choice` may be `allowed_tools`; else only the allowed tools are declared. */
  readonly allowed_tools: boolean;
  /** The type of the provider's search in the web; empty: it has none. */
  readonly web_search_type: string;
  /** Names of custom tools and functions that the provider itself runs, with commas: their calls are not the caller's. */
  readonly provider_run_tools: string;
  /** Whether strict schemas must list every property as required and be closed. */
  readonly strict_closed_objects: boolean;
  /** Keywords that strict schemas must not have, with commas. */
  readonly strict_refused_keywords: string;
  /** Keywords that are taken out of every schema, with commas, since the server refuses them. */
  readonly refused_keywords: string;
  /** Whether messages may hold `input_audio`. */
  readonly audio_input: boolean;
  /** Whether `prompt_cache_key` is understood. */
  readonly cache_key: boolean;
  /** How cache lifetimes are asked for: `prompt_cache_retention`, `prompt_cache_options.ttl`, or not at all. */
  readonly cache_ttl: "none" | "retention" | "options";
  /** Whether parts may carry `prompt_cache_breakpoint`. */
  readonly cache_breakpoints: boolean;
  /** Whether JSON mode needs the word "json" in a message. */
  readonly json_mode_word: boolean;
  /** How the model is told to continue its last message: by nothing but its place, or not at all. */
  readonly prefill: "none" | "last_message";
  /** What the offsets of citations count; OpenAI only says characters. */
  readonly citation_offsets: "code_points" | "utf16";
}

const TABLE: SettingsTable<OpenAiResponsesSettings> = {
  defaults: {
    store_false: true,
    encrypted_reasoning: true,
    reasoning_history: "encrypted",
    reasoning_summary: true,
    reasoning_request: "effort",
    efforts: "",
    system_role: "system",
    developer_role: "developer",
    end_user_field: "user",
    max_end_user_chars: 512,
    sampling_with: "any",
    further_members: "",
    min_output_tokens: 0,
    max_call_id_chars: 512,
    plain_tool_names: false,
    allowed_tools: false,
    web_search_type: "web_search",
    provider_run_tools: "",
    strict_closed_objects: false,
    strict_refused_keywords: "",
    refused_keywords: "",
    audio_input: false,
    cache_key: true,
    cache_ttl: "none",
    cache_breakpoints: false,
    json_mode_word: false,
    prefill: "none",
    citation_offsets: "code_points",
  },
  choices: {
    reasoning_history: ["encrypted", "text", "none"],
    reasoning_request: ["effort", "none"],
    system_role: ["system", "developer", "user"],
    developer_role: ["developer", "system", "user"],
    end_user_field: ["user", "safety_identifier"],
    sampling_with: ["any", "default", "effort_none", "effort_unset"],
    cache_ttl: ["none", "retention", "options"],
    prefill: ["none", "last_message"],
    citation_offsets: ["code_points", "utf16"],
  },
};

/** Names of settings that this codec does not have, or whose value it cannot use. Empty: all can take effect. */
export function unusableSettings(settings: Readonly<Record<string, unknown>>): readonly string[] {
  return unusableSettingsOf(TABLE, settings);
}

/** Settings in force, and the quirk behind each that is not a default. */
export type ResolvedSettings = Resolved<OpenAiResponsesSettings>;

/** The settings that a list of quirks adds up to; a later quirk wins over an earlier one. Unusable ones are ignored. */
export function resolveSettings(quirks: readonly Quirk[]): ResolvedSettings {
  return resolveSettingsOf(TABLE, quirks);
}

/** The words of a setting that holds several. */
export function listOf(setting: string): readonly string[] {
  return setting === "" ? [] : setting.split(",").map((word) => word.trim());
}
