import type { Attempt, ChatRequest, Usage } from "../contract/index.ts";
import type { ParleyError } from "../errors/index.ts";
import type { Ledger } from "../ledger/records.ts";
import type { BudgetRule } from "../policy/budgets/budget-rule.ts";
import type { Budgets } from "../policy/budgets/budgets.ts";
import type { Principal } from "../policy/principal.ts";
import type { ProviderAdapter } from "../providers/adapter.ts";
import type { Affinity } from "../routing/affinity.ts";
import type { ExtraAttempts } from "../routing/extra-attempts.ts";
import type { LiveTargets } from "../routing/live.ts";
import type { ModelTable } from "../routing/model-table.ts";
import type { Target } from "../routing/target.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { StatePort } from "./recall.ts";
import type { TracePort } from "./trace.ts";
import type { UpstreamClient } from "../upstream/upstream.ts";

/** Everything a chat request needs of the gateway. The app builds it. */
export interface ChatParts {
  readonly runtime: Runtime;
  readonly upstream: UpstreamClient;
  readonly ledger: Ledger;
  /** What keys with budgets may still spend. */
  readonly budgets: Budgets;
  readonly extraAttempts: ExtraAttempts;
  /** Statistics and health of what is called. */
  readonly live: LiveTargets;
  /** Which target holds a conversation's prompt cache. */
  readonly affinity: Affinity;
  readonly observer: ChatObserver;
  /** Keeps provider state for callers who cannot carry it. */
  readonly vault: StatePort;
  /** Keeps what became of requests, for those who ask later. */
  readonly traces: TracePort;
  /** The configuration as of now; a request keeps the one it began with. */
  readonly current: () => LiveConfig;
}

/** What a reload replaces as a whole. */
export interface LiveConfig {
  readonly models: ModelTable;
  readonly adapters: ReadonlyMap<string, ProviderAdapter>;
  readonly authenticate: (credential: string | undefined) => Principal;
  readonly limits: ChatLimits;
  /** The budgets of all keys that the configuration names, to tell of; unset: none. */
  readonly budgets?: readonly BudgetRule[];
}

/** Limits and times of a chat request; milliseconds and bytes. */
export interface ChatLimits {
  readonly totalMs: number;
  readonly firstContentMs: number;
  readonly reasoningFirstContentMs: number;
  readonly progressMs: number;
  readonly keepAliveMs: number;
  readonly startupEvents: number;
  readonly startupBytes: number;
  readonly upstreamEventBytes: number;
  readonly upstreamResponseBytes: number;
  /** Levels of JSON within a request. */
  readonly jsonDepth: number;
}

/** Hears how requests and attempts end, for metrics and logs. Never gets content. */
export interface ChatObserver {
  requestStarted(): void;
  attemptEnded(attempt: Attempt, target: Target): void;
  /** A provider's answer holds something that its dialect does not know, at `path`: its API has changed. */
  drifted(dialect: string, path: string): void;
  requestEnded(end: RequestEnd): void;
}

/** How a request ended, for metrics and logs. */
export interface RequestEnd {
  readonly requestId: string;
  readonly surface: string;
  readonly stream: boolean;
  readonly keyId: string | undefined;
  readonly request: ChatRequest;
  readonly served: Target | undefined;
  readonly error: ParleyError | undefined;
  readonly attempts: number;
  readonly durationMs: number;
  readonly usage: Usage | undefined;
}
