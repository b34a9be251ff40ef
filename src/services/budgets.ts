import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  BudgetAccountSchema,
  BudgetAlertKind,
  BudgetAlertSchema,
  ListBudgetsResponseSchema,
  type BudgetAccount as AccountMessage,
  type BudgetAlert as AlertMessage,
  type ListBudgetsRequest,
  type ListBudgetsResponse,
} from "../contract/admin.ts";
import { ParleyError } from "../errors/index.ts";
import type { BudgetAccount } from "../policy/budgets/account.ts";
import type { BudgetAlert, BudgetAlerts } from "../policy/budgets/alerts.ts";
import type { BudgetRule } from "../policy/budgets/budget-rule.ts";
import type { Budgets } from "../policy/budgets/budgets.ts";
import { windowName } from "../policy/budgets/compile-budgets.ts";
import { organisationOf } from "../policy/identity/tenant.ts";
import type { Principal } from "../policy/principal.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** What administrators are told of budgets. */
export interface BudgetsService {
  /** A page of the accounts of configured keys and of those that were used, as far as the caller may look at them. */
  list(caller: Principal, request: ListBudgetsRequest): Promise<ListBudgetsResponse>;
  /** Alerts as they happen, until `signal` aborts. Throws `GATEWAY_OVERLOADED`. */
  watch(caller: Principal, signal: AbortSignal): AsyncIterable<AlertMessage>;
}

/** What the service needs of the gateway around it. */
export interface BudgetsServiceOptions {
  readonly budgets: Budgets;
  readonly alerts: BudgetAlerts;
  readonly runtime: Pick<Runtime, "nowMs">;
  /** The budgets of configured keys. */
  readonly rules: () => readonly BudgetRule[];
}

const PAGE_SIZE = 100;
const MAX_WATCHERS = 16;
const MAX_WAITING_ALERTS = 1_000;

/** What budgets have left, and what there is to tell of them. */
export function createBudgetsService({ budgets, alerts, runtime, rules }: BudgetsServiceOptions): BudgetsService {
  let watchers = 0;
  return {
    async list(caller, { namePrefix = "", pageSize = PAGE_SIZE, pageToken = "" }) {
      budgets.sweep();
      for (const rule of rules()) budgets.accounts.of(rule, undefined);
      const found = [...budgets.accounts.all()].filter(
        (one) => one.name.startsWith(namePrefix) && one.name > pageToken && mayLook(caller, one),
      );
      const page = found.sort(byName).slice(0, pageSize);
      await Promise.all(page.map(({ ready }) => ready));
      const nowMs = runtime.nowMs();
      return create(ListBudgetsResponseSchema, {
        budgets: page.map((account) => describeAccount(account, nowMs)),
        nextPageToken: found.length > page.length ? page.at(-1)!.name : "",
      });
    },
    async *watch(caller, signal) {
      if (watchers >= MAX_WATCHERS) {
        throw new ParleyError("GATEWAY_OVERLOADED", `Cannot watch alerts: ${MAX_WATCHERS} callers watch them already`);
      }
      watchers += 1;
      try {
        yield* alertsUntil(alerts, caller, signal, runtime);
      } finally {
        watchers -= 1;
      }
    },
  };
}

/** Whether a caller may look at an account: an administrator at all, others at their own organisation's, project's or key's. */
function mayLook({ role, keyId, organisation, project }: Principal, { rule }: BudgetAccount): boolean {
  if (role === "admin" || organisation === undefined) return true;
  const { kind, id } = rule.holder;
  if (kind === "key") return id === keyId;
  if (kind === "project") return project === undefined ? organisationOf(id) === organisation : id === project;
  return project === undefined && id === organisation;
}

async function* alertsUntil(
  alerts: BudgetAlerts,
  caller: Principal,
  signal: AbortSignal,
  runtime: Pick<Runtime, "nowMs">,
): AsyncGenerator<AlertMessage> {
  const waiting: AlertMessage[] = [];
  let wake = (): void => {};
  const onAbort = (): void => wake();
  const unsubscribe = alerts.subscribe((alert) => {
    if (!mayLook(caller, alert.account)) return;
    // A watcher who does not read loses the oldest.
    if (waiting.length >= MAX_WAITING_ALERTS) waiting.shift();
    waiting.push(describeAlert(alert, runtime.nowMs()));
    wake();
  });
  signal.addEventListener("abort", onAbort);
  try {
    while (!signal.aborted) {
      const next = waiting.shift();
      if (next) yield next;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    unsubscribe();
    signal.removeEventListener("abort", onAbort);
  }
}

/** The contract's message for an alert. */
export function describeAlert({ id, atMs, kind, account, figure }: BudgetAlert, nowMs: number): AlertMessage {
  return create(BudgetAlertSchema, {
    id,
    at: timestampFromMs(atMs),
    kind: KINDS[kind],
    account: describeAccount(account, nowMs),
    figure,
  });
}

const KINDS: Readonly<Record<BudgetAlert["kind"], BudgetAlertKind>> = {
  threshold: BudgetAlertKind.THRESHOLD,
  exhausted: BudgetAlertKind.EXHAUSTED,
  burn_rate: BudgetAlertKind.BURN_RATE,
};

function describeAccount(account: BudgetAccount, nowMs: number): AccountMessage {
  const { held } = account.purseAt(nowMs);
  const { rule, tagValue, spentNanoUsd } = account;
  return create(BudgetAccountSchema, {
    name: account.name,
    holder: rule.holder,
    window: windowName(rule.window),
    ...(tagValue === undefined ? {} : { tagValue }),
    limitNanoUsd: BigInt(rule.limitNanoUsd),
    spentNanoUsd: BigInt(spentNanoUsd),
    heldNanoUsd: BigInt(held),
    leftNanoUsd: BigInt(Math.max(0, rule.limitNanoUsd - spentNanoUsd - held)),
    resetsAt: timestampFromMs(account.resetsAtMs),
    refusals: BigInt(account.refusals),
    overruns: BigInt(account.overruns),
  });
}

function byName(a: BudgetAccount, b: BudgetAccount): number {
  return a.name < b.name ? -1 : 1;
}
