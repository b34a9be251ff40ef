import { createCatalog, type Catalog } from "./catalog/catalog.ts";
import type { ModelFacts } from "./catalog/facts.ts";
import type { IssuerConfig } from "./config/config-identity.ts";
import type { Config, RouteConfig } from "./config/config.ts";
import { DEFAULT_LOCAL_POLICY } from "./config/build-policies.ts";
import { Verification } from "./contract/index.ts";
import { ParleyError } from "./errors/index.ts";
import type { LiveConfig } from "./pipeline/parts.ts";
import type { Authenticator } from "./policy/identity/authenticator.ts";
import { policySource } from "./policy/identity/compile-principal.ts";
import { IssuerKeys } from "./policy/identity/issuer-keys.ts";
import type { Issuer } from "./policy/identity/tokens.ts";
import { KeyRing, type RingKey } from "./policy/identity/key-ring.ts";
import { compileProviderRates } from "./policy/rates/compile-rates.ts";
import { createProvider, type ConfiguredProvider } from "./providers/create-adapter.ts";
import { PROVIDER_ENTRIES } from "./providers/entries/index.ts";
import { SANDBOX_FORMATS } from "./providers/entries/sandbox-formats.ts";
import type { ProviderEntry } from "./providers/entry.ts";
import { grantFor } from "./providers/token-grant.ts";
import { ModelTable, type Route } from "./routing/model-table.ts";
import { DEFAULT_ROUTE_SETTINGS } from "./routing/route-settings.ts";
import type { Runtime } from "./runtime/runtime.ts";
import { SANDBOX_MODELS } from "./sandbox/index.ts";
import { createAuth } from "./upstream/auth/create-auth.ts";
import { keyAuth } from "./upstream/auth/key-auth.ts";
import { fetchJson } from "./upstream/fetch-json.ts";
import type { UpstreamClient } from "./upstream/upstream.ts";

/** What a reload replaces: providers, names, keys and limits. Throws `ConfigError` where they do not fit together. */
export function buildLive(
  config: Config,
  keyFiles: readonly RingKey[],
  sandboxUrl: string | undefined,
  ports: {
    readonly upstream: UpstreamClient;
    readonly runtime: Runtime;
    /** Knows other callers than the configuration's keys, and takes its policies over. Undefined: there are none. */
    readonly authenticator?: Authenticator | undefined;
  },
): LiveConfig {
  const catalog = createCatalog();
  const providers: ConfiguredProvider[] = config.providers.map((provider) => {
    const entry = PROVIDER_ENTRIES.get(provider.kind);
    if (!entry)
      throw new ParleyError(
        "MISCONFIGURED",
        `Cannot use the provider ${provider.name}: its kind ${provider.kind} is unknown`,
      );
    return createProvider({
      ...provider,
      credentials: provider.credentials.map(({ id, grant, ...rest }) => ({
        id,
        auth: createAuth(
          { ...rest, grant: grant && grantFor(entry, grant) },
          entry.auth,
          ports.upstream,
          ports.runtime,
        ),
      })),
      facts: { ...provenBy(entry), ...provider.facts },
      entry,
      catalogue: catalog.ofKind(provider.kind),
    });
  });
  if (sandboxUrl !== undefined) providers.push(...sandboxProviders(sandboxUrl, catalog));
  const byName = new Map(providers.map((provider) => [provider.name, provider]));
  const table = new ModelTable([], providers);
  const keys: RingKey[] = [...config.keys, ...keyFiles.map(withOwnPolicy)];
  const source = policySource(policiesOf(config), config.organisations);
  const ring = new KeyRing(keys, source);
  const { limits, timeouts } = config.server;
  const models = new ModelTable(
    config.routes.map((route) => routeOf(route, table)),
    providers,
    {
      tasks: config.tasks.map((task) => routeOf(task, table)),
      defaults: { ...DEFAULT_ROUTE_SETTINGS, ...config.routeDefaults },
    },
  );
  const issuers = (config.issuers ?? []).map((issuer) => issuerOf(issuer, ports));
  // Last of all, since it cannot be taken back: nothing after it throws.
  ports.authenticator?.use(ring, source, issuers);
  return {
    models,
    adapters: new Map([...byName].map(([name, provider]) => [name, provider.adapter])),
    authenticate: (credentials) => ports.authenticator?.authenticate(credentials) ?? ring.authenticate(credentials.key),
    providerRates: providerRatesOf(config),
    get budgets() {
      return ports.authenticator?.budgets ?? ring.budgets;
    },
    limits: { ...limits, ...timeouts },
    probes: new Map(config.providers.flatMap(({ name, probe }) => (probe ? [[name, probe] as const] : []))),
  };
}

/** The limits of providers that have any; undefined: none has. */
function providerRatesOf({ providers }: Config): LiveConfig["providerRates"] {
  const limited = providers.filter(({ rates }) => rates.length > 0);
  if (limited.length === 0) return undefined;
  return new Map(limited.map(({ name, rates }) => [name, compileProviderRates(name, rates)]));
}

/** An issuer with what gets its keys. */
function issuerOf({ keys, ...rest }: IssuerConfig, { upstream, runtime }: Parameters<typeof buildLive>[3]): Issuer {
  const source = "url" in keys ? { fetch: () => fetchJson(upstream, runtime, keys.url) } : keys;
  return { ...rest, keys: new IssuerKeys(source, runtime) };
}

// A policy of the same name holds for the `local` key of the data folder; without one it has a budget.
function withOwnPolicy(file: RingKey): RingKey {
  return file.name === DEFAULT_LOCAL_POLICY.name ? { ...file, policy: file.name } : file;
}

function policiesOf({ policies }: Config): Config["policies"] {
  const isOwn = policies.some(({ name }) => name === DEFAULT_LOCAL_POLICY.name);
  return isOwn ? policies : [...policies, DEFAULT_LOCAL_POLICY];
}

/** A route or a task with the targets that its names stand for. */
function routeOf(config: RouteConfig, table: ModelTable): Route {
  const { name, targets, ...settings } = config;
  return {
    name,
    settings: { ...settings, targets },
    targets: targets.map(({ target }) => {
      const found = table.resolve(target)?.targets[0];
      if (found) return found;
      throw new ParleyError(
        "MISCONFIGURED",
        `Cannot use the route ${name}: its target ${target} is no model of a configured provider`,
      );
    }),
  };
}

/** How well the translation for a vendor is proven, as ModelService tells it. */
function provenBy(entry: ProviderEntry): Partial<ModelFacts> {
  return { verification: entry.verified === "recorded" ? Verification.RECORDED : Verification.NONE };
}

/**
 * The built-in sandbox as providers like any other, one for each wire format: the real codecs and the real client talk to
 * it over HTTP. Only the first lists its models, which are the same in all.
 */
function sandboxProviders(sandboxUrl: string, catalog: Catalog): ConfiguredProvider[] {
  const known = catalog.ofKind("sandbox");
  return SANDBOX_FORMATS.map(({ entry, basePath }, index) =>
    createProvider({
      name: entry.kind,
      entry,
      api: "auto",
      baseUrl: `${sandboxUrl}${basePath}`,
      credentials: [{ id: `${entry.kind}#1`, auth: keyAuth(entry.auth, { reveal: () => "sandbox" }) }],
      models: undefined,
      facts: {},
      catalogue: {
        lookup: (modelId) => known.lookup(modelId),
        modelIds: index === 0 ? SANDBOX_MODELS.map((model) => model.name) : [],
      },
    }),
  );
}
