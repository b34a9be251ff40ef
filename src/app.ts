import { join } from "node:path";
import { openAdministration, type AdministrationPorts } from "./administration.ts";
import { CAPABILITIES } from "./catalog/facts.ts";
import type { Config } from "./config/config.ts";
import type { KnownNames } from "./config/known-names.ts";
import type { LoadedConfig } from "./config/load.ts";
import { openBooks, type BooksOptions } from "./ledger/open-books.ts";
import { buildLive } from "./live-config.ts";
import type { Log } from "./observe/log.ts";
import { openLineFile, type LineFile } from "./observe/line-file.ts";
import { Metrics } from "./observe/metrics.ts";
import { ParleyError } from "./errors/index.ts";
import { authenticate } from "./pipeline/authenticate.ts";
import { LiveRequests, chat } from "./pipeline/chat.ts";
import { explain } from "./pipeline/explain.ts";
import type { ChatParts } from "./pipeline/parts.ts";
import { startProbes } from "./pipeline/probe.ts";
import { decisionLine } from "./pipeline/record.ts";
import type { BudgetAlerts } from "./policy/budgets/alerts.ts";
import { ensureKeyFiles, type KeyFile } from "./policy/identity/key-files.ts";
import { ALL_SCOPES, ROLE_NAMES } from "./policy/identity/roles.ts";
import { PII_KINDS } from "./policy/content/pii/index.ts";
import { patternProblem } from "./policy/content/regex/index.ts";
import { LocalPermitSource } from "./policy/rates/local-source.ts";
import { RateLimiter } from "./policy/rates/rate-limiter.ts";
import { PROVIDER_ENTRIES } from "./providers/entries/index.ts";
import { SANDBOX_FORMATS } from "./providers/entries/sandbox-formats.ts";
import { kindOf } from "./providers/kind.ts";
import { Affinity } from "./routing/affinity.ts";
import { ExtraAttempts } from "./routing/extra-attempts.ts";
import { HedgeBudget } from "./routing/hedge-budget.ts";
import { createLiveTargets } from "./routing/live-targets.ts";
import type { Runtime } from "./runtime/runtime.ts";
import { openFleet, registerGatewayMetrics } from "./open-fleet.ts";
import { openAlerts, openBudgets, usageOf } from "./open-money.ts";
import { openPorts } from "./open-ports.ts";
import { Slots } from "./runtime/slots.ts";
import { startSandbox, type Sandbox } from "./sandbox/index.ts";
import { createBudgetsService } from "./services/budgets.ts";
import { createExplainService } from "./services/explain.ts";
import { createModelsService } from "./services/models.ts";
import type { SharedStore } from "./store/redis/shared-store.ts";
import { createStateVault } from "./store/state-vault.ts";
import { createTraceStore, type TraceStore } from "./store/trace-store.ts";
import { openDataFolder, type DataFolder } from "./store/data-folder.ts";
import { openDatabase, type DatabaseOptions } from "./store/sql/database.ts";
import { createSqlLedgerStore } from "./store/sql/ledger-store.ts";
import { createSqlUsageStore } from "./store/sql/usage-store.ts";
import type { Gateway } from "./surfaces/gateway.ts";
import { InFlightBudget } from "./surfaces/in-flight-budget.ts";
import { createChatObserver } from "./surfaces/ops/chat-observer.ts";
import { Readiness } from "./surfaces/readiness.ts";
import { createHttpClient, type HttpClientOptions } from "./upstream/http-client.ts";

/** What the gateway needs of the process around it. */
export interface AppOptions {
  readonly loaded: LoadedConfig;
  readonly runtime: Runtime;
  readonly log: Log;
  /** Version shown to operators. */
  readonly version: string;
  /** Size of a segment of the ledger's journal. Tests have small ones. */
  readonly segmentBytes?: number;
}

/** A running gateway. */
export interface App {
  readonly host: string;
  readonly port: number;
  /** Port of administration, where it has one of its own. */
  readonly adminPort: number | undefined;
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
    roles: ["chat", ...ROLE_NAMES.filter((role) => role !== "chat")],
    scopes: [...ALL_SCOPES],
    pii: PII_KINDS,
    patternProblem,
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
    const keyFiles = keyFilesIn(folder.path, options);
    const sandbox = config.sandbox ? await startSandbox({ runtime }) : undefined;
    if (sandbox) closers.push(() => sandbox.close());
    const upstream = createHttpClient({ ...upstreamLimits(config), runtime });
    const database = await openDatabase(databaseOf(config, folder));
    closers.push(() => database.close());
    const shared = await openFleet({ config, runtime, log, folder, database, closers });
    const decide: AdministrationPorts["decide"] = (caller, request) => explain(parts, caller, request);
    const administration = await openAdministration(database, { runtime, log, decide, feed: shared?.changes });
    closers.push(() => administration.close());
    const { authenticator } = administration;
    let live = buildLive(config, keyFiles, sandbox?.url, { upstream, runtime, authenticator });
    const books = await openBooks({
      ...booksIn(folder, options),
      store: createSqlLedgerStore(database),
      pricesOf: (provider, model) => live.models.providers.get(provider)?.target(model)?.facts.prices,
    });
    closers.push(() => upstream.close().then(() => books.close()));
    const metrics = new Metrics();
    const requests = new LiveRequests();
    const traces = createTraceStore(runtime);
    const recording = openRecording(config, runtime, log, closers);
    const parts = {
      runtime,
      upstream,
      ledger: books.ledger,
      budgets: await openBudgets(books, runtime, metrics, shared),
      ...memoryOf(runtime, config, shared),
      observer: createChatObserver(metrics, log),
      traces: tracesTo(traces, recording, runtime),
      current: () => live,
    } satisfies ChatParts;
    const usage = usageOf(books, parts, createSqlUsageStore(database), administration.auditLog);
    const alerts = openAlerts(config, parts, log);
    const gateway = { ...gatewayOf(parts, requests, traces, alerts, administration.services), usage };
    const readiness = new Readiness();
    closers.push(startProbes(parts), () => parts.budgets.close());
    closers.push(registerGatewayMetrics(metrics, runtime, books, shared));
    const ports = await openPorts(options, { gateway, readiness, metrics, requests, budget: parts.memory });
    closers.push(() => ports.close());
    readiness.set("ready");
    return {
      host: config.server.host,
      port: ports.port,
      adminPort: ports.adminPort,
      keyFiles,
      sandbox,
      reload(next) {
        live = buildLive(next.config, keyFiles, sandbox?.url, { upstream, runtime, authenticator });
        administration.reloaded(next.config);
      },
      drain: () => ports.drain().then(closeAll),
      close: closeAll,
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

// What runs beyond it would take connections and memory from callers.
const MOST_SHADOWS = 16;

/** Where the tables are. */
function databaseOf({ databaseUrl }: Config, folder: DataFolder): DatabaseOptions {
  return databaseUrl ? { url: databaseUrl.reveal() } : { file: join(folder.path, "parley.sqlite") };
}

/** The books of a data folder. */
function booksIn(folder: DataFolder, options: AppOptions): Omit<BooksOptions, "store" | "pricesOf"> {
  const { runtime, log, loaded, segmentBytes } = options;
  return {
    ...(segmentBytes === undefined ? {} : { segmentBytes }),
    folder: join(folder.path, "ledger"),
    replica: folder.replicaId,
    durability: loaded.config.server.durability,
    runtime,
    log,
    claimEpoch: (above) => folder.claimEpoch(above),
  };
}

function keyFilesIn(folder: string, { loaded, runtime }: AppOptions): KeyFile[] {
  const needsAdmin = !loaded.config.keys.some((key) => key.role === "admin");
  return ensureKeyFiles(folder, runtime, { needsAdmin });
}

/** What outlives single requests, in this process. */
function memoryOf(runtime: Runtime, { server }: Config, shared: SharedStore | undefined) {
  const aheadShare = shared ? 0.02 : 0;
  return {
    assertNotIsolated: shared && (() => shared.assertNotIsolated()),
    extraAttempts: new ExtraAttempts(runtime),
    rates: new RateLimiter(shared?.permits ?? new LocalPermitSource(runtime), runtime, { aheadShare }),
    hedges: new HedgeBudget(),
    shadows: new Slots(MOST_SHADOWS),
    memory: new InFlightBudget(server.limits.inFlightBytes),
    live: createLiveTargets(runtime, shared && { exchange: shared.health }),
    affinity: new Affinity(runtime),
    vault: createStateVault(runtime),
  };
}

/** What the surfaces share. */
function gatewayOf(
  parts: ChatParts,
  requests: LiveRequests,
  traces: TraceStore,
  alerts: BudgetAlerts,
  admin: Gateway["admin"],
): Omit<Gateway, "usage"> {
  const { runtime, current, budgets } = parts;
  return {
    chat: (call, sink) => chat(parts, requests, call, sink),
    authenticate: (credentials, scope) => authenticate(parts, credentials, scope),
    admin,
    models: createModelsService(() => current().models),
    explain: createExplainService({
      decide: (principal, request) => explain(parts, principal, request),
      traces,
      monotonicMs: () => runtime.monotonicMs(),
    }),
    budgets: createBudgetsService({ budgets, alerts, runtime, rules: () => current().budgets ?? [] }),
    newRequestId: () => runtime.newId("req"),
    newErrorId: () => runtime.newId("err"),
  };
}

/** The file of decisions, where the configuration names one. */
function openRecording(
  { observability }: Config,
  runtime: Runtime,
  log: Log,
  closers: (() => void)[],
): LineFile | undefined {
  const path = observability.decisionsFile;
  if (path === undefined) return undefined;
  const onError = (): void => log.error("routing decisions cannot be recorded", { file: path });
  try {
    const file = openLineFile({ path, runtime, onError });
    closers.push(() => file.close());
    return file;
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

function upstreamLimits({ server }: Config): Omit<HttpClientOptions, "runtime"> {
  return {
    connectMs: server.timeouts.connectMs + server.timeouts.tlsMs,
    connectionsPerOrigin: server.limits.connections,
    maxHeaderBytes: server.limits.headerBytes,
  };
}
