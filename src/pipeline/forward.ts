import { ErrorReason, type ChatRequest } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { Plan } from "../routing/plan.ts";
import type { Target } from "../routing/target.ts";
import { originOf, type Account } from "./account.ts";
import { authorise } from "./authorise.ts";
import type { ChatCall } from "./call.ts";
import { decide } from "./decide.ts";
import type { Delivery } from "./normalise.ts";
import type { ChatParts, LiveConfig } from "./parts.ts";
import { forget, remember } from "./recall.ts";
import { send, type CallProgress } from "./send.ts";
import { carriesState, strippedState, withoutState } from "./strip-state.ts";
import type { Watch } from "./watch.ts";

/** What one request's attempts share. */
export interface Forwarding {
  readonly parts: ChatParts;
  readonly config: LiveConfig;
  readonly call: ChatCall;
  readonly plan: Plan;
  readonly delivery: Delivery;
  readonly watch: Watch;
  readonly account: Account;
}

/**
 * Tries targets in the plan's order until one has answered. Resolves with the target that did. Throws the error the
 * caller gets when none did, or when one broke after its content was delivered.
 */
export async function forward(forwarding: Forwarding): Promise<Target> {
  const { parts, call, plan, delivery, watch } = forwarding;
  parts.extraAttempts.countRequest();
  const tried: Target[] = [];
  let next: Target | ParleyError | undefined = plan.targets[0];
  for (;;) {
    if (next === undefined || next instanceof ParleyError)
      throw next ?? new RangeError("Cannot forward: the plan is empty");
    // The target that has just failed gets the conversation without the state that it has refused.
    const request = next === tried.at(-1) ? withoutState(call.request) : call.request;
    tried.push(next);
    const error = await attempt(forwarding, next, request);
    if (error === undefined) return next;
    next = decide({
      plan,
      tried,
      error,
      sentState: error.reason === ErrorReason.STATE_INVALID && carriesState(request),
      committed: delivery.committed,
      over: call.signal.aborted || watch.remainingMs === 0,
      takeExtraAttempt: () => parts.extraAttempts.take(),
    });
  }
}

/** One attempt at one target, from the first record to the last. Resolves with what went wrong, or undefined. */
async function attempt(forwarding: Forwarding, target: Target, request: ChatRequest): Promise<ParleyError | undefined> {
  const { parts, config, call, delivery, watch, account } = forwarding;
  const adapter = config.adapters.get(target.provider);
  if (!adapter) return new ParleyError("MISCONFIGURED", `Cannot call ${target.name}: its provider is not configured`);
  const deadlineIsCallers = call.timeoutMs !== undefined && call.timeoutMs <= config.limits.totalMs;
  let prepared;
  try {
    prepared = adapter.prepare(request, target, call.stream);
    if (prepared.authorise) {
      const { runtime } = parts;
      const { remainingMs } = watch;
      prepared = await authorise(prepared, { runtime, signal: call.signal, remainingMs, deadlineIsCallers });
    }
  } catch (thrown) {
    return ParleyError.from(thrown);
  }
  await account.open(target, prepared.dialect.id, prepared.credentialId);
  const progress: CallProgress = { httpStatus: undefined, upstreamRequestId: undefined, firstContentMs: undefined };
  delivery.begin(
    {
      requestId: call.requestId,
      attempt: account.attempts.length + 1,
      origin: originOf(target, prepared.dialect.id),
      createdAtMs: parts.runtime.nowMs(),
      adaptations: request === call.request ? prepared.adaptations : [strippedState(), ...prepared.adaptations],
    },
    (completed) => {
      // A provider that tells no usage still bills it.
      const usage = completed.usage ?? account.estimate(undefined, delivery.outputChars);
      const cost = account.cost(target, usage, completed.serviceTier);
      account.close(target, { error: undefined, progress, usage, cost });
      completed.usage = usage;
      forget(parts.vault, call, request);
      remember(parts.vault, call, delivery.finishedParts);
      if (cost) completed.cost = cost;
      completed.attempts = [...account.attempts];
    },
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
    deadlineIsCallers,
    signal: call.signal,
    onDrift: (dialect, path) => parts.observer.drifted(dialect, path),
    progress,
  });
  if (error) {
    if (error.reason === ErrorReason.PROVIDER_CREDENTIAL) prepared.refused();
    const usage = account.brokenUsage(delivery.usage, delivery.outputChars, progress);
    account.close(target, { error, progress, usage, cost: account.cost(target, usage, undefined) });
  }
  return error;
}
