import type { Candidate, Cost, Origin, Usage } from "./contract.ts";
import type { FaultName, ReasonName } from "./reasons.ts";

/** A call to one target that failed, as errors tell it. */
export interface ErrorAttempt {
  /** Configured name of the provider. */
  readonly provider: string;
  /** The provider's id of the model. */
  readonly model: string;
  readonly reason: ReasonName;
  /** HTTP status of the provider. Unset: there was no answer. */
  readonly httpStatus?: number;
  readonly durationMs: number;
}

/** How many targets one constraint excluded. */
export interface ErrorExclusion {
  /** The constraint, as a field path or a rule, for example `routing.constraints.regions`. */
  readonly constraint: string;
  readonly count: number;
  /** One of the targets, as provider/model. */
  readonly example: string;
}

/** A provider's own error, redacted by the gateway. */
export interface ErrorUpstream {
  readonly httpStatus?: number;
  readonly type: string;
  readonly code: string;
  readonly message: string;
  readonly requestId: string;
}

/** What a stream had delivered when it broke. It is a fragment, never an answer. */
export interface Delivered {
  /** Id of the request. Empty: the stream had not started. */
  readonly requestId: string;
  /** Who answered. */
  readonly origin?: Origin;
  /** Text of the first candidate. */
  readonly text: string;
  /** What each candidate has, unfinished parts included. */
  readonly candidates: readonly Candidate[];
  /** Number of the last event. 0: there was none. */
  readonly lastSeq: number;
  /** Consumption so far, where it is known. */
  readonly usage?: Usage;
  /** What that costs so far, where it is known. */
  readonly cost?: Cost;
}

/** What is known about an error besides its message. */
export interface ErrorFacts {
  readonly reason: ReasonName;
  readonly fault: FaultName;
  readonly retryable: boolean;
  readonly safeToRetry: boolean;
  readonly retryDelayMs?: number;
  readonly field?: string;
  readonly attempts?: readonly ErrorAttempt[];
  readonly exclusions?: readonly ErrorExclusion[];
  readonly upstream?: ErrorUpstream;
  readonly requestId?: string;
  readonly errorId?: string;
}

/** What an error carries beside its facts; neither is printed with it. */
export interface ErrorContext {
  readonly cause?: unknown;
  readonly delivered?: Delivered;
}

/** Every failure of a request, on every protocol. Branch on `reason`, never on `message`. */
export class ParleyRequestError extends Error {
  override readonly name: string = "ParleyRequestError";
  /** What went wrong. */
  readonly reason: ReasonName;
  /** Who can do something about it. */
  readonly fault: FaultName;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  /** Whether a retry repeats nothing: no content was delivered. */
  readonly safeToRetry: boolean;
  /** When to retry, in milliseconds from now. Undefined: not known. */
  readonly retryDelayMs: number | undefined;
  /** The request's field, as a path. Empty: no single field. */
  readonly field: string;
  /** What the gateway tried, at most 5. */
  readonly attempts: readonly ErrorAttempt[];
  /** Which constraint excluded how many targets. */
  readonly exclusions: readonly ErrorExclusion[];
  /** What the provider said. Undefined: nothing. */
  readonly upstream: ErrorUpstream | undefined;
  /** Id of the request, to find its trace at the gateway. Empty: it never got one. */
  readonly requestId: string;
  /** Id of this error: a stream's `failed` event and its status share one. Empty: it did not come from a gateway. */
  readonly errorId: string;
  readonly #delivered: Delivered | undefined;

  constructor(message: string, facts: ErrorFacts, context: ErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.reason = facts.reason;
    this.fault = facts.fault;
    this.retryable = facts.retryable;
    this.safeToRetry = facts.safeToRetry;
    this.retryDelayMs = facts.retryDelayMs;
    this.field = facts.field ?? "";
    this.attempts = facts.attempts ?? [];
    this.exclusions = facts.exclusions ?? [];
    this.upstream = facts.upstream;
    this.requestId = facts.requestId ?? "";
    this.errorId = facts.errorId ?? "";
    this.#delivered = context.delivered;
  }

  // Behind a getter, so that printing or serialising an error does not print a model's words.
  /** What the stream had delivered. Undefined: nothing, or the request was not streamed. */
  get delivered(): Delivered | undefined {
    return this.#delivered;
  }
}

/** A stream that ended, or was cut, before its terminal. `delivered` has the fragment; `reason` is `STREAM_INTERRUPTED`. */
export class TruncatedStreamError extends ParleyRequestError {
  override readonly name = "TruncatedStreamError";
}

/**
 * A stream that breaks the contract's order: a gap in `seq`, an event after the terminal, `completed` with something
 * unfinished. What arrived cannot be trusted; `reason` is `GATEWAY_INTERNAL`.
 */
export class BrokenStreamError extends ParleyRequestError {
  override readonly name = "BrokenStreamError";
}
