import type { Adaptation, ChatRequest } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { PreparedCall } from "../providers/adapter.ts";
import type { LiveAttempt } from "../routing/live.ts";
import type { Target } from "../routing/target.ts";
import { crashPoint } from "../runtime/crash-point.ts";
import type { OpenAttempt } from "./account.ts";
import { authorise } from "./authorise.ts";
import type { ChatCall } from "./call.ts";
import type { NextAttempt } from "./decide.ts";
import type { Forwarding } from "./forward.ts";
import { hold, type Held } from "./hold.ts";
import { paceAttempt, type Paced } from "./pace.ts";
import type { LiveConfig } from "./parts.ts";
import { permitted } from "./permit.ts";
import { kindOf } from "./standing.ts";
import { strippedState } from "./strip-state.ts";
import { takeOverFrom } from "./take-over-from.ts";

/** An attempt that may go out: everything it needs is taken, and it is in the books. */
export interface Ready {
  readonly open: OpenAttempt;
  readonly live: LiveAttempt;
  /** What it holds of its target's limits. */
  readonly paced: Paced | undefined;
  /** What budgets have set aside for it. */
  readonly held: Held | undefined;
  readonly prepared: PreparedCall;
  /** How it goes on with what an earlier attempt has said. */
  readonly joined: ReturnType<typeof takeOverFrom>;
  /** What goes to the target. */
  readonly sent: ChatRequest;
  /** What of the request is not passed on as asked for, in the order in which it was decided. */
  readonly adaptations: readonly Adaptation[];
}

/**
 * Makes an attempt ready, in this order: the request as the caller's policy and an earlier attempt leave it, money held,
 * encoded, limits of the target taken, authorised, booked. Resolves with what went wrong, and then holds nothing.
 */
export async function makeReady(
  forwarding: Forwarding,
  next: NextAttempt,
  asked: ChatRequest,
  signal: AbortSignal,
): Promise<Ready | ParleyError> {
  const { parts, call, delivery, account } = forwarding;
  const { target, how } = next;
  let live: LiveAttempt | undefined;
  let paced: Paced | undefined;
  let held: Held | undefined;
  try {
    const settled = permitted(asked, target, call.caller.permits, () => account.inputSize.upperBound);
    const { delivered } = delivery;
    const joined = takeOverFrom(how, { request: settled.request, target, delivered, attempts: account.attempts });
    const holding = hold(forwarding, target, joined.request);
    held = holding instanceof Promise ? await holding : holding;
    crashPoint("hold_taken");
    const sent = held?.request ?? joined.request;
    let prepared = prepare(forwarding, target, sent);
    const pacing = paceAttempt(forwarding, target, settled.request);
    // In the turn in which the target was chosen: of those that wait for a recovering one only one may be its probe.
    live = parts.live.begin(target, prepared.credentialId, kindOf(forwarding));
    paced = pacing instanceof Promise ? await pacing : pacing;
    if (prepared.authorise) prepared = await authorised(forwarding, prepared, signal);
    const open = await account.open(target, prepared.dialect.id, prepared.credentialId, held?.hold);
    crashPoint("forward_recorded");
    const adaptations = [
      ...(call.adaptations ?? []),
      ...forwarding.adaptations,
      ...(next.withoutState ? [strippedState()] : []),
      ...settled.adaptations,
      ...(held?.adaptations ?? []),
      ...prepared.adaptations,
    ];
    return { open, live, paced, held, prepared, joined, sent, adaptations };
  } catch (thrown) {
    const error = ParleyError.from(thrown);
    if (held) parts.budgets.release(held.hold);
    paced?.end(0);
    live?.end({ error, durationMs: 0, firstContentMs: undefined, outputTokens: undefined, headroom: undefined });
    return error;
  }
}

/** The upstream call. Throws a typed error. */
function prepare(
  { parts, config, call, credentialId }: Forwarding,
  target: Target,
  request: ChatRequest,
): PreparedCall {
  const adapter = config.adapters.get(target.provider);
  if (!adapter) throw new ParleyError("MISCONFIGURED", `Cannot call ${target.name}: its provider is not configured`);
  const isUsable = (id: string): boolean =>
    credentialId === undefined ? parts.live.credentialUnavailable(id) === undefined : id === credentialId;
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
export function deadlineIsCallers(call: ChatCall, config: LiveConfig): boolean {
  return call.timeoutMs !== undefined && call.timeoutMs <= config.limits.totalMs;
}
