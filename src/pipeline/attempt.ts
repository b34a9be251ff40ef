import { ErrorReason, type Adaptation, type ChatRequest, type Completed } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { PreparedCall } from "../providers/adapter.ts";
import type { LiveAttempt } from "../routing/live.ts";
import type { Target } from "../routing/target.ts";
import { originOf, type OpenAttempt } from "./account.ts";
import { hookAsker } from "./ask-hook.ts";
import { authorise } from "./authorise.ts";
import type { ChatCall } from "./call.ts";
import { noProgress, type CallProgress } from "./call-progress.ts";
import type { NextAttempt } from "./decide.ts";
import type { Draft } from "./draft.ts";
import { AnswerFilter } from "./filter.ts";
import type { Forwarding } from "./forward.ts";
import type { LiveConfig } from "./parts.ts";
import { paceAttempt, tokensOf, type Paced } from "./pace.ts";
import { permitted, type Permitted } from "./permit.ts";
import { forget, remember } from "./recall.ts";
import { send } from "./send.ts";
import { kindOf } from "./standing.ts";
import { strippedState } from "./strip-state.ts";
import { takeOverFrom } from "./take-over-from.ts";
import type { Watch } from "./watch.ts";

/** What tells one of two attempts that run beside each other from the other one. */
export interface Lane {
  /** Aborts when the caller has left, or when the other one has content. */
  readonly signal: AbortSignal;
  readonly watch: Watch;
  /** Hears of its first content before the caller has any of it. */
  readonly onContent: () => void;
}

/**
 * One attempt at one target, from the first record to the last: prepare, book, send, decode and deliver, close the books.
 * Resolves with what went wrong, or undefined. Without a lane it is alone.
 */
export async function attempt(
  forwarding: Forwarding,
  next: NextAttempt,
  asked: ChatRequest,
  lane?: Lane,
): Promise<ParleyError | undefined> {
  const { parts, config, call, delivery, account, mode } = forwarding;
  const { signal, watch, onContent } = lane ?? { signal: call.signal, watch: forwarding.watch, onContent: undefined };
  const { target, how } = next;
  let settled: Permitted;
  let joined;
  let prepared: PreparedCall;
  let live: LiveAttempt | undefined;
  let open: OpenAttempt;
  let paced: Paced | undefined;
  try {
    settled = permitted(asked, target, call.caller.permits, () => account.inputSize.upperBound);
    const before = { target, delivered: delivery.delivered, attempts: account.attempts };
    joined = takeOverFrom(how, { request: settled.request, ...before });
    prepared = prepare(forwarding, target, joined.request);
    const pacing = paceAttempt(forwarding, target, settled.request);
    // In the turn in which the target was chosen: of those that wait for a recovering one only one may be its probe.
    live = parts.live.begin(target, prepared.credentialId, kindOf(forwarding));
    paced = pacing instanceof Promise ? await pacing : pacing;
    if (prepared.authorise) prepared = await authorised(forwarding, prepared, signal);
    open = await account.open(target, prepared.dialect.id, prepared.credentialId);
  } catch (thrown) {
    const error = ParleyError.from(thrown);
    paced?.end(0);
    live?.end({ error, durationMs: 0, firstContentMs: undefined, outputTokens: undefined, headroom: undefined });
    return error;
  }
  const progress = noProgress();
  if (how.kind === "reset") delivery.startOver(joined.broken);
  const running: Running = { open, live, paced, progress, prepared, sent: joined.request };
  const draft: Draft = delivery.begin(
    {
      requestId: call.requestId,
      attempt: open.number,
      origin: originOf(target, prepared.dialect.id),
      createdAtMs: parts.runtime.nowMs(),
      adaptations: adaptationsOf(call, next, settled, prepared),
      mode,
      filter: filterOf(forwarding, joined.takeOver !== undefined),
    },
    { close: (completed) => answered(forwarding, running, draft, completed), onContent },
    joined.takeOver,
  );
  const ended = send({
    runtime: parts.runtime,
    upstream: parts.upstream,
    target,
    prepared,
    stream: call.stream,
    limits: config.limits,
    delivery,
    draft,
    watch,
    deadlineIsCallers: deadlineIsCallers(call, config),
    signal,
    onFailed: (error) => failed(forwarding, running, draft, error),
    onDrift: (dialect, path) => parts.observer.drifted(dialect, path),
    onContent: (events) => account.streamed(open, events, draft.produced),
    progress,
  });
  if (open.number === 1) forwarding.onSent?.();
  return ended;
}

/** What was not passed on as asked for: by content rules, for want of state, by permissions, by the dialect. */
function adaptationsOf(call: ChatCall, next: NextAttempt, settled: Permitted, prepared: PreparedCall): Adaptation[] {
  const stripped = next.withoutState ? [strippedState()] : [];
  return [...(call.adaptations ?? []), ...stripped, ...settled.adaptations, ...prepared.adaptations];
}

/** An attempt that is in the books and at work. */
interface Running {
  readonly open: OpenAttempt;
  readonly live: LiveAttempt;
  /** What it holds of its target's limits. */
  readonly paced: Paced | undefined;
  readonly progress: CallProgress;
  readonly prepared: PreparedCall;
  /** What went to the target. */
  readonly sent: ChatRequest;
}

/** What the caller's content rules make of the attempt's answer; undefined: there are none. */
function filterOf({ parts, call, delivery }: Forwarding, goesOn: boolean): AnswerFilter | undefined {
  const rules = call.caller.content?.output;
  if (!rules) return undefined;
  const { block, text = "" } = delivery.delivered;
  return new AnswerFilter(rules, call.request, hookAsker(parts, call, "output"), goesOn ? { block, text } : undefined);
}

/** The upstream call. Throws a typed error. */
function prepare({ parts, config, call }: Forwarding, target: Target, request: ChatRequest): PreparedCall {
  const adapter = config.adapters.get(target.provider);
  if (!adapter) throw new ParleyError("MISCONFIGURED", `Cannot call ${target.name}: its provider is not configured`);
  const isUsable = (id: string): boolean => parts.live.credentialUnavailable(id) === undefined;
  return adapter.prepare(request, target, call.stream, isUsable);
}

/** The same with the headers that authorise it. Rejects with a typed error. */
function authorised(
  { parts, config, call, watch }: Forwarding,
  prepared: PreparedCall,
  signal: AbortSignal,
): Promise<PreparedCall> {
  return authorise(prepared, {
    runtime: parts.runtime,
    signal,
    remainingMs: watch.remainingMs,
    deadlineIsCallers: deadlineIsCallers(call, config),
  });
}

/** Whether the caller, and not the gateway, set the deadline. */
function deadlineIsCallers(call: ChatCall, config: LiveConfig): boolean {
  return call.timeoutMs !== undefined && call.timeoutMs <= config.limits.totalMs;
}

/** Closes the books of an attempt that has answered, and completes the answer's last event by what they say. */
function answered(
  { parts, call, plan, account, trace }: Forwarding,
  { open, live, paced, progress, sent }: Running,
  { produced, finishedParts }: Draft,
  completed: Completed,
): void {
  const { target } = open;
  // A provider that tells no usage still bills it.
  const usage = completed.usage ?? account.estimate(undefined, produced.outputChars);
  const cost = account.cost(target, usage, completed.serviceTier);
  const closed = account.close(open, { error: undefined, progress, usage, cost });
  live.end({ ...closed, error: undefined, headroom: progress.headroom });
  paced?.end(tokensOf(usage));
  if (plan.conversation) parts.affinity.note(plan.conversation, target);
  completed.usage = usage;
  forget(parts.vault, call, sent);
  remember(parts.vault, call, finishedParts);
  if (cost) completed.cost = cost;
  completed.attempts = [...account.attempts];
  if (call.request.explain === true) completed.trace = trace.describe(parts.runtime.monotonicMs());
}

/** Closes the books of an attempt that has failed. */
function failed(
  { account, delivery }: Forwarding,
  { open, live, paced, progress, prepared }: Running,
  draft: Draft,
  error: ParleyError,
): void {
  const { produced } = draft;
  delivery.discard(draft);
  if (error.reason === ErrorReason.PROVIDER_CREDENTIAL) prepared.refused();
  const usage = account.brokenUsage(produced.usage, produced.outputChars, progress);
  const closed = account.close(open, { error, progress, usage, cost: account.cost(open.target, usage, undefined) });
  live.end({ ...closed, error, headroom: progress.headroom });
  paced?.end(tokensOf(usage));
}
