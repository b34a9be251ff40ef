import { join } from "node:path";
import { createCatalog, type Catalog } from "./catalog/catalog.ts";
import { CAPABILITIES, type ModelFacts } from "./catalog/facts.ts";
import type { Config, RouteConfig } from "./config/config.ts";
import type { KnownNames } from "./config/known-names.ts";
import type { LoadedConfig } from "./config/load.ts";
import type { Ledger } from "./ledger/records.ts";
import { openLedger } from "./ledger/recovery.ts";
import { costOf } from "./ledger/pricing.ts";
import type { Log } from "./observe/log.ts";
import { Metrics } from "./observe/metrics.ts";
import { registerProcessMetrics } from "./observe/process-metrics.ts";
import { Verification } from "./contract/index.ts";
import { ParleyError } from "./errors/index.ts";
import { authenticate } from "./pipeline/authenticate.ts";
import { LiveRequests, chat } from "./pipeline/chat.ts";
import type { ChatParts, LiveConfig } from "./pipeline/parts.ts";
import { ensureKeyFiles, type KeyFile } from "./policy/key-files.ts";
import { KeyRing, type RingKey } from "./policy/key-ring.ts";
import { createProvider, type ConfiguredProvider } from "./providers/create-adapter.ts";
import { PROVIDER_ENTRIES } from "./providers/entries/index.ts";
import type { ProviderEntry } from "./providers/entry.ts";
import { ExtraAttempts } from "./routing/extra-attempts.ts";
import { ModelTable, type Route } from "./routing/model-table.ts";
import { DEFAULT_ROUTE_SETTINGS } from "./routing/route-settings.ts";
import type { Runtime } from "./runtime/runtime.ts";
import { SANDBOX_MODELS, startSandbox, type Sandbox } from "./sandbox/index.ts";
import { createModelsService } from "./services/models.ts";
import { createStateVault } from "./store/state-vault.ts";
import { openDataFolder, type DataFolder } from "./store/data-folder.ts";
import { createConnectSurface } from "./surfaces/connect/surface.ts";
import type { Gateway } from "./surfaces/gateway.ts";
import { InFlightBudget } from "./surfaces/in-flight-budget.ts";
import { listen, type Listener } from "./surfaces/listener.ts";
import { createOpenAiSurface } from "./surfaces/openai/surface.ts";
import { createChatObserver } from "./surfaces/ops/chat-observer.ts";
import { createOpsSurface } from "./surfaces/ops/surface.ts";
import { Readiness } from "./surfaces/readiness.ts";
import { createHttpClient } from "./upstream/http-client.ts";

/** What the gateway needs of the process around it. */
export interface AppOptions {
  readonly loaded: LoadedConfig;
  readonly runtime: Runtime;
  readonly log: Log;
  /** Version shown to operators. */
  readonly version: string;
}

/** A running gateway. */
export interface App {
  readonly host: string;
  readonly port: number;
  readonly keyFiles: readonly KeyFile[];
  /** The built-in sandbox, where it runs. */
  readonly sandbox: Sandbox | undefined;
  /** Takes a changed configuration over; running requests end under the one they began with. Throws `ConfigError`. */
  reload(next: LoadedConfig): void;
  /** Goes out of service without cutting a stream inside the grace period. Calling it again hastens the end. */
  drain(): Promise<void>;
  /** Ends at once. */
  close(): Promise<void>;
}

/** The names that configuration is checked against, gathered from the parts that own them. */
export function knownNames(): KnownNames {
  const kinds = [...PROVIDER_ENTRIES.values()].filter((entry) => entry.kind !== "sandbox");
  return {
    kinds: kinds.map((entry) => ({
      name: entry.kind,
      needsBaseUrl: entry.baseUrl === undefined,
      needsApiKey: entry.auth.kind !== "none" && entry.auth.required,
      apis: entry.responses ? ["chat", "responses"] : ["chat"],
      environment: entry.environment,
    })),
    capabilities: CAPABILITIES,
    strategies: ["ordered", "weighted", "cheapest", "fastest", "balanced"],
    deliveries: ["commit"],
  };
}

/** Builds a gateway and opens its port. Throws `ParleyError` or `ConfigError` when it cannot run. */
export async function startApp(options: AppOptions): Promise<App> {
  const { runtime, log, loaded } = options;
  const { config } = loaded;
  const closers: (() => void | Promise<void>)[] = [];
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const folder = openDataFolder(config.server.dataDir, runtime);
    closers.push(() => folder.close());
    const keyFiles = ensureKeyFiles(folder.path, runtime, {
      needsAdmin: !config.keys.some((key) => key.role === "admin"),
    });
    const sandbox = config.sandbox ? await startSandbox({ runtime }) : undefined;
    if (sandbox) closers.push(() => sandbox.close());
    let live = buildLive(config, keyFiles, sandbox);
    const ledger = await openBooks(config, folder, runtime, log, () => live.models);
    closers.push(() => ledger.close());
    const upstream = createHttpClient({
      connectMs: config.server.timeouts.connectMs + config.server.timeouts.tlsMs,
      connectionsPerOrigin: config.server.limits.connections,
      maxHeaderBytes: config.server.limits.headerBytes,
    });
    closers.push(() => upstream.close());
    const metrics = new Metrics();
    const requests = new LiveRequests();
    const parts: ChatParts = {
      runtime,
      upstream,
      ledger,
      extraAttempts: new ExtraAttempts(runtime),
      observer: createChatObserver(metrics, log),
      vault: createStateVault(runtime),
      current: () => live,
    };
    const gateway: Gateway = {
      chat: (call, sink) => chat(parts, requests, call, sink),
      authenticate: (credential) => authenticate(parts, credential),
      models: createModelsService(() => live.models),
      newRequestId: () => runtime.newId("req"),
      newErrorId: () => runtime.newId("err"),
    };
    const readiness = new Readiness();
    closers.push(registerProcessMetrics(metrics, runtime));
    const listener = await openPort(options, { gateway, readiness, metrics, requests });
    closers.push(() => listener.close());
    readiness.set("ready");
    return {
      host: config.server.host,
      port: listener.port,
      keyFiles,
      sandbox,
      reload(next) {
        live = buildLive(next.config, keyFiles, sandbox);
      },
      async drain() {
        if (listener.draining) listener.hasten();
        await listener.drain();
        await closeAll();
      },
      close: closeAll,
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** What a reload replaces: providers, names, keys and limits. Throws `ConfigError` where they do not fit together. */
function buildLive(config: Config, keyFiles: readonly KeyFile[], sandbox: Sandbox | undefined): LiveConfig {
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
      facts: { ...provenBy(entry), ...provider.facts },
      entry,
      catalogue: catalog.ofKind(provider.kind),
    });
  });
  if (sandbox) providers.push(sandboxProvider(sandbox, catalog));
  const byName = new Map(providers.map((provider) => [provider.name, provider]));
  const table = new ModelTable([], providers);
  const keys: RingKey[] = [...config.keys, ...keyFiles];
  const ring = new KeyRing(keys, config.policies);
  const { limits, timeouts } = config.server;
  return {
    models: new ModelTable(
      config.routes.map((route) => routeOf(route, table)),
      providers,
      {
        tasks: config.tasks.map((task) => routeOf(task, table)),
        defaults: { ...DEFAULT_ROUTE_SETTINGS, ...config.routeDefaults },
      },
    ),
    adapters: new Map([...byName].map(([name, provider]) => [name, provider.adapter])),
    authenticate: (credential) => ring.authenticate(credential),
    limits: { ...limits, ...timeouts },
  };
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

/** The built-in sandbox as a provider like any other: the real codecs and the real client talk to it over HTTP. */
function sandboxProvider(sandbox: Sandbox, catalog: Catalog): ConfiguredProvider {
  const entry = PROVIDER_ENTRIES.get("sandbox");
  if (!entry) throw new RangeError("Cannot use the sandbox: it has no provider entry");
  const known = catalog.ofKind("sandbox");
  return createProvider({
    name: "sandbox",
    entry,
    api: "auto",
    baseUrl: `${sandbox.url}/v1`,
    credentials: [{ id: "sandbox#1", apiKey: { reveal: () => "sandbox" } }],
    models: undefined,
    facts: {},
    catalogue: { lookup: (modelId) => known.lookup(modelId), modelIds: SANDBOX_MODELS.map((model) => model.name) },
  });
}

async function openBooks(
  config: Config,
  folder: DataFolder,
  runtime: Runtime,
  log: Log,
  models: () => ModelTable,
): Promise<Ledger> {
  const { ledger, report } = await openLedger({
    folder: join(folder.path, "ledger"),
    durability: config.server.durability,
    runtime,
    claimEpoch: (above) => folder.claimEpoch(above),
    costOf: (attempt, usage) => {
      const target = models().providers.get(attempt.provider)?.target(attempt.model);
      return costOf(usage, target?.facts.prices, undefined);
    },
    onIncident: ({ kind, message }) => log.error(message, { incident: kind }),
  });
  const { attemptsClosed, requestsClosed, damage, illegalRecords } = report;
  if (attemptsClosed + requestsClosed + damage.length + illegalRecords > 0) {
    log.warn("the ledger was not closed properly: what was open has been closed, estimated", {
      attempts_closed: attemptsClosed,
      requests_closed: requestsClosed,
      damage: damage.length,
      illegal_records: illegalRecords,
    });
  }
  return ledger;
}

interface PortParts {
  readonly gateway: Gateway;
  readonly readiness: Readiness;
  readonly metrics: Metrics;
  readonly requests: LiveRequests;
}

/** Opens the one port with every surface on it. */
function openPort(options: AppOptions, parts: PortParts): Promise<Listener> {
  const { runtime, log, version } = options;
  const { server } = options.loaded.config;
  const { gateway, readiness, metrics, requests } = parts;
  const { limits, timeouts } = server;
  const budget = new InFlightBudget(limits.inFlightBytes);
  return listen({
    host: server.host,
    port: server.port,
    tls: server.tls,
    limits,
    timeouts,
    drain: server.drain,
    runtime,
    log,
    metrics,
    corsOrigins: server.corsOrigins,
    readiness,
    handlers: {
      openai: createOpenAiSurface({ gateway, runtime, log, limits, timeouts, budget }),
      connect: createConnectSurface({ gateway, runtime, log, limits, timeouts, open: server.open, readiness, budget }),
      ops: createOpsSurface({ gateway, metrics, readiness, open: server.open, version }),
    },
    onGraceExpired: () =>
      requests.stopAll(
        new ParleyError(
          "DRAINING",
          "Cannot finish the answer: the gateway is shutting down and its grace period is over",
        ),
      ),
  });
}
