import { ErrorReason, type Adaptation, type ChatRequest, type Completed } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { PreparedCall } from "../providers/adapter.ts";
import type { LiveAttempt } from "../routing/live.ts";
import type { Target } from "../routing/target.ts";
import { originOf } from "./account.ts";
import { authorise } from "./authorise.ts";
import type { ChatCall } from "./call.ts";
import type { NextAttempt } from "./decide.ts";
import type { Forwarding } from "./forward.ts";
import type { LiveConfig } from "./parts.ts";
import { hold, type Held } from "./hold.ts";
import { forget, remember } from "./recall.ts";
import { send, type CallProgress } from "./send.ts";
import { strippedState } from "./strip-state.ts";
import { takeOverFrom } from "./take-over-from.ts";

/**
 * One attempt at one target, from the first record to the last: prepare, book, send, decode and deliver, close the books.
 * Resolves with what went wrong, or undefined.
 */
export async function attempt(
  forwarding: Forwarding,
  next: NextAttempt,
  asked: ChatRequest,
): Promise<ParleyError | undefined> {
  const { parts, config, call, delivery, watch, account, mode } = forwarding;
  const { target, how } = next;
  let joined;
  let prepared: PreparedCall;
  let live: LiveAttempt | undefined;
  let held: Held | undefined;
  try {
    joined = takeOverFrom(how, { request: asked, target, delivered: delivery.delivered, attempts: account.attempts });
    const holding = hold(forwarding, target, joined.request);
    held = holding instanceof Promise ? await holding : holding;
    prepared = prepare(forwarding, target, held?.request ?? joined.request);
    // In the turn in which the target was chosen: of those that wait for a recovering one only one may be its probe.
    live = parts.live.begin(target, prepared.credentialId);
    if (prepared.authorise) prepared = await authorised(forwarding, prepared);
    await account.open(target, prepared.dialect.id, prepared.credentialId, held?.hold);
  } catch (thrown) {
    const error = ParleyError.from(thrown);
    if (held) parts.budgets.release(held.hold);
    live?.end({ error, durationMs: 0, firstContentMs: undefined, outputTokens: undefined, headroom: undefined });
    return error;
  }
  const begun = live;
  const progress: CallProgress = {
    sent: false,
    httpStatus: undefined,
    upstreamRequestId: undefined,
    responseMs: undefined,
    firstContentMs: undefined,
    headroom: undefined,
  };
  if (how.kind === "reset") delivery.startOver(joined.broken);
  delivery.begin(
    {
      requestId: call.requestId,
      attempt: account.attempts.length + 1,
      origin: originOf(target, prepared.dialect.id),
      createdAtMs: parts.runtime.nowMs(),
      adaptations: adaptationsOf(forwarding, next, held, prepared),
      mode,
    },
    (completed) => answered(forwarding, target, { live: begun, progress, completed, sent: joined.request }),
    joined.takeOver,
  );
  const error = await send({
    runtime: parts.runtime,
    upstream: parts.upstream,
    target,
    prepared,
    stream: call.stream,
    limits: config.limits,
    delivery,
    watch,
    deadlineIsCallers: deadlineIsCallers(call, config),
    signal: call.signal,
    meter: held?.meter,
    onDrift: (dialect, path) => parts.observer.drifted(dialect, path),
    progress,
  });
  if (error) failed(forwarding, target, { live: begun, progress, prepared, error });
  return error;
}

/** What is not passed on as asked for: of the request, for its holds, for the wire. Most requests have the last only. */
function adaptationsOf(
  { adaptations }: Forwarding,
  next: NextAttempt,
  held: Held | undefined,
  prepared: PreparedCall,
): readonly Adaptation[] {
  const forHold = held?.adaptations ?? [];
  if (adaptations.length + forHold.length === 0 && !next.withoutState) return prepared.adaptations;
  return [...adaptations, ...(next.withoutState ? [strippedState()] : []), ...forHold, ...prepared.adaptations];
}

/** The upstream call. Throws a typed error. */
function prepare({ parts, config, call }: Forwarding, target: Target, request: ChatRequest): PreparedCall {
  const adapter = config.adapters.get(target.provider);
  if (!adapter) throw new ParleyError("MISCONFIGURED", `Cannot call ${target.name}: its provider is not configured`);
  const isUsable = (id: string): boolean => parts.live.credentialUnavailable(id) === undefined;
  return adapter.prepare(request, target, call.stream, isUsable);
}

/** The same with the headers that authorise it. Rejects with a typed error. */
function authorised({ parts, config, call, watch }: Forwarding, prepared: PreparedCall): Promise<PreparedCall> {
  return authorise(prepared, {
    runtime: parts.runtime,
    signal: call.signal,
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
  { parts, call, plan, delivery, account, trace }: Forwarding,
  target: Target,
  { live, progress, completed, sent }: AnsweredSend,
): void {
  // A provider that tells no usage still bills it.
  const reported = completed.usage;
  const usage = reported ?? account.estimate(undefined, delivery.outputChars);
  const cost = account.cost(target, { usage, reported }, completed.serviceTier);
  account.close(target, { error: undefined, progress, usage, cost });
  live.end({ ...account.lastOutcome, error: undefined, headroom: progress.headroom });
  if (plan.conversation) parts.affinity.note(plan.conversation, target);
  completed.usage = usage;
  forget(parts.vault, call, sent);
  remember(parts.vault, call, delivery.finishedParts);
  if (cost) completed.cost = cost;
  completed.attempts = [...account.attempts];
  if (call.request.explain === true) completed.trace = trace.describe(parts.runtime.monotonicMs());
}

interface AnsweredSend {
  readonly live: LiveAttempt;
  readonly progress: CallProgress;
  readonly completed: Completed;
  /** What went to the target. */
  readonly sent: ChatRequest;
}

/** Closes the books of an attempt that has failed. */
function failed(
  { delivery, account }: Forwarding,
  target: Target,
  { live, progress, prepared, error }: FailedSend,
): void {
  if (error.reason === ErrorReason.PROVIDER_CREDENTIAL) prepared.refused();
  const usage = account.brokenUsage(delivery.usage, delivery.outputChars, progress);
  account.close(target, { error, progress, usage, cost: account.brokenCost(target, usage, progress) });
  live.end({ ...account.lastOutcome, error, headroom: progress.headroom });
}

interface FailedSend {
  readonly live: LiveAttempt;
  readonly progress: CallProgress;
  readonly prepared: PreparedCall;
  readonly error: ParleyError;
}
