import { ParleyError, toGatewayError } from "../errors/index.ts";
import { Account } from "./account.ts";
import { admit } from "./admit.ts";
import { authenticate } from "./authenticate.ts";
import type { ChatCall, ChatOutcome, EventSink } from "./call.ts";
import { forward } from "./forward.ts";
import { Delivery } from "./normalise.ts";
import type { ChatParts } from "./parts.ts";
import { route } from "./route.ts";
import { Watch } from "./watch.ts";

/**
 * The life of a chat request. Every surface comes through here.
 *
 * authenticate -> admit -> route -> forward (per attempt: encode, book, send, decode) -> normalise -> account
 *
 * A step that fails throws its `ParleyError`, and the request dies right here, in one place: nothing was delivered
 * (the error is the answer) or something was (`failed` is the stream's last event). Never rejects.
 */
export async function chat(parts: ChatParts, live: LiveRequests, call: ChatCall, sink: EventSink): Promise<ChatOutcome> {
  const config = parts.current();
  const receivedAtMs = parts.runtime.nowMs();
  const startedMs = parts.runtime.monotonicMs();
  const delivery = new Delivery(sink, config.limits);
  const watch = new Watch(parts.runtime, {
    deadlineInMs: Math.min(call.timeoutMs ?? config.limits.totalMs, config.limits.totalMs),
    keepAliveMs: call.stream ? config.limits.keepAliveMs : Infinity,
    onKeepAlive: () => delivery.keepAlive(),
  });
  const request = live.enter(call.signal);
  parts.observer.requestStarted();
  let account: Account | undefined;
  let caller;
  let served;
  let error: ParleyError | undefined;
  try {
    caller = authenticate(config, call);
    admit(caller, call, config.limits);
    const plan = route(config, caller, call);
    account = new Account(parts, call, caller, receivedAtMs);
    served = await forward({ parts, config, call, plan, delivery, watch, account, signal: request.signal });
  } catch (thrown) {
    error = request.stoppedBy ?? ParleyError.from(thrown);
  }
  watch.stop();
  live.leave(request);
  account?.end(error);
  parts.observer.requestEnded({
    requestId: call.requestId,
    surface: call.surface,
    stream: call.stream,
    keyId: caller?.keyId,
    request: call.request,
    served,
    error,
    attempts: account?.attempts.length ?? 0,
    durationMs: parts.runtime.monotonicMs() - startedMs,
    usage: account?.attempts.at(-1)?.usage,
  });
  return error ? die(parts, call, delivery, account, error) : { kind: "completed" };
}

/** Tells the caller why there is no complete answer. */
function die(
  parts: ChatParts,
  call: ChatCall,
  delivery: Delivery,
  account: Account | undefined,
  error: ParleyError,
): ChatOutcome {
  const errorId = parts.runtime.newId("err");
  const failed = toGatewayError(error, {
    requestId: call.requestId,
    errorId,
    contentDelivered: delivery.committed,
    attempts: account?.failedAttempts ?? [],
  });
  const delivered = delivery.wroteAnything;
  const last = account?.attempts.at(-1);
  if (delivered) delivery.fail(failed, last?.usage, last?.cost, account?.attempts ?? []);
  return { kind: "failed", error, gatewayError: failed, delivered };
}

/** A request that runs. */
export interface LiveRequest {
  readonly signal: AbortSignal;
  /** Why the gateway ended it, if it did. */
  readonly stoppedBy: ParleyError | undefined;
}

/** The requests that run, so that a shutdown whose grace is over can end them, typed. */
export class LiveRequests {
  readonly #running = new Set<RunningRequest>();

  /** How many run. */
  get count(): number {
    return this.#running.size;
  }

  enter(callerSignal: AbortSignal): LiveRequest {
    const request = new RunningRequest(callerSignal);
    this.#running.add(request);
    return request;
  }

  leave(request: LiveRequest): void {
    if (request instanceof RunningRequest) {
      request.detach();
      this.#running.delete(request);
    }
  }

  /** Ends every running request with `error`. */
  stopAll(error: ParleyError): void {
    for (const request of this.#running) request.stop(error);
  }
}

// A reason of our own: without one, abort() builds a DOMException with a stack trace for every caller that leaves.
const CALLER_GONE = new ParleyError("CANCELLED", "The caller left before the answer was complete");

class RunningRequest implements LiveRequest {
  stoppedBy: ParleyError | undefined;
  readonly #callerSignal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #onCallerGone = (): void => this.#controller.abort(CALLER_GONE);

  constructor(callerSignal: AbortSignal) {
    this.#callerSignal = callerSignal;
    if (callerSignal.aborted) this.#onCallerGone();
    else callerSignal.addEventListener("abort", this.#onCallerGone, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  stop(error: ParleyError): void {
    this.stoppedBy = error;
    this.#controller.abort(error);
  }

  detach(): void {
    this.#callerSignal.removeEventListener("abort", this.#onCallerGone);
  }
}
