import type { Quirk } from "../../catalog/facts.ts";
import { objectMembers } from "../json-text.ts";
import { fieldsIn, isFieldOfReasoning } from "./rejected-while-reasoning.ts";

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
  /** The role in which system and developer messages go out once the conversation has begun. */
  readonly late_system_role: "system" | "user";
  /** The role in which developer messages go out. */
  readonly developer_role: "developer" | "system" | "user";
  /** Where the end user's id goes. */
  readonly end_user_field: "user" | "safety_identifier";
  /**
   * How reasoning is asked for: by `reasoning_effort`; by OpenRouter's `reasoning` object; by a switch `thinking.type`,
   * `enable_thinking` or `chat_template_kwargs.enable_thinking`; or not at all. Beside `thinking` and
   * `enable_thinking`, an effort goes out where the model's efforts are known.
   */
  readonly reasoning_request: "effort" | "object" | "thinking" | "enable_thinking" | "template" | "none";
  /** When the model reasons: where it is asked to, unless it is asked not to, or always. */
  readonly reasons: "asked" | "default" | "always";
  /**
   * Fields that the model does not honour while it reasons, with commas, for example
   * `tool_choice,sampling.temperature`. See `rejected-while-reasoning.ts` for those that can be named.
   */
  readonly rejects_while_reasoning: string;
  /** Whether `enable_thinking` has a `thinking_budget` beside it. */
  readonly thinking_budget: boolean;
  /** Whether earlier reasoning counts only beside `thinking.keep: "all"`. */
  readonly thinking_keep: boolean;
  /** Whether the model answers only in streams while it reasons; a whole answer is then put together from one. */
  readonly reasons_in_streams_only: boolean;
  /** Reasoning efforts that the model accepts, least first, with commas; empty: not known. Facts go before it. */
  readonly efforts: string;
  /** The member in which earlier reasoning text is sent back, or `thinking` parts of the content; `none` leaves it out. */
  readonly reasoning_history: "none" | "reasoning_content" | "reasoning" | "thinking_parts";
  /** Whether a reasoning model wants the member of `reasoning_history` in every message with tool calls, if only empty. */
  readonly reasoning_beside_calls: boolean;
  /**
   * Whether `temperature` and `top_p` may differ from 1 and log probabilities may be asked for: `any` always, `default`
   * never, `effort_none` where reasoning is switched off, `effort_unset` also where it is not mentioned.
   */
  readonly sampling_with: "any" | "default" | "effort_none" | "effort_unset";
  /** Most stop sequences. */
  readonly max_stops: number;
  /** The name of the member that holds the seed; `random_seed` takes none below 0. */
  readonly seed_field: "seed" | "random_seed";
  /** Longest id of a tool call; longer ones are renamed within the request. */
  readonly max_call_id_chars: number;
  /** Whether ids of tool calls must be of nine letters and digits; others are renamed within the request. */
  readonly nine_char_call_ids: boolean;
  /** Whether a user's message may follow the result of a tool; else an assistant's is put between. */
  readonly user_after_tool: boolean;
  /** What results of tools may hold; media go into a user's message behind where it is text only. */
  readonly tool_result_parts: "text" | "any";
  /** How documents go out: as `file` with bytes, as `file` with bytes or an address, as `document_url`. */
  readonly document_part: "file" | "file_or_url" | "document_url";
  /** How sounds go out: `input_audio` as an object of data and format, or as the data alone. */
  readonly audio_part: "object" | "data";
  /** How an earlier refusal goes back: as `refusal`, or as text where the vendor has no such member. */
  readonly refusal_history: "refusal" | "text";
  /** Whether tool names must be of `[a-zA-Z0-9_-]{1,64}`. */
  readonly plain_tool_names: boolean;
  /** Whether a function must tell its parameters: one without then has a schema that takes none. */
  readonly parameters_required: boolean;
  /** Whether `tool_choice` may be `allowed_tools`; else only the allowed tools are declared. */
  readonly allowed_tools: boolean;
  /** Whether `web_search_options` is understood. */
  readonly web_search: boolean;
  /** Whether `prompt_cache_key` is understood. */
  readonly cache_key: boolean;
  /** How cache lifetimes are asked for: `prompt_cache_retention`, `prompt_cache_options.ttl`, or not at all. */
  readonly cache_ttl: "none" | "retention" | "options";
  /** Whether parts may carry cache marks. */
  readonly cache_breakpoints: boolean;
  /**
   * What cache marks are: `prompt_cache_breakpoint`; `cache_control` with a time to live, which tools may carry too; or
   * `ephemeral`, the same on content only and for five minutes.
   */
  readonly cache_mark: "prompt_cache_breakpoint" | "cache_control" | "ephemeral";
  /** Whether JSON mode needs the word "json" in a message. */
  readonly json_mode_word: boolean;
  /**
   * How the model is told to continue its last message: by nothing but its place (`last_message`), by `prefix: true`, by
   * vLLM's `continue_final_message`, by `partial: true`; `none` where it cannot.
   */
  readonly prefill: "none" | "last_message" | "prefix" | "continue_final_message" | "partial";
  /** JSON text of an object whose members go out with every request that does not set them itself; empty: none. */
  readonly extra_members: string;
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
  late_system_role: "system",
  developer_role: "system",
  end_user_field: "user",
  reasoning_request: "effort",
  reasons: "asked",
  rejects_while_reasoning: "",
  thinking_budget: false,
  thinking_keep: false,
  reasons_in_streams_only: false,
  efforts: "",
  reasoning_history: "none",
  reasoning_beside_calls: false,
  sampling_with: "any",
  max_stops: 64,
  seed_field: "seed",
  max_call_id_chars: 512,
  nine_char_call_ids: false,
  user_after_tool: true,
  tool_result_parts: "text",
  document_part: "file",
  audio_part: "object",
  refusal_history: "refusal",
  plain_tool_names: false,
  parameters_required: false,
  allowed_tools: false,
  web_search: false,
  cache_key: false,
  cache_ttl: "none",
  cache_breakpoints: false,
  cache_mark: "prompt_cache_breakpoint",
  json_mode_word: false,
  prefill: "none",
  extra_members: "",
  citation_offsets: "code_points",
};

const CHOICES: { readonly [Name in keyof OpenAiChatSettings]?: readonly string[] } = {
  max_tokens_field: ["max_tokens", "max_completion_tokens"],
  system_role: ["system", "developer", "user"],
  late_system_role: ["system", "user"],
  developer_role: ["developer", "system", "user"],
  end_user_field: ["user", "safety_identifier"],
  reasoning_request: ["effort", "object", "thinking", "enable_thinking", "template", "none"],
  reasons: ["asked", "default", "always"],
  reasoning_history: ["none", "reasoning_content", "reasoning", "thinking_parts"],
  seed_field: ["seed", "random_seed"],
  tool_result_parts: ["text", "any"],
  document_part: ["file", "file_or_url", "document_url"],
  audio_part: ["object", "data"],
  refusal_history: ["refusal", "text"],
  cache_mark: ["prompt_cache_breakpoint", "cache_control", "ephemeral"],
  sampling_with: ["any", "default", "effort_none", "effort_unset"],
  cache_ttl: ["none", "retention", "options"],
  prefill: ["none", "last_message", "prefix", "continue_final_message", "partial"],
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
  if (key === "extra_members") return value === "" || (typeof value === "string" && objectMembers(value) !== undefined);
  if (key === "rejects_while_reasoning") return typeof value === "string" && fieldsIn(value).every(isFieldOfReasoning);
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
