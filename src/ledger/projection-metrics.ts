import type { Metrics } from "../observe/metrics.ts";
import type { Projector } from "./projector.ts";

/** Shows how far the tables are behind the journal. */
export function registerProjectionMetrics(metrics: Metrics, projector: Projector): void {
  metrics.read(
    "gauge",
    "parley_ledger_projection_lag_seconds",
    "How long the oldest record that is not in the database yet has waited.",
    () => projector.lagMs / 1_000,
  );
  metrics.read(
    "gauge",
    "parley_ledger_projection_failing",
    "1 while the database does not take records; the journal keeps them.",
    () => (projector.isFailing ? 1 : 0),
  );
  metrics.read(
    "counter",
    "parley_ledger_projected_records_total",
    "Records of the journal that were taken into the database since the start.",
    () => projector.projected,
  );
}
