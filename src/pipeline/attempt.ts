import { ErrorReason, type ChatRequest, type Completed } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import { crashPoint } from "../runtime/crash-point.ts";
import { originOf } from "./account.ts";
import { hookAsker } from "./ask-hook.ts";
import { noProgress, type CallProgress } from "./call-progress.ts";
import type { NextAttempt } from "./decide.ts";
import type { Draft } from "./draft.ts";
import { AnswerFilter } from "./filter.ts";
import type { Forwarding } from "./forward.ts";
import { deadlineIsCallers, makeReady, type Ready } from "./make-ready.ts";
import { tokensOf } from "./pace.ts";
import { forget, remember } from "./recall.ts";
import { send } from "./send.ts";
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
  const ready = await makeReady(forwarding, next, asked, signal);
  if (ready instanceof ParleyError) return ready;
  const { target } = next;
  const { open, prepared, held, joined } = ready;
  const progress = noProgress();
  if (next.how.kind === "reset") delivery.startOver(joined.broken);
  const running: Running = { ...ready, progress };
  const draft: Draft = delivery.begin(
    {
      requestId: call.requestId,
      attempt: open.number,
      origin: originOf(target, prepared.dialect.id),
      createdAtMs: parts.runtime.nowMs(),
      adaptations: ready.adaptations,
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
    meter: held?.meter,
    onDrift: (dialect, path) => parts.observer.drifted(dialect, path),
    onContent: (events) => account.streamed(open, events, draft.produced),
    progress,
  });
  crashPoint("dispatched");
  if (open.number === 1) forwarding.onSent?.();
  return ended;
}

/** An attempt that is at work. */
interface Running extends Ready {
  readonly progress: CallProgress;
}

/** What the caller's content rules make of the attempt's answer; undefined: there are none. */
function filterOf({ parts, call, delivery }: Forwarding, goesOn: boolean): AnswerFilter | undefined {
  const rules = call.caller.content?.output;
  if (!rules) return undefined;
  const { block, text = "" } = delivery.delivered;
  return new AnswerFilter(rules, call.request, hookAsker(parts, call, "output"), goesOn ? { block, text } : undefined);
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
  const reported = completed.usage;
  const usage = reported ?? account.estimate(undefined, produced.outputChars);
  const cost = account.cost(open, { usage, reported }, completed.serviceTier);
  const closed = account.close(open, { error: undefined, progress, usage, cost });
  // How soon a probe is answered says nothing of how long a caller would wait.
  const figures = call.own === "probe" ? { ...closed, firstContentMs: undefined } : closed;
  live.end({ ...figures, error: undefined, headroom: progress.headroom });
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
  const closed = account.close(open, { error, progress, usage, cost: account.brokenCost(open, usage, progress) });
  live.end({ ...closed, error, headroom: progress.headroom });
  paced?.end(tokensOf(usage));
}
