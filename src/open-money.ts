import { toJson } from "@bufbuild/protobuf";
import type { Config } from "./config/config.ts";
import { BudgetAlertSchema } from "./contract/admin.ts";
import type { Books } from "./ledger/open-books.ts";
import { createReconciler } from "./ledger/reconcile.ts";
import type { Log } from "./observe/log.ts";
import type { Metrics } from "./observe/metrics.ts";
import type { ChatParts } from "./pipeline/parts.ts";
import { BudgetAlerts } from "./policy/budgets/alerts.ts";
import { Budgets } from "./policy/budgets/budgets.ts";
import { LocalBank } from "./policy/budgets/local-bank.ts";
import type { Runtime } from "./runtime/runtime.ts";
import { describeAlert } from "./services/budgets.ts";
import { createUsageService, type UsageService } from "./services/usage.ts";
import type { AuditLog } from "./store/key-store.ts";
import type { SharedStore } from "./store/redis/shared-store.ts";
import type { UsageStore } from "./store/usage-store.ts";
import { registerBudgetMetrics } from "./surfaces/ops/budget-metrics.ts";
import { createWebhook } from "./upstream/webhook.ts";

/** What keys may still spend, by the books of this process: orphans of an earlier one are closed in them. */
export async function openBudgets(
  { spend, ownSpend }: Books,
  runtime: Runtime,
  metrics: Metrics,
  shared: SharedStore | undefined,
): Promise<Budgets> {
  await shared?.bank.settle(ownSpend);
  const budgets = new Budgets({ runtime, bank: shared?.bank ?? new LocalBank(spend), source: spend });
  registerBudgetMetrics(metrics, budgets);
  return budgets;
}

/** What is told of budgets, to whoever watches and to the configured webhook. */
export function openAlerts(
  { observability }: Config,
  { budgets, runtime, upstream }: ChatParts,
  log: Log,
): BudgetAlerts {
  const { webhook, burnRate } = observability.alerts;
  const alerts = new BudgetAlerts(runtime, burnRate);
  budgets.listen(alerts);
  if (!webhook) return alerts;
  const onLost = (why: string): void => log.error("an alert of a budget cannot be delivered to its webhook", { why });
  const hook = createWebhook({ ...webhook, upstream, runtime, onLost });
  alerts.subscribe((alert) => hook.post(toJson(BudgetAlertSchema, describeAlert(alert, runtime.nowMs())) as object));
  return alerts;
}

/** What was used, and its corrections. */
export function usageOf(
  { ledger, projector }: Books,
  { runtime, budgets }: Pick<ChatParts, "runtime" | "budgets">,
  store: UsageStore,
  audit: Pick<AuditLog, "append">,
): UsageService {
  const caughtUp = (): Promise<void> => projector.caughtUp();
  const nowMs = (): number => runtime.nowMs();
  const reconcile = createReconciler({
    store,
    caughtUp,
    append: (record) => ledger.compensated(record),
    nowMs,
    onCharged(buckets, nanoUsd) {
      for (const [account, bucket] of buckets) budgets.correct({ account, bucket }, nanoUsd);
    },
  });
  return createUsageService({ store, caughtUp, reconcile, audit, nowMs });
}
