import type { Config } from "./config/config.ts";
import type { Books } from "./ledger/open-books.ts";
import { registerProjectionMetrics } from "./ledger/projection-metrics.ts";
import type { Log } from "./observe/log.ts";
import type { Metrics } from "./observe/metrics.ts";
import { registerProcessMetrics } from "./observe/process-metrics.ts";
import type { Runtime } from "./runtime/runtime.ts";
import type { DataFolder } from "./store/data-folder.ts";
import { openSharedStore, type SharedStore } from "./store/redis/shared-store.ts";
import type { Database } from "./store/sql/database.ts";
import { createSqlLeaseBook } from "./store/sql/lease-book.ts";

/** What the shared store needs of the gateway around it. */
export interface FleetParts {
  readonly config: Config;
  readonly runtime: Runtime;
  readonly log: Log;
  readonly folder: DataFolder;
  readonly database: Database;
  /** What ends the parts of the gateway, the last one first. */
  readonly closers: (() => void | Promise<void>)[];
}

/**
 * Joins the other replicas where a Redis is configured. Before anything is spent, what this replica had leased has to be
 * settled with what its ledger says it spent. Throws `MISCONFIGURED` where Redis cannot be had or trusted.
 */
export async function openFleet(parts: FleetParts): Promise<SharedStore | undefined> {
  const { config, runtime, log, folder, database } = parts;
  if (config.redisUrl === undefined) return undefined;
  const shared = await openSharedStore({
    url: config.redisUrl.reveal(),
    runtime,
    replica: folder.replicaId,
    epoch: folder.claimEpoch(),
    book: createSqlLeaseBook(database, runtime),
    whenIsolated: config.fleet.whenIsolated,
    onState: ({ kind }) =>
      kind === "away"
        ? log.warn("the shared store is away: leases still spend, then budgets refuse; rates fall back to a share")
        : log.info("the shared store answers"),
  });
  parts.closers.push(() => shared.close());
  return shared;
}

/** Figures of the process, of its books and of the fleet; returns what ends them. */
export function registerGatewayMetrics(
  metrics: Metrics,
  runtime: Runtime,
  { projector }: Books,
  shared: SharedStore | undefined,
): () => void {
  registerProjectionMetrics(metrics, projector);
  if (shared) registerFleetMetrics(metrics, shared);
  return registerProcessMetrics(metrics, runtime);
}

function registerFleetMetrics(metrics: Metrics, shared: SharedStore): void {
  metrics.read(
    "gauge",
    "parley_fleet_connected",
    "1 while the shared store answers; without it budgets spend what was leased, and rates admit a share.",
    () => (shared.state.kind === "connected" ? 1 : 0),
  );
  metrics.read("gauge", "parley_fleet_replicas", "Replicas that live, as last heard.", () => shared.replicas.count);
  metrics.read(
    "gauge",
    "parley_fleet_isolated",
    "1 while this replica has been without the shared store for so long that fleet.when_isolated decides.",
    () => (shared.replicas.isIsolated ? 1 : 0),
  );
  metrics.read(
    "counter",
    "parley_rate_fallbacks_total",
    "Draws of permits that were answered from this replica's own share, because the shared store was away.",
    () => shared.fallbacks,
  );
}
