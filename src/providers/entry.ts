import type { ModelFacts, Quirk } from "../catalog/facts.ts";
import type { Dialect } from "../dialects/dialect.ts";
import type { KeyAuth } from "../upstream/auth/call-auth.ts";
import type { BillingRule } from "./billing.ts";

/** What the configuration calls an API of a vendor. */
export type ApiName = "chat" | "responses" | "messages" | "generate";

/** One API of a vendor: a wire format, and how the vendor uses it. */
export interface ProviderApi {
  readonly name: ApiName;
  /** The wire format it speaks. */
  readonly dialect: Dialect;
  /** Switches of the dialect that hold for all of its models. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  /** Where single models deviate. A later one wins over an earlier one. */
  readonly quirks: readonly ModelQuirk[];
  /**
   * The path of its calls after the base URL, with parameters of the account, `{model}`, and the dialect's own `{path}`.
   * Undefined, or an optional parameter in it not given: the dialect's path.
   */
  readonly path?: string;
}

/** What is to be known of a vendor: data only, no behaviour of its own. */
export interface ProviderEntry {
  /** What `kind` says in the configuration, for example `openai-compatible`. */
  readonly kind: string;
  /** A name for people. */
  readonly displayName: string;
  /** Its APIs, all behind one account. The first one serves what no rule gives to another. */
  readonly apis: readonly [ProviderApi, ...ProviderApi[]];
  /** Which API serves a model and a request where the configuration says `api: auto`. The first one that fits counts. */
  readonly apiRules?: readonly ApiRule[];
  /** Address without a trailing slash, with parameters of the account; undefined: the configuration must give one. */
  readonly baseUrl: string | undefined;
  /** Addresses that hold for some values of a parameter. */
  readonly baseUrlsOf?: readonly {
    readonly parameter: ParameterName;
    readonly values: readonly string[];
    readonly baseUrl: string;
  }[];
  /** What the configuration tells of the account for its addresses. `usual` holds where it does not. */
  readonly parameters?: readonly {
    readonly name: ParameterName;
    readonly required: boolean;
    readonly usual?: string;
    /** Set: it is the region of the account's models, except for these values, which tell none. */
    readonly regionUnless?: readonly string[];
  }[];
  /** How a key authorises calls. */
  readonly auth: KeyAuth;
  /** Access tokens, where the vendor takes them: sent as bearer, given or got for one of the forms of credential. */
  readonly tokens?: {
    readonly forms: readonly ("key_file" | "client")[];
    readonly scope: string;
    /** Where a client of `{tenant_id}` gets them. */
    readonly clientTokenUrl?: string;
  };
  /** Environment variables that make such a provider without a configuration file; the first one that is set counts. */
  readonly environment: {
    readonly apiKey: readonly string[];
    readonly baseUrl: readonly string[];
    /** The variable that names the server's address without scheme, port or path, and what then holds. */
    readonly address?: { readonly variable: string; readonly port: number; readonly path: string };
    /** Variables that tell of such a provider but cannot make one: setting one is told of. */
    readonly unread?: readonly string[];
  };
  /** How it bills; unset: nobody knows. */
  readonly billing?: BillingRule;
  /** What holds for each of its models, unless catalogue or configuration know better. */
  readonly facts?: Partial<ModelFacts>;
  /** The vendor's own description of its API. */
  readonly docs: string;
  /** ISO date on which settings and quirks were last checked. */
  readonly checkedOn: string;
  /** Whether the translation is proven on recordings of its traffic. */
  readonly verified: "recorded" | "none";
}

/** What of an account stands in its addresses, as `{name}`. */
export type ParameterName = "project" | "location" | "api_version";

/** A deviation of some models. */
export interface ModelQuirk extends Quirk {
  /** Only where the account names an older version of the API than this one; versions are compared as text. */
  readonly beforeApiVersion?: string;
  /** Globs over the provider's model ids; `*` stands for any text, a leading `!` excludes what an earlier one took. */
  readonly models: readonly string[];
}

/** Models, and the requests to them, that one of a vendor's APIs serves. */
export interface ApiRule {
  /** Stable id, for example `Q04`. */
  readonly id: string;
  /** Globs over model ids, as in quirks. */
  readonly models: readonly string[];
  /**
   * Every request, or only those that declare tools: together with an effort of reasoning, or unless they switch
   * reasoning off, which suits models that reason by default.
   */
  readonly when: "always" | "tools_with_effort" | "tools_while_reasoning";
  readonly api: ApiName;
  /** Whether the first API refuses; else it may serve what this one cannot express, such as stop sequences. */
  readonly binding: boolean;
  /** Why, in a sentence. */
  readonly summary: string;
  readonly source: string;
  /** ISO date on which it was last checked. */
  readonly checkedOn: string;
}

/** Whether the vendor's models are listed beside its calls: not where those have paths of their own. */
export function listsModels({ apis }: ProviderEntry): boolean {
  return apis.every(({ path }) => path === undefined);
}

/** The quirks of one model at one API: the API's settings first, then those of its quirks whose globs match. */
export function quirksFor(
  entry: ProviderEntry,
  model: string,
  api: ProviderApi = entry.apis[0],
  apiVersion?: string,
): readonly Quirk[] {
  const matching = api.quirks.filter(
    ({ models, beforeApiVersion }) =>
      matchesModel(models, model) &&
      (beforeApiVersion === undefined || (apiVersion !== undefined && apiVersion < beforeApiVersion)),
  );
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
