import type { Quirk } from "../../catalog/facts.ts";
import {
  resolveSettingsOf,
  unusableSettingsOf,
  type ResolvedSettings as Resolved,
  type SettingsTable,
} from "../quirk-settings.ts";

/**
 * The switches of this codec that quirks may set, by the names that quirks use. The defaults suit a server of which
 * nothing is known but that it speaks this dialect.
 */
export interface AnthropicMessagesSettings {
  /** Where the model stands: in the body of `/messages`, or in the path of a cloud's publisher endpoint. */
  readonly endpoint: "messages" | "publisher";
  /** The API's version: a header, or with `endpoint: publisher` a member of the body. */
  readonly version: string;
  /** Whether features beyond the version are named in a header. */
  readonly beta_header: boolean;
  /** The required output limit where neither the caller nor the facts tell one. */
  readonly default_max_tokens: number;
  /** How reasoning is asked for: by a budget of tokens, `adaptive`, either (a budget where one is given), or not at all. */
  readonly thinking: "none" | "budget" | "adaptive" | "both";
  /** How reasoning is switched off: by saying so, by saying nothing, or not at all. */
  readonly thinking_off: "disabled" | "omit" | "never";
  /** Whether it can be said how much of the reasoning is shown. */
  readonly thinking_display: boolean;
  /** Whether `output_config.effort` is understood. */
  readonly effort: boolean;
  /** Reasoning efforts that the model accepts, least first, with commas; empty: not known. Facts go before it. */
  readonly efforts: string;
  /** Whether reasoning without a signature is sent back to the model that made it. */
  readonly unsigned_thinking: boolean;
  /** Whether sampling can be set: freely, one of temperature and `top_p`, or at its defaults only. */
  readonly sampling: "any" | "one_of" | "default";
  /** Whether the last message of the assistant is continued. */
  readonly prefill: boolean;
  /** Whether instructions may stand within the conversation; else they become text of the user. */
  readonly system_in_messages: boolean;
  /** Whether answers can be made to follow a schema, by `output_config.format`. */
  readonly output_format: boolean;
  /** Whether arguments of tools can be made to follow their schema. */
  readonly strict_tools: boolean;
  /** The type of the provider's search in the web; empty: it has none. */
  readonly web_search_tool: string;
  /** Whether blocks may carry cache marks. */
  readonly cache_marks: boolean;
  /** Most cache marks in one request. */
  readonly max_cache_marks: number;
  /** Whether the whole request may carry one mark, which the provider places. */
  readonly automatic_caching: boolean;
  /** Whether `service_tier` is understood. */
  readonly service_tier: boolean;
  /** Whether the service tier `fast` is understood, which goes out as `speed`. */
  readonly fast_speed: boolean;
  /** Where inference takes place, in the provider's words; empty: the account's default. */
  readonly inference_geo: string;
}

const TABLE: SettingsTable<AnthropicMessagesSettings> = {
  defaults: {
    endpoint: "messages",
    version: "2023-06-01",
    beta_header: false,
    default_max_tokens: 4096,
    thinking: "budget",
    thinking_off: "disabled",
    thinking_display: false,
    effort: false,
    efforts: "",
    unsigned_thinking: false,
    sampling: "any",
    prefill: true,
    system_in_messages: false,
    output_format: false,
    strict_tools: false,
    web_search_tool: "",
    cache_marks: true,
    max_cache_marks: 4,
    automatic_caching: false,
    service_tier: false,
    fast_speed: false,
    inference_geo: "",
  },
  choices: {
    endpoint: ["messages", "publisher"],
    thinking: ["none", "budget", "adaptive", "both"],
    thinking_off: ["disabled", "omit", "never"],
    sampling: ["any", "one_of", "default"],
  },
};

/** Settings in force, and the quirk behind each that is not a default. */
export type ResolvedSettings = Resolved<AnthropicMessagesSettings>;

/** Names of settings that this codec does not have, or whose value it cannot use. Empty: all can take effect. */
export function unusableSettings(settings: Readonly<Record<string, unknown>>): readonly string[] {
  return unusableSettingsOf(TABLE, settings);
}

/** The settings that a list of quirks adds up to. */
export function resolveSettings(quirks: readonly Quirk[]): ResolvedSettings {
  return resolveSettingsOf(TABLE, quirks);
}
