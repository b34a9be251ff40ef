import { Delivery as DeliveryMode } from "../contract/index.ts";
import { ParleyError, toGatewayError } from "../errors/index.ts";
import type { Plan } from "../routing/plan.ts";
import { SwapList, type Listed } from "../runtime/swap-list.ts";
import { Account } from "./account.ts";
import { admit } from "./admit.ts";
import { forwardWithin } from "./cheaper.ts";
import type { ChatCall, ChatOutcome, EventSink } from "./call.ts";
import { filterRequest } from "./filter-request.ts";
import { forward } from "./forward.ts";
import { Delivery } from "./normalise.ts";
import type { ChatParts } from "./parts.ts";
import { pace, type Paced } from "./pace.ts";
import { permit } from "./permit.ts";
import { recall } from "./recall.ts";
import { route } from "./route.ts";
import { RequestTrace } from "./trace.ts";
import { Watch } from "./watch.ts";

/**
 * The life of a chat request. Every surface comes through here, with a caller whom `authenticate` has let in.
 *
 * admit -> permit -> pace -> filter -> recall -> route -> forward (per attempt: hold, encode, book, send, decode)
 * -> filter -> normalise -> account
 *
 * A step that fails throws its `ParleyError`, and the request dies right here, in one place: nothing was delivered
 * (the error is the answer) or something was (`failed` is the stream's last event). Never rejects.
 */
export async function chat(
  parts: ChatParts,
  live: LiveRequests,
  received: ChatCall,
  sink: EventSink,
): Promise<ChatOutcome> {
  let call = received;
  const config = parts.current();
  const receivedAtMs = parts.runtime.nowMs();
  const startedMs = parts.runtime.monotonicMs();
  const delivery = new Delivery(sink, config.limits, parts.memory);
  const watch = new Watch(parts.runtime, {
    deadlineInMs: Math.min(call.timeoutMs ?? config.limits.totalMs, config.limits.totalMs),
    keepAliveMs: call.stream ? config.limits.keepAliveMs : Infinity,
    onKeepAlive: () => delivery.keepAlive(),
  });
  const running = live.enter(call);
  parts.observer.requestStarted();
  const account = new Account(parts, call, receivedAtMs);
  const trace = new RequestTrace(call.requestId, receivedAtMs, startedMs, account.attempts);
  let paced: Paced | undefined;
  let served;
  let error: ParleyError | undefined;
  try {
    parts.assertNotIsolated?.();
    admit(call, config.limits);
    permit(call, () => account.inputSize.upperBound);
    // Before the content rules, which may ask others: who comes too often shall not make us do so.
    const pacing = pace(parts, config, call, account);
    paced = pacing instanceof Promise ? await pacing : pacing;
    const { content } = call.caller;
    // From here on nobody sees the request as it came.
    if (content?.input) call = account.call = await filterRequest(call, content.input, parts);
    recall(parts.vault, call);
    const plan = route(parts, config, call, account, trace);
    const mode = modeOf(call, plan);
    const forwarding = { parts, config, call, plan, delivery, watch, account, mode, trace, paced, adaptations: [] };
    served = await (call.caller.whenExceeded === undefined ? forward(forwarding) : forwardWithin(forwarding));
  } catch (thrown) {
    error = ParleyError.from(thrown);
  }
  watch.stop();
  paced?.end(account.usedTokens);
  live.leave(running);
  account.end(error);
  trace.ended(error, parts.runtime.monotonicMs());
  parts.traces.keep(call.caller.keyId, trace, call.request);
  parts.observer.requestEnded({
    requestId: call.requestId,
    surface: call.surface,
    stream: call.stream,
    keyId: call.caller.keyId,
    request: call.request,
    served,
    error,
    attempts: account.attempts.length,
    durationMs: parts.runtime.monotonicMs() - startedMs,
    usage: account.attempts.at(-1)?.usage,
  });
  return error ? die(parts, call, delivery, account, trace, error) : { kind: "completed" };
}

/** What the caller gets when an upstream breaks after content: as asked for, else as the route says. */
function modeOf(call: ChatCall, plan: Plan): DeliveryMode {
  const asked = call.request.delivery === DeliveryMode.UNSPECIFIED ? plan.delivery : call.request.delivery;
  // Whoever cannot be told to discard what came must not be made to.
  return asked === DeliveryMode.RESTARTABLE && !call.takesReset ? DeliveryMode.COMMIT : asked;
}

/** Tells the caller why there is no complete answer. */
function die(
  parts: ChatParts,
  call: ChatCall,
  delivery: Delivery,
  account: Account,
  trace: RequestTrace,
  error: ParleyError,
): ChatOutcome {
  const errorId = parts.runtime.newId("err");
  const failed = toGatewayError(error, {
    requestId: call.requestId,
    errorId,
    contentDelivered: delivery.contentDelivered,
    attempts: account.failedAttempts,
  });
  const delivered = delivery.wroteAnything;
  const explained = call.request.explain === true ? trace.describe(parts.runtime.monotonicMs()) : undefined;
  if (delivered) delivery.fail(failed, account.attempts, explained);
  return { kind: "failed", error, gatewayError: failed, delivered };
}

/** A request that runs. */
export interface LiveRequest extends Listed {
  readonly call: ChatCall;
}

/** The requests that run, so that a shutdown whose grace is over can end them, typed. */
export class LiveRequests {
  readonly #running = new SwapList<LiveRequest>();

  /** How many run. */
  get count(): number {
    return this.#running.size;
  }

  enter(call: ChatCall): LiveRequest {
    const request = { call, place: -1 };
    this.#running.add(request);
    return request;
  }

  leave(request: LiveRequest): void {
    this.#running.delete(request);
  }

  /** Ends every running request with `error`. */
  stopAll(error: ParleyError): void {
    for (const { call } of this.#running.items()) call.abort(error);
  }
}
