import type { ModelFacts, Quirk } from "../catalog/facts.ts";
import type { Dialect } from "../dialects/dialect.ts";

/** One API of a vendor: a wire format, and how the vendor uses it. */
export interface ProviderApi {
  /** The wire format it speaks. */
  readonly dialect: Dialect;
  /** Switches of the dialect that hold for all of its models. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  /** Where single models deviate. A later one wins over an earlier one. */
  readonly quirks: readonly ModelQuirk[];
}

/** What is to be known of a vendor: data only, no behaviour of its own. */
export interface ProviderEntry extends ProviderApi {
  /** What `kind` says in the configuration, for example `openai-compatible`. */
  readonly kind: string;
  /** A name for people. */
  readonly displayName: string;
  /**
   * Its Responses API, at the same address and with the same authorisation. `api: responses` uses it for every model,
   * `api: auto` for those in `models` (globs), which the vendor serves through nothing else.
   */
  readonly responses?: ProviderApi & { readonly models: readonly string[] };
  /** Address without a trailing slash; undefined: the configuration must give one. */
  readonly baseUrl: string | undefined;
  readonly auth: ProviderAuth;
  /** Environment variables that make such a provider without a configuration file; the first one that is set counts. */
  readonly environment: {
    readonly apiKey: readonly string[];
    readonly baseUrl: readonly string[];
    /** Variables that tell of such a provider but cannot make one: setting one is told of. */
    readonly unread?: readonly string[];
  };
  /** What holds for each of its models, unless catalogue or configuration know better. */
  readonly facts?: Partial<ModelFacts>;
  /** The vendor's own description of its API. */
  readonly docs: string;
  /** ISO date on which settings and quirks were last checked. */
  readonly checkedOn: string;
  /** Whether the translation is proven on recordings of its traffic. */
  readonly verified: "recorded" | "none";
}

/** How calls are authorised: a bearer token, a header with the key as its value, or not at all. */
export type ProviderAuth =
  | { readonly kind: "bearer"; readonly required: boolean }
  | { readonly kind: "header"; readonly name: string; readonly required: boolean }
  | { readonly kind: "none" };

/** A deviation of some models. */
export interface ModelQuirk extends Quirk {
  /** Globs over the provider's model ids; `*` stands for any text, a leading `!` excludes what an earlier one took. */
  readonly models: readonly string[];
}

/** The API through which a vendor's model is called, as `api` of the configuration says. */
export function apiFor(entry: ProviderEntry, api: "auto" | "chat" | "responses", model: string): ProviderApi {
  const { responses } = entry;
  if (!responses || api === "chat") return entry;
  return api === "responses" || matchesModel(responses.models, model) ? responses : entry;
}

/** The quirks of one model at one API: the API's settings first, then those of its quirks whose globs match. */
export function quirksFor(entry: ProviderEntry, model: string, api: ProviderApi = entry): readonly Quirk[] {
  const matching = api.quirks.filter(({ models }) => matchesModel(models, model));
  if (Object.keys(api.settings).length === 0) return matching;
  const base: Quirk = {
    id: entry.kind,
    summary: `${entry.displayName}'s use of ${api.dialect.id}`,
    settings: api.settings,
    source: entry.docs,
    checkedOn: entry.checkedOn,
  };
  return [base, ...matching];
}

/** Whether the last glob that says anything about `model` takes it. */
export function matchesModel(globs: readonly string[], model: string): boolean {
  let matches = false;
  for (const glob of globs) {
    if (glob.startsWith("!")) matches = matches && !matchesGlob(glob.slice(1), model);
    else matches = matches || matchesGlob(glob, model);
  }
  return matches;
}

// Without backtracking beyond the last star: model ids come from callers.
function matchesGlob(glob: string, text: string): boolean {
  const [head = "", ...rest] = glob.split("*");
  const tail = rest.pop();
  if (tail === undefined) return glob === text;
  if (!text.startsWith(head)) return false;
  let at = head.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return text.length - at >= tail.length && text.endsWith(tail);
}
