import { ErrorReason, type Delivery as DeliveryMode } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { Plan } from "../routing/plan.ts";
import type { AttemptState } from "../routing/substitution.ts";
import type { Target } from "../routing/target.ts";
import type { Account } from "./account.ts";
import { attempt } from "./attempt.ts";
import type { ChatCall } from "./call.ts";
import { decide, type NextAttempt } from "./decide.ts";
import type { Delivery } from "./normalise.ts";
import type { ChatParts, LiveConfig } from "./parts.ts";
<<<<<<< HEAD
import { pause } from "./pause.ts";
import { carriesState, withoutState } from "./strip-state.ts";
import type { RequestTrace } from "./trace.ts";
=======
import { forget, remember } from "./recall.ts";
import { send, type CallProgress } from "./send.ts";
import { carriesState, strippedState, withoutState } from "./strip-state.ts";
>>>>>>> wip/issue3
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
  /** What the caller gets when an upstream breaks; never unspecified. */
  readonly mode: DeliveryMode;
  readonly trace: RequestTrace;
}

/**
 * Tries targets in the plan's order until one has answered. Resolves with the target that did. Throws the error the
 * caller gets when none did, or when one broke after content in a way that nobody may mend.
 */
export async function forward(forwarding: Forwarding): Promise<Target> {
  const { parts, call, plan, watch } = forwarding;
  parts.extraAttempts.countRequest();
  const tried: Target[] = [];
  const [first] = plan.targets;
  if (!first) throw new RangeError("Cannot forward: the plan is empty");
  let next: NextAttempt = { target: first, how: { kind: "replace" }, afterMs: 0, withoutState: false };
  for (;;) {
    if (next.afterMs > 0) await pause(parts.runtime, next.afterMs, call.signal);
    const request = next.withoutState ? withoutState(call.request) : call.request;
    tried.push(next.target);
    const error = await attempt(forwarding, next, request);
    if (error === undefined) return next.target;
    const decision = decide({
      plan,
      request: call.request,
      tried,
      state: stateOf(forwarding.delivery, next.target, error),
      policy: { delivery: forwarding.mode, onRefusal: plan.onRefusal },
      sentState: error.reason === ErrorReason.STATE_INVALID && carriesState(request),
      over: call.signal.aborted || watch.remainingMs === 0,
      remainingMs: watch.remainingMs,
      isAvailable: (target) => parts.live.unavailable(target) === undefined,
      hasOtherCredential: hasUsableCredential(forwarding, next.target),
      random: () => parts.runtime.random(),
      takeExtraAttempt: () => parts.extraAttempts.take(),
    });
    if (decision instanceof ParleyError) throw decision;
    next = decision;
  }
}

<<<<<<< HEAD
function hasUsableCredential({ parts, config }: Forwarding, target: Target): boolean {
  const ids = config.adapters.get(target.provider)?.credentialIds ?? [];
  return ids.length > 1 && ids.some((id) => parts.live.credentialUnavailable(id) === undefined);
}

function stateOf(delivery: Delivery, target: Target, error: ParleyError): AttemptState {
  const { text, bytes, sawToolCall, sawReasoning, candidates } = delivery.delivered;
  return {
    target,
    error,
    servedModel: delivery.servedModel,
    delivered: delivery.contentDelivered,
    text,
    deliveredBytes: bytes,
    sawToolCall,
    sawReasoning,
    candidates,
  };
=======
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
>>>>>>> wip/issue3
}
