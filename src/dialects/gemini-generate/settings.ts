import type { Quirk } from "../../catalog/facts.ts";

/**
 * The switches of this codec that quirks may set, by the names that quirks use. The defaults suit a model of which
 * nothing is known but that it is served in this dialect.
 */
export interface GeminiGenerateSettings {
  /** Where models stand in paths: `/models/…`, or `/publishers/google/models/…` as a cloud that serves many makers has it. */
  readonly endpoint: "models" | "publisher";
  /** What says how much to think: `thinkingBudget` (2.5), `thinkingLevel` (3 and later), or whichever was asked for. */
  readonly thinking_control: "budget" | "level" | "either";
  /** Thinking levels that the model accepts, least first, with commas; empty: not known. Facts go before it. */
  readonly efforts: string;
  /** Whether the model can be told not to think. */
  readonly thinking_off: boolean;
  /** Least thinking budget in tokens; 0: not known. */
  readonly min_thinking_budget: number;
  /** Largest thinking budget in tokens; 0: not known. */
  readonly max_thinking_budget: number;
  /** Whether a call of the current turn without its signature is refused, so that the documented stand-in is sent. */
  readonly signature_check: boolean;
  /** Whether results of tools may hold media. */
  readonly tool_result_media: boolean;
  /** Whether a JSON answer may be asked for beside tools. */
  readonly json_with_tools: boolean;
  /** Whether functions and tools that the provider runs may be declared together. */
  readonly mixed_tools: boolean;
  /** Whether `includeServerSideToolInvocations` is sent beside tools that the provider runs, so that it tells its calls. */
  readonly server_tool_calls: boolean;
  /** Whether the calling mode `VALIDATED` is understood. */
  readonly validated_calls: boolean;
  /** How schemas go out: as JSON Schema (`…JsonSchema`) or as the older subset of OpenAPI's schema. */
  readonly schema_dialect: "json_schema" | "openapi";
  /** Most stop sequences. */
  readonly max_stops: number;
  /** Whether a search may exclude domains. */
  readonly exclude_domains: boolean;
  /** Whether `labels` are understood, which take the request's metadata. */
  readonly labels: boolean;
  /** Whether `serviceTier` is understood. */
  readonly service_tier: boolean;
  /** Whether `store` is understood. */
  readonly store: boolean;
  /** Whether calls and results carry ids. */
  readonly call_ids: boolean;
  /** Whether a last message of the model is continued. */
  readonly prefill: boolean;
}

/** A model of which nothing more is known. */
const DEFAULT_SETTINGS: GeminiGenerateSettings = {
  endpoint: "models",
  thinking_control: "either",
  efforts: "",
  thinking_off: true,
  min_thinking_budget: 0,
  max_thinking_budget: 0,
  signature_check: false,
  tool_result_media: true,
  json_with_tools: true,
  mixed_tools: true,
  server_tool_calls: false,
  validated_calls: true,
  schema_dialect: "json_schema",
  max_stops: 5,
  exclude_domains: false,
  labels: false,
  service_tier: false,
  store: false,
  call_ids: true,
  prefill: false,
};

const CHOICES: { readonly [Name in keyof GeminiGenerateSettings]?: readonly string[] } = {
  endpoint: ["models", "publisher"],
  thinking_control: ["budget", "level", "either"],
  schema_dialect: ["json_schema", "openapi"],
};

/** Names of settings that this codec does not have, or whose value it cannot use. Empty: all can take effect. */
export function unusableSettings(settings: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(settings)
    .filter(([name, value]) => !isUsable(name, value))
    .map(([name]) => name);
}

function isUsable(name: string, value: unknown): boolean {
  if (!Object.hasOwn(DEFAULT_SETTINGS, name)) return false;
  const key = name as keyof GeminiGenerateSettings;
  const choices = CHOICES[key];
  return choices ? choices.includes(value as string) : typeof value === typeof DEFAULT_SETTINGS[key];
}

/** Settings in force, and the quirk behind each that is not a default. */
export interface ResolvedSettings {
  readonly settings: GeminiGenerateSettings;
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
  return { settings: settings as unknown as GeminiGenerateSettings, quirkOf };
}
