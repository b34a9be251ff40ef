import { join } from "node:path";
import { CAPABILITIES } from "./catalog/facts.ts";
import type { Config } from "./config/config.ts";
import type { KnownNames } from "./config/known-names.ts";
import type { LoadedConfig } from "./config/load.ts";
import { openBooks, type Books, type BooksOptions } from "./ledger/open-books.ts";
import { registerProjectionMetrics } from "./ledger/projection-metrics.ts";
import { createReconciler } from "./ledger/reconcile.ts";
import { buildLive } from "./live-config.ts";
import type { Log } from "./observe/log.ts";
import { openLineFile, type LineFile } from "./observe/line-file.ts";
import { Metrics } from "./observe/metrics.ts";
import { registerProcessMetrics } from "./observe/process-metrics.ts";
import { ParleyError } from "./errors/index.ts";
import { authenticate } from "./pipeline/authenticate.ts";
import { LiveRequests, chat } from "./pipeline/chat.ts";
import { explain } from "./pipeline/explain.ts";
import type { ChatParts } from "./pipeline/parts.ts";
import { decisionLine } from "./pipeline/record.ts";
import { ensureKeyFiles, type KeyFile } from "./policy/key-files.ts";
import { PROVIDER_ENTRIES } from "./providers/entries/index.ts";
import { SANDBOX_FORMATS } from "./providers/entries/sandbox-formats.ts";
import { kindOf } from "./providers/kind.ts";
import { Affinity } from "./routing/affinity.ts";
import { ExtraAttempts } from "./routing/extra-attempts.ts";
import { createLiveTargets } from "./routing/live-targets.ts";
import type { Runtime } from "./runtime/runtime.ts";
import { startSandbox, type Sandbox } from "./sandbox/index.ts";
import { createExplainService } from "./services/explain.ts";
import { createModelsService } from "./services/models.ts";
import { createUsageService, type UsageService } from "./services/usage.ts";
import { createStateVault } from "./store/state-vault.ts";
import { createTraceStore, type TraceStore } from "./store/trace-store.ts";
import { openDataFolder, type DataFolder } from "./store/data-folder.ts";
import { openDatabase, type DatabaseOptions } from "./store/sql/database.ts";
import { createSqlLedgerStore } from "./store/sql/ledger-store.ts";
import { createSqlUsageStore } from "./store/sql/usage-store.ts";
import type { UsageStore } from "./store/usage-store.ts";
import { createConnectSurface } from "./surfaces/connect/surface.ts";
import type { Gateway } from "./surfaces/gateway.ts";
import { InFlightBudget } from "./surfaces/in-flight-budget.ts";
import { listen, type Listener } from "./surfaces/listener.ts";
import { createOpenAiSurface } from "./surfaces/openai/surface.ts";
import { createChatObserver } from "./surfaces/ops/chat-observer.ts";
import { createOpsSurface } from "./surfaces/ops/surface.ts";
import { Readiness } from "./surfaces/readiness.ts";
import { createHttpClient, type HttpClientOptions } from "./upstream/http-client.ts";

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
    kinds: kinds.map(kindOf),
    sandboxes: SANDBOX_FORMATS.map(({ entry }) => entry.kind),
    capabilities: CAPABILITIES,
    strategies: ["ordered", "weighted", "cheapest", "fastest", "balanced"],
    deliveries: ["commit", "auto", "restartable", "hold"],
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
    const upstream = createHttpClient(upstreamLimits(config));
    let live = buildLive(config, keyFiles, sandbox?.url, { upstream, runtime });
    const database = await openDatabase(databaseOf(config, folder));
    closers.push(() => database.close());
    const books = await openBooks({
      ...booksIn(folder, options),
      store: createSqlLedgerStore(database),
      pricesOf: (provider, model) => live.models.providers.get(provider)?.target(model)?.facts.prices,
    });
    closers.push(
      () => books.close(),
      () => upstream.close(),
    );
    const metrics = new Metrics();
    const requests = new LiveRequests();
    const traces = createTraceStore(runtime);
    const recording = openRecording(config, runtime, log);
    closers.push(() => recording?.close());
    const parts: ChatParts = {
      runtime,
      upstream,
      ledger: books.ledger,
      ...memoryOf(runtime),
      observer: createChatObserver(metrics, log),
      traces: tracesTo(traces, recording, runtime),
      current: () => live,
    };
    const usage = usageOf(books, createSqlUsageStore(database), runtime);
    const gateway = { ...gatewayOf(parts, requests, traces), usage };
    const readiness = new Readiness();
    closers.push(registerProcessMetrics(metrics, runtime));
    registerProjectionMetrics(metrics, books.projector);
    const listener = await openPort(options, { gateway, readiness, metrics, requests });
    closers.push(() => listener.close());
    readiness.set("ready");
    return {
      host: config.server.host,
      port: listener.port,
      keyFiles,
      sandbox,
      reload(next) {
        live = buildLive(next.config, keyFiles, sandbox?.url, { upstream, runtime });
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

/** Where the tables are. */
function databaseOf({ databaseUrl }: Config, folder: DataFolder): DatabaseOptions {
  return databaseUrl ? { url: databaseUrl.reveal() } : { file: join(folder.path, "parley.sqlite") };
}

/** The books of a data folder. */
function booksIn(folder: DataFolder, { runtime, log, loaded }: AppOptions): Omit<BooksOptions, "store" | "pricesOf"> {
  return {
    folder: join(folder.path, "ledger"),
    replica: folder.replicaId,
    durability: loaded.config.server.durability,
    runtime,
    log,
    claimEpoch: (above) => folder.claimEpoch(above),
  };
}

/** What outlives single requests, in this process. */
function memoryOf(runtime: Runtime): Pick<ChatParts, "extraAttempts" | "live" | "affinity" | "vault"> {
  return {
    extraAttempts: new ExtraAttempts(runtime),
    live: createLiveTargets(runtime),
    affinity: new Affinity(runtime),
    vault: createStateVault(runtime),
  };
}

/** What was used, and its corrections. */
function usageOf({ ledger, projector }: Books, store: UsageStore, runtime: Runtime): UsageService {
  const caughtUp = (): Promise<void> => projector.caughtUp();
  const nowMs = (): number => runtime.nowMs();
  const reconcile = createReconciler({ store, caughtUp, append: (record) => ledger.compensated(record), nowMs });
  return createUsageService({ store, caughtUp, reconcile, nowMs });
}

/** What the surfaces share. */
function gatewayOf(parts: ChatParts, requests: LiveRequests, traces: TraceStore): Omit<Gateway, "usage"> {
  const { runtime, current } = parts;
  return {
    chat: (call, sink) => chat(parts, requests, call, sink),
    authenticate: (credential) => authenticate(parts, credential),
    models: createModelsService(() => current().models),
    explain: createExplainService({
      decide: (principal, request) => explain(parts, principal, request),
      traces,
      monotonicMs: () => runtime.monotonicMs(),
    }),
    newRequestId: () => runtime.newId("req"),
    newErrorId: () => runtime.newId("err"),
  };
}

/** The file of decisions, where the configuration names one. */
function openRecording({ observability }: Config, runtime: Runtime, log: Log): LineFile | undefined {
  const path = observability.decisionsFile;
  if (path === undefined) return undefined;
  const onError = (): void => log.error("routing decisions cannot be recorded", { file: path });
  try {
    return openLineFile({ path, runtime, onError });
  } catch (error) {
    throw new ParleyError("MISCONFIGURED", `Cannot record decisions: ${path} cannot be written`, { cause: error });
  }
}

/** Where the traces of requests go. */
function tracesTo(traces: TraceStore, recording: LineFile | undefined, runtime: Runtime): ChatParts["traces"] {
  return {
    keep(keyId, trace, request) {
      traces.keep(keyId, trace);
      if (!recording) return;
      const line = decisionLine(keyId, trace, request, runtime.monotonicMs());
      if (line !== undefined) recording.add(line);
    },
  };
}

function upstreamLimits({ server }: Config): HttpClientOptions {
  return {
    connectMs: server.timeouts.connectMs + server.timeouts.tlsMs,
    connectionsPerOrigin: server.limits.connections,
    maxHeaderBytes: server.limits.headerBytes,
  };
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
