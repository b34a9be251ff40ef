import type { Attempt, ChatRequest, Usage } from "../contract/index.ts";
import type { ParleyError } from "../errors/index.ts";
import type { Ledger } from "../ledger/records.ts";
import type { Credentials } from "../policy/identity/credentials.ts";
import type { BudgetRule } from "../policy/budgets/budget-rule.ts";
import type { Budgets } from "../policy/budgets/budgets.ts";
import type { Principal } from "../policy/principal.ts";
import type { RateLimiter } from "../policy/rates/rate-limiter.ts";
import type { RateRule } from "../policy/rates/rate-rule.ts";
import type { ProviderAdapter } from "../providers/adapter.ts";
import type { Affinity } from "../routing/affinity.ts";
import type { ExtraAttempts } from "../routing/extra-attempts.ts";
import type { HedgeBudget } from "../routing/hedge-budget.ts";
import type { LiveTargets } from "../routing/live.ts";
import type { ModelTable } from "../routing/model-table.ts";
import type { Target } from "../routing/target.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Slots } from "../runtime/slots.ts";
import type { StatePort } from "./recall.ts";
import type { TracePort } from "./trace.ts";
import type { UpstreamClient } from "../upstream/upstream.ts";

/** Everything a chat request needs of the gateway. The app builds it. */
export interface ChatParts {
  readonly runtime: Runtime;
  /** Throws where this replica has been cut off from the others for too long to serve. Unset: it is alone. */
  readonly assertNotIsolated?: (() => void) | undefined;
  readonly upstream: UpstreamClient;
  readonly ledger: Ledger;
  /** What keys with budgets may still spend. */
  readonly budgets: Budgets;
  readonly extraAttempts: ExtraAttempts;
  /** How many requests may be hedged. */
  readonly hedges: HedgeBudget;
  /** How many copies of requests may be at work. */
  readonly shadows: Slots;
  /** Limits on how fast requests and attempts come. */
  readonly rates: RateLimiter;
  /** Statistics and health of what is called. */
  readonly live: LiveTargets;
  /** Which target holds a conversation's prompt cache. */
  readonly affinity: Affinity;
  /** What all requests in flight may keep in memory together. */
  readonly memory: MemoryPort;
  readonly observer: ChatObserver;
  /** Keeps provider state for callers who cannot carry it. */
  readonly vault: StatePort;
  /** Keeps what became of requests, for those who ask later. */
  readonly traces: TracePort;
  /** The configuration as of now; a request keeps the one it began with. */
  readonly current: () => LiveConfig;
}

/** The budget of bytes that all requests in flight share. */
export interface MemoryPort {
  /** Takes `bytes`, or takes nothing and returns false where they do not fit. */
  tryTake(bytes: number): boolean;
  /** Gives back bytes that were taken. */
  give(bytes: number): void;
}

/** What a reload replaces as a whole. */
export interface LiveConfig {
  readonly models: ModelTable;
  readonly adapters: ReadonlyMap<string, ProviderAdapter>;
  readonly authenticate: (credentials: Credentials) => Principal | Promise<Principal>;
  /** Limits of providers over all callers, by configured name; unset: none has any. */
  readonly providerRates?: ReadonlyMap<string, readonly RateRule[]> | undefined;
  readonly limits: ChatLimits;
  /** The budgets of all keys that the configuration names, to tell of; unset: none. */
  readonly budgets?: readonly BudgetRule[];
  /** Providers whose targets the gateway tries out itself after a rest; unset: none. */
  readonly probes?: ReadonlyMap<string, ProbeSettings>;
}

/** How the gateway tries out what has rested. */
export interface ProbeSettings {
  /** Least time between two probes of the same, in milliseconds. */
  readonly everyMs: number;
  /** `models` lists the provider's models; `chat` asks the model for a few tokens. */
  readonly kind: "models" | "chat";
  /** The provider's model that is asked where a credential has rested; undefined: the one that was called last. */
  readonly model: string | undefined;
}

/** Limits and times of a chat request; milliseconds and bytes. */
export interface ChatLimits {
  readonly totalMs: number;
  readonly firstContentMs: number;
  readonly reasoningFirstContentMs: number;
  readonly progressMs: number;
  readonly keepAliveMs: number;
  /** How long a sole target's wish to be called later is waited for. */
  readonly retryAfterMaxMs: number;
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
  /** A call that the gateway made on its own account has ended. */
  ownCallEnded(why: "shadow" | "probe", attempt: Attempt, target: Target): void;
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
