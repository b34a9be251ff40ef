import { ErrorReason } from "../contract/index.ts";
import { reasonName, type ParleyError } from "../errors/index.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { HealthExchange, HealthNews } from "../store/health-exchange.ts";
import { BLAME } from "./blame.ts";
import { NO_STATISTICS } from "./candidates.ts";
import { CredentialHealth, HEALTH_RULES, TargetHealth, type HealthRules } from "./health.ts";
import {
  STREAMED,
  type AttemptOutcome,
  type CallKind,
  type LiveAttempt,
  type LiveTargets,
  type ProbedTargets,
  type RestRule,
  type TargetStatistics,
  type Unavailable,
} from "./live.ts";
import { CallWindow } from "./statistics.ts";
import type { Target } from "./target.ts";

export type { HealthExchange, HealthNews };

/** How live targets are kept. */
export interface LiveTargetsOptions {
  /** What is not given is as in `HEALTH_RULES`. */
  readonly rules?: Partial<HealthRules>;
  /** Undefined: this process is alone. */
  readonly exchange?: HealthExchange;
  /** Told when something begins to rest, for metrics and alerts. */
  readonly onNews?: (news: HealthNews) => void;
}

// Names come from callers where a provider serves any model: the idle ones are forgotten beyond this.
const MAX_REMEMBERED = 2_000;

interface LiveTarget {
  readonly health: TargetHealth;
  readonly window: CallWindow;
  running: number;
  lastUsedMs: number;
}

/** Statistics and health of the targets and credentials that this process calls, exact and in memory. */
export function createLiveTargets(runtime: Runtime, options: LiveTargetsOptions = {}): LiveTargets & ProbedTargets {
  return new InProcess(runtime, options);
}

class InProcess implements LiveTargets, ProbedTargets {
  readonly #runtime: Runtime;
  readonly #rules: HealthRules;
  readonly #tell: (news: HealthNews) => void;
  // Both grow with the configuration and hardly change afterwards.
  readonly #targets = new Map<string, LiveTarget>();
  readonly #credentials = new Map<string, CredentialHealth>();
  #calls = 0;
  #probed: ReadonlyMap<string, number> = new Map();

  constructor(runtime: Runtime, { rules, exchange, onNews }: LiveTargetsOptions) {
    this.#runtime = runtime;
    this.#rules = { ...HEALTH_RULES, ...rules };
    this.#tell = (news) => {
      exchange?.publish(news);
      onNews?.(news);
    };
    exchange?.subscribe((news) => this.#heard(news));
  }

  get latestCall(): number {
    return this.#calls;
  }

  get nowMs(): number {
    return this.#runtime.monotonicMs();
  }

  unavailable(target: Target): Unavailable | undefined {
    const health = this.#targets.get(target.name)?.health;
    return health?.unavailable(this.nowMs) ?? this.#leftToProbe(target.provider, health?.waitsForProbeMs(this.nowMs));
  }

  credentialUnavailable(credentialId: string): Unavailable | undefined {
    const health = this.#credentials.get(credentialId);
    const provider = credentialId.slice(0, credentialId.lastIndexOf("#"));
    return health?.unavailable(this.nowMs) ?? this.#leftToProbe(provider, health?.waitsForProbeMs(this.nowMs));
  }

  waiting(provider: string) {
    const waits = ([, health]: readonly [string, TargetHealth | CredentialHealth]): boolean =>
      health.waitsForProbeMs(this.nowMs) !== undefined;
    const targets = [...this.#targets].map(([name, { health }]) => [name, health] as const);
    return {
      targets: targets.filter((one) => one[0].startsWith(`${provider}/`) && waits(one)).map(([name]) => name),
      credentials: [...this.#credentials]
        .filter((one) => one[0].startsWith(`${provider}#`) && waits(one))
        .map(([id]) => id),
    };
  }

  lastCalled(provider: string): string | undefined {
    const own = [...this.#targets].filter(([name]) => name.startsWith(`${provider}/`));
    return own.toSorted(([, a], [, b]) => b.lastUsedMs - a.lastUsedMs)[0]?.[0];
  }

  leaveToProbes(providers: ReadonlyMap<string, number>): void {
    this.#probed = providers;
  }

  share(target: Target): number {
    return this.#targets.get(target.name)?.health.share(this.nowMs) ?? 1;
  }

  statistics(target: Target, kind = STREAMED): TargetStatistics {
    const known = this.#targets.get(target.name);
    return known ? known.window.statistics(this.nowMs, known.running, kind) : NO_STATISTICS;
  }

  begin(target: Target, credentialId: string, kind = STREAMED): LiveAttempt {
    const live = this.#target(target.name);
    const credential = this.#credential(credentialId);
    const call = ++this.#calls;
    live.running += 1;
    live.lastUsedMs = this.nowMs;
    live.health.begin(this.nowMs, call);
    credential.begin(this.nowMs, call);
    return new Attempt(this, { name: target.name, kind, live, credential, call });
  }

  /** Whether a target other than `self` hardly fails at the moment. */
  hasGoodPeer(self: LiveTarget): boolean {
    for (const one of this.#targets.values()) if (one !== self && one.health.isGoodPeer) return true;
    return false;
  }

  #leftToProbe(provider: string, waitedMs: number | undefined): Unavailable | undefined {
    if (waitedMs === undefined || waitedMs > (this.#probed.get(provider) ?? -1)) return undefined;
    const why = "it has rested, and the gateway is about to try it out";
    return { rule: "breaker", retryInMs: 1_000, why, onlyBesideOthers: true };
  }

  #target(name: string): LiveTarget {
    const known = this.#targets.get(name);
    if (known) return known;
    if (this.#targets.size >= MAX_REMEMBERED) this.#forgetOne();
    const live: LiveTarget = {
      health: new TargetHealth(this.#rules, (rule, forMs) => this.#tell({ subject: "target", name, rule, forMs })),
      window: new CallWindow(this.nowMs),
      running: 0,
      lastUsedMs: this.nowMs,
    };
    this.#targets.set(name, live);
    return live;
  }

  #credential(id: string): CredentialHealth {
    let known = this.#credentials.get(id);
    if (!known) {
      const onRest = (rule: RestRule, forMs: number) => this.#tell({ subject: "credential", name: id, rule, forMs });
      this.#credentials.set(id, (known = new CredentialHealth(this.#rules, onRest)));
    }
    return known;
  }

  // What nobody calls goes first, and of that what was not called for longest.
  #forgetOne(): void {
    let oldest: string | undefined;
    let oldestMs = Infinity;
    for (const [name, { running, lastUsedMs, health }] of this.#targets) {
      if (running > 0) continue;
      const rank = health.isIdle(this.nowMs) ? lastUsedMs : lastUsedMs + this.#rules.quarantine.maxMs;
      if (rank < oldestMs) [oldest, oldestMs] = [name, rank];
    }
    if (oldest !== undefined) this.#targets.delete(oldest);
  }

  #heard({ subject, name, rule, forMs }: HealthNews): void {
    // What this replica does not call yet is no news for it: it would only fill the memory.
    const known = subject === "target" ? this.#targets.get(name)?.health : this.#credentials.get(name);
    known?.told(this.nowMs, rule, forMs);
  }
}

interface Begun {
  /** The target's. */
  readonly name: string;
  readonly kind: CallKind;
  readonly live: LiveTarget;
  readonly credential: CredentialHealth;
  readonly call: number;
}

class Attempt implements LiveAttempt {
  readonly #all: InProcess;
  readonly #name: string;
  readonly #kind: CallKind;
  readonly #live: LiveTarget;
  readonly #credential: CredentialHealth;
  readonly #call: number;
  #ended = false;

  constructor(all: InProcess, { name, kind, live, credential, call }: Begun) {
    this.#all = all;
    this.#name = name;
    this.#kind = kind;
    this.#live = live;
    this.#credential = credential;
    this.#call = call;
  }

  end(outcome: AttemptOutcome): void {
    if (this.#ended) return;
    this.#ended = true;
    const { error } = outcome;
    const nowMs = this.#all.nowMs;
    this.#live.running -= 1;
    const reason = error && reasonName(error.reason);
    const blame = reason && BLAME[reason];
    // Judged by what was usual before this very call.
    const slow = this.#isSlow(nowMs, outcome.firstContentMs ?? (error ? outcome.durationMs : undefined));
    this.#live.window.add(
      nowMs,
      outcome,
      blame === undefined || blame === "nobody" ? undefined : reason?.toLowerCase(),
      this.#kind,
    );
    if (error === undefined) this.#succeeded(nowMs, slow);
    else if (blame === "nobody") this.#toldNothing(nowMs, error, slow && outcome.firstContentMs === undefined);
    else this.#failed(nowMs, error, blame);
  }

  #succeeded(nowMs: number, slow: boolean): void {
    this.#credential.succeeded(nowMs, this.#call);
    const stillSlow = this.#live.health.succeeded(nowMs, this.#call, this.#all.latestCall, slow);
    if (stillSlow) this.#live.window.growUsual(this.#kind);
  }

  // A caller who gives up after a long time in vain tells at least that.
  #toldNothing(nowMs: number, { reason }: ParleyError, inVain: boolean): void {
    const { health } = this.#live;
    const gaveUp = reason === ErrorReason.CANCELLED || reason === ErrorReason.DEADLINE_EXCEEDED;
    this.#credential.release(this.#call);
    if (inVain && gaveUp) health.waited(nowMs, this.#call, this.#all.latestCall, true);
    else health.release(this.#call);
  }

  #failed(nowMs: number, error: ParleyError, blame: "target" | "model" | "rate" | "credential" | undefined): void {
    const { health } = this.#live;
    const latest = this.#all.latestCall;
    switch (blame) {
      case "target":
        this.#credential.release(this.#call);
        return health.failed(nowMs, this.#call, latest, error, () => this.#all.hasGoodPeer(this.#live));
      case "model":
        health.refused(nowMs, this.#call, latest);
        // A model that does not exist was perhaps made up by the caller, and tells nothing of the account.
        if (!isAboutAccess(error)) return this.#credential.release(this.#call);
        return this.#credential.refusedAt(nowMs, this.#call, latest, this.#name, error);
      case "rate":
        this.#credential.limited(nowMs, this.#call, latest, error);
        return health.release(this.#call);
      default:
        this.#credential.rejected(nowMs, this.#call, latest, error);
        return health.release(this.#call);
    }
  }

  #isSlow(nowMs: number, waitedMs: number | undefined): boolean {
    const usual = this.#live.window.usualFirstContentP95Ms(nowMs, this.#kind);
    if (usual === undefined || waitedMs === undefined) return false;
    return waitedMs > usual * 3 && waitedMs > usual + 2_000;
  }
}

function isAboutAccess({ reason }: ParleyError): boolean {
  return reason === ErrorReason.PROVIDER_ACCESS || reason === ErrorReason.PROVIDER_REGION;
}
