import { Priority, type ChatRequest } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import { substitute } from "../routing/substitution.ts";
import type { Target } from "../routing/target.ts";
import { attempt, type Lane } from "./attempt.ts";
import { decideHedge, type NextAttempt } from "./decide.ts";
import type { Forwarding } from "./forward.ts";
import { pause } from "./pause.ts";
import { kindOf, policyOf, stateOf, usableCredentials } from "./standing.ts";

/** What an attempt came to, or of two beside each other the one that counts. */
export interface Ended {
  readonly target: Target;
  /** What went wrong; undefined: it has answered. */
  readonly failure: ParleyError | undefined;
}

/**
 * Makes an attempt. Where the route says so and the first target has no content after a while, a second one is asked as
 * well: whichever has content first goes on, and the other is cancelled at once. One that fails while the other still runs
 * is forgotten. Whoever is asked is added to `tried`.
 */
export async function hedge(
  forwarding: Forwarding,
  next: NextAttempt,
  request: ChatRequest,
  tried: Target[],
): Promise<Ended> {
  const afterMs = tried.length === 1 ? hedgeAfterMs(forwarding, next.target) : undefined;
  if (afterMs === undefined) return { target: next.target, failure: await attempt(forwarding, next, request) };
  const race = new Race(forwarding, request);
  const first = race.enter(next, forwarding.watch);
  await pause(forwarding.parts.runtime, afterMs, race.decided);
  const beside = race.decided.aborted ? undefined : second(forwarding, tried);
  if (beside) {
    tried.push(beside.target);
    const watch = forwarding.watch.beside();
    await race.enter(beside, watch).running;
    watch.stop();
  }
  await first.running;
  return race.result;
}

/** How long the first target may take; undefined: nobody is asked beside it. */
function hedgeAfterMs(forwarding: Forwarding, target: Target): number | undefined {
  const { parts, plan } = forwarding;
  // Nobody waits for a batch.
  if (!plan.hedge || plan.targets.length === 1 || plan.priority === Priority.BATCH) return undefined;
  parts.hedges.countRequest(plan.hedge);
  const { after } = plan.hedge;
  return after === "p95" ? parts.live.statistics(target, kindOf(forwarding)).firstContentMs?.p95 : after;
}

/** Who is asked beside the first target, as if that one had been silent for too long; undefined: nobody. */
function second(forwarding: Forwarding, tried: readonly Target[]): NextAttempt | undefined {
  const { parts, call, plan, delivery, watch } = forwarding;
  const silent = new ParleyError("PROVIDER_TIMEOUT", "Cannot wait longer for the provider: it has no content yet");
  return decideHedge(
    {
      plan,
      request: call.request,
      tried,
      state: stateOf(delivery, tried[0]!, silent),
      policy: policyOf(forwarding),
      over: call.signal.aborted || watch.remainingMs === 0,
      isAvailable: (target) =>
        parts.live.unavailable(target) === undefined && usableCredentials(forwarding, target) > 0,
    },
    () => plan.hedge !== undefined && parts.hedges.take(plan.hedge),
  );
}

interface Contender {
  readonly target: Target;
  readonly cancel: AbortController;
  readonly running: Promise<void>;
}

/** Attempts that run beside each other until one has content. */
class Race {
  readonly #forwarding: Forwarding;
  readonly #request: ChatRequest;
  readonly #contenders: Contender[] = [];
  readonly #decided = new AbortController();
  #ended: Ended | undefined;
  #winner: Target | undefined;

  constructor(forwarding: Forwarding, request: ChatRequest) {
    this.#forwarding = forwarding;
    this.#request = request;
  }

  /** Aborts when one has content, or when one has ended. */
  get decided(): AbortSignal {
    return this.#decided.signal;
  }

  /** What came of it, once all have ended. */
  get result(): Ended {
    if (!this.#ended) throw new RangeError("Cannot tell what came of a race: nobody has run");
    return this.#ended;
  }

  enter(next: NextAttempt, watch: Lane["watch"]): Contender {
    const { target } = next;
    const cancel = new AbortController();
    const signal = AbortSignal.any([this.#forwarding.call.signal, cancel.signal]);
    const lane: Lane = { signal, watch, onContent: () => this.#decide(target) };
    const running = attempt(this.#forwarding, next, this.#request, lane).then((failure) => {
      this.#note({ target, failure });
    });
    const contender = { target, cancel, running };
    this.#contenders.push(contender);
    return contender;
  }

  /** Who has content first has won: the others end now, and the caller never hears of them. */
  #decide(winner: Target): void {
    this.#winner = winner;
    this.#cancelAllBut(winner);
    this.#decided.abort();
  }

  #note(ended: Ended): void {
    this.#decided.abort();
    if (this.#winner !== undefined && this.#winner !== ended.target) return;
    // Of two that have failed the later one counts; but what nobody else may answer is the answer.
    this.#ended = ended;
    if (ended.failure && this.#isFinal(ended.target, ended.failure)) this.#decide(ended.target);
  }

  /** Whether the first target's failure is one that the second may not answer in its place. */
  #isFinal(target: Target, failure: ParleyError): boolean {
    const [first, other] = this.#contenders;
    if (!other || target !== first?.target) return false;
    const { call, delivery } = this.#forwarding;
    const state = stateOf(delivery, target, failure);
    return substitute(call.request, state, other.target, policyOf(this.#forwarding)).kind === "deny";
  }

  #cancelAllBut(winner: Target): void {
    for (const { target, cancel } of this.#contenders) {
      if (target === winner) continue;
      const message = "Cancelled: another target, asked beside this one, was to answer";
      cancel.abort(new ParleyError("CANCELLED", message));
    }
  }
}
