import type { ChatRequest } from "../contract/index.ts";
import type { ModelFacts } from "../catalog/facts.ts";
import { mergeFacts } from "../catalog/merge.ts";
import type { DialectTarget, EncodedRequest } from "../dialects/dialect.ts";
import type { AuthHeaders, CallAuth } from "../upstream/auth/call-auth.ts";
import { addressOf, parametersOf, regionOf, type ApiAddress, type Parameters } from "./address.ts";
import type { ProviderAdapter } from "./adapter.ts";
import { ApiChooser, type ApiChoice } from "./choose-api.ts";
import { listsModels, matchesModel, quirksFor, type ApiName, type ProviderApi, type ProviderEntry } from "./entry.ts";
import { billingOf } from "./billing.ts";

/** A provider account as configured. */
export interface ProviderOptions {
  /** Configured name. */
  readonly name: string;
  readonly entry: ProviderEntry;
  /** Which of the vendor's APIs to use; `auto`: the entry knows. */
  readonly api?: "auto" | ApiName;
  /** Undefined: the entry's own. */
  readonly baseUrl: string | undefined;
  /** What stands in its addresses. */
  readonly parameters?: Parameters;
  /** Used in turn. Empty: calls go out without authorisation. */
  readonly credentials: readonly ProviderCredential[];
  /** `any`: every id; undefined: the catalogue's and any other; otherwise only these. */
  readonly models: "any" | readonly ProviderModel[] | undefined;
  /** What holds for each of its models, over the catalogue. */
  readonly facts: Partial<ModelFacts>;
  /** The catalogue for this kind of provider. */
  readonly catalogue: {
    lookup(modelId: string): ModelFacts | undefined;
    readonly modelIds: readonly string[];
  };
}

/** A credential of a provider's pool. */
export interface ProviderCredential {
  readonly id: string;
  readonly auth: CallAuth;
}

/** A model as configured. */
export interface ProviderModel {
  readonly publicId: string;
  readonly nativeId: string;
  readonly facts: Partial<ModelFacts>;
}

/** A provider that can be called, and what is known of its models. */
export interface ConfiguredProvider {
  readonly adapter: ProviderAdapter;
  readonly name: string;
  readonly modelIds: readonly string[];
  lists(modelId: string): boolean;
  target(modelId: string): NamedTarget | undefined;
  /** Which API of the vendor a request to one of its targets goes to, and why. */
  explain(request: ChatRequest, target: DialectTarget): ApiChoice;
}

/** Where a request can go, with its public name `provider/model`. */
export interface NamedTarget extends DialectTarget {
  readonly name: string;
}

// Ids come from callers where any id is served: those that nobody configured are remembered up to here.
const MAX_REMEMBERED = 1_000;

/** Ties an entry to its dialect, its address, its credentials and its models. Throws `MISCONFIGURED`. */
export function createProvider(options: ProviderOptions): ConfiguredProvider {
  const { name, entry, catalogue, api: apiName = "auto" } = options;
  const configured = Array.isArray(options.models)
    ? new Map((options.models as readonly ProviderModel[]).map((model) => [model.publicId, model]))
    : undefined;
  const remembered = new Map<string, NamedTarget>();
  const parameters = parametersOf(entry, options.parameters ?? {});
  const region = regionOf(entry, parameters);
  const entryFacts = { ...entry.facts, ...(region === undefined ? {} : { region }) };
  // Targets live as long as the configuration: which APIs can serve one is worked out once.
  const choosers = new WeakMap<DialectTarget, ApiChooser>();
  const choose = (request: ChatRequest, target: DialectTarget): ApiChoice => {
    const chooser = choosers.get(target);
    if (!chooser) throw new RangeError(`Cannot call ${target.model}: it is no target of the provider ${name}`);
    return chooser.choose(request);
  };
  const build = (publicId: string, model: ProviderModel | undefined): NamedTarget => {
    const nativeId = model?.nativeId ?? publicId;
    const known = mergeFacts(mergeFacts(entryFacts, catalogue.lookup(nativeId) ?? {}), options.facts);
    const facts = mergeFacts(known, model?.facts ?? {});
    const billing = facts.billing ?? billingOf(entry.billing, (globs) => matchesModel(globs, nativeId));
    const at = (api: ProviderApi): NamedTarget => ({
      name: `${name}/${publicId}`,
      provider: name,
      model: nativeId,
      region: facts.region,
      facts: {
        ...facts,
        capabilities: facts.capabilities ?? {},
        ...(billing ? { billing } : {}),
        quirks: [...quirksFor(entry, nativeId, api, parameters.api_version), ...(facts.quirks ?? [])],
      },
    });
    const chooser = new ApiChooser(entry, apiName, nativeId, at);
    const target = at(chooser.usual.api);
    choosers.set(target, chooser);
    return target;
  };
  const listed = new Set(configured ? configured.keys() : catalogue.modelIds);
  return {
    name,
    adapter: createAdapter({ ...options, parameters }, choose),
    explain: choose,
    modelIds: [...listed],
    lists: (modelId) => listed.has(modelId),
    target(modelId) {
      const known = remembered.get(modelId);
      if (known) return known;
      const model = configured?.get(modelId);
      if (modelId === "" || (configured && !model)) return undefined;
      const target = build(modelId, model);
      if (listed.has(modelId) || remembered.size < MAX_REMEMBERED) remembered.set(modelId, target);
      return target;
    },
  };
}

const BASE_HEADERS = { "content-type": "application/json", "accept-encoding": "identity", "user-agent": "parley" };

function createAdapter(
  options: ProviderOptions & { readonly parameters: Parameters },
  choose: ConfiguredProvider["explain"],
): ProviderAdapter {
  const { name, entry, credentials } = options;
  const addresses = new Map<ProviderApi, ApiAddress>(entry.apis.map((api) => [api, addressOf(entry, api, options)]));
  const pool = credentials.map((credential) => new Credential(credential));
  if (pool.length === 0) pool.push(new Credential({ id: `${name}#0`, auth: NO_AUTH }));
  let turn = 0;
  const adapter: ProviderAdapter = {
    name,
    unsupported(request, target) {
      const { api, target: served } = choose(request, target);
      return api.dialect.unsupported(request, served);
    },
    credentialIds: pool.map(({ id }) => id),
    prepare(request, target, stream, isUsable = () => true) {
      const { api, target: served } = choose(request, target);
      const encoded = api.dialect.encode(request, served, { stream });
      const credential = nextOf(pool, turn++, isUsable);
      const address = addresses.get(api)!;
      const { headers, isAuthorised } = credential.headers(encoded.headers);
      return {
        dialect: api.dialect,
        target: served,
        http: {
          origin: address.origin,
          path: address.pathOf(encoded.path, served.model),
          method: "POST",
          headers,
          body: encoded.body,
        },
        authorise: isAuthorised ? undefined : credential.fetch,
        refused: credential.refused,
        credentialId: credential.id,
        adaptations: encoded.adaptations,
      };
    },
    prepareListing: listsModels(entry)
      ? (request, target, isUsable) => {
          const prepared = adapter.prepare(request, target, false, isUsable);
          // The headers are those of any call; each of the wire formats lists models at the same path.
          const path = addresses.get(choose(request, target).api)!.pathOf("/models", "");
          return { ...prepared, http: { ...prepared.http, path, method: "GET", body: "" } };
        }
      : undefined,
  };
  return adapter;
}

function nextOf(pool: readonly Credential[], turn: number, isUsable: (credentialId: string) => boolean): Credential {
  const next = pool[turn % pool.length]!;
  if (pool.length === 1 || isUsable(next.id)) return next;
  for (let step = 1; step < pool.length; step++) {
    const other = pool[(turn + step) % pool.length]!;
    if (isUsable(other.id)) return other;
  }
  return next;
}

const NOTHING: AuthHeaders = {};
const NO_AUTH: CallAuth = { current: () => NOTHING, fetch: () => Promise.resolve(NOTHING), refused: () => undefined };

/** A credential of the pool, with its headers put together once for as long as its authorisation is the same. */
class Credential {
  readonly id: string;
  readonly fetch: () => Promise<AuthHeaders>;
  readonly refused: () => void;
  readonly #auth: CallAuth;
  #of: AuthHeaders | undefined;
  /** Put together, by what the dialect's own headers say: calls that say the same have one object. */
  readonly #headers = new Map<string, Readonly<Record<string, string>>>();

  constructor({ id, auth }: ProviderCredential) {
    this.id = id;
    this.#auth = auth;
    this.fetch = () => auth.fetch();
    this.refused = () => auth.refused();
  }

  /** All headers of a call, with those that its dialect wants. */
  headers(own: EncodedRequest["headers"]): {
    readonly headers: Readonly<Record<string, string>>;
    readonly isAuthorised: boolean;
  } {
    const authorisation = this.#auth.current();
    if (!authorisation) return { headers: { ...BASE_HEADERS, ...own }, isAuthorised: false };
    if (authorisation !== this.#of) {
      this.#of = authorisation;
      this.#headers.clear();
    }
    let says = "";
    for (const name in own) says += `${name}: ${own[name]}\n`;
    let headers = this.#headers.get(says);
    if (!headers) {
      headers = { ...BASE_HEADERS, ...authorisation, ...own };
      if (this.#headers.size < MAX_REMEMBERED) this.#headers.set(says, headers);
    }
    return { headers, isAuthorised: true };
  }
}
