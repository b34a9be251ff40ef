import { create } from "@bufbuild/protobuf";
import {
  ErrorReason,
  type Attempt,
  type Cost,
  type FailedAttempt,
  FailedAttemptSchema,
  type Origin,
  type Usage,
} from "../contract/index.ts";
import { reasonName, type ParleyError } from "../errors/index.ts";
import { estimateUsage, inputSize, type InputSize } from "../ledger/estimate.ts";
import { costOf } from "../ledger/pricing.ts";
import type { Hold } from "../policy/budgets/hold.ts";
import { requestTokens } from "../routing/cost.ts";
import type { AttemptOutcome } from "../routing/live.ts";
import type { Target } from "../routing/target.ts";
import { crashPoint } from "../runtime/crash-point.ts";
import type { ChatCall } from "./call.ts";
import { cutOffCost, heldCost } from "./cut-off.ts";
import type { ChatParts } from "./parts.ts";
import type { CallProgress } from "./call-progress.ts";
import { tokensOf } from "./pace.ts";

/** After how many events of content, or how long, a running stream's books note how far it has come. */
const CHECKPOINT_EVENTS = 64;
const CHECKPOINT_MS = 1_000;

/** The books of one request: one record before each attempt goes out, one when it ends, one for the request's end. */
export class Account {
  readonly #parts: ChatParts;
  #call: ChatCall;
  readonly #receivedAtMs: number;
  readonly #startedMs: number;
  #inputSize: InputSize | undefined;
  readonly #attempts: Attempt[] = [];
  #opened = 0;

  constructor(parts: ChatParts, call: ChatCall, receivedAtMs: number) {
    this.#parts = parts;
    this.#call = call;
    this.#receivedAtMs = receivedAtMs;
    this.#startedMs = parts.runtime.monotonicMs();
  }

  /** Its request is what is charged: as it goes out. */
  get call(): ChatCall {
    return this.#call;
  }

  set call(call: ChatCall) {
    this.#call = call;
    // Content rules may have made it longer.
    this.#inputSize = undefined;
  }

  /** Size of the request's input, worked out once and only where somebody asks. */
  get inputSize(): InputSize {
    this.#inputSize ??= inputSize(this.call.request);
    return this.#inputSize;
  }

  /** Tokens of all ended attempts, input and output. */
  get usedTokens(): number {
    return this.#attempts.reduce((sum, { usage }) => sum + tokensOf(usage), 0);
  }

  /** What was tried so far, ended attempts only. */
  get attempts(): readonly Attempt[] {
    return this.#attempts;
  }

  /** The attempts that failed, as errors show them. */
  get failedAttempts(): FailedAttempt[] {
    return this.#attempts.map(({ target, reason, httpStatus, durationMs }) =>
      create(FailedAttemptSchema, {
        reason,
        durationMs,
        ...(target ? { target } : {}),
        ...(httpStatus === undefined ? {} : { httpStatus }),
      }),
    );
  }

  /** An attempt is about to go out. Rejects when the books cannot be written: then it must not. */
  async open(target: Target, dialect: string, credentialId: string, hold: Hold | undefined): Promise<OpenAttempt> {
    const { runtime, ledger } = this.#parts;
    const open: OpenAttempt = {
      number: ++this.#opened,
      target,
      dialect,
      openedMs: runtime.monotonicMs(),
      events: 0,
      checkpointMs: undefined,
      ended: false,
      hold,
    };
    await ledger.forwarded({
      kind: "forwarded",
      requestId: this.call.requestId,
      attempt: open.number,
      receivedAtMs: this.#receivedAtMs,
      forwardedAtMs: runtime.nowMs(),
      keyId: this.call.caller.keyId,
      surface: this.call.surface,
      requestedModel: this.call.request.model,
      provider: target.provider,
      model: target.model,
      credentialId,
      stream: this.call.stream,
      inputTokensUpperBound: this.inputSize.upperBound,
      priceVersion: target.facts.prices?.version,
      organisation: this.call.caller.organisation,
      project: this.call.caller.project,
      hold: hold && { nanoUsd: hold.nanoUsd, buckets: hold.buckets },
      tags: this.call.request.tags,
      ...(this.call.own ? { shadow: true as const } : {}),
    });
    return open;
  }

  /** More content of an attempt has come. Now and then the books note how far: from there on a crash is estimated. */
  streamed(open: OpenAttempt, events: number, produced: Produced): void {
    if (open.ended) return; // these events were its last
    const { runtime, ledger } = this.#parts;
    const nowMs = runtime.monotonicMs();
    if (open.checkpointMs === undefined) crashPoint("first_content");
    open.checkpointMs ??= nowMs;
    open.events += events;
    if (open.events < CHECKPOINT_EVENTS && nowMs - open.checkpointMs < CHECKPOINT_MS) return;
    open.events = 0;
    open.checkpointMs = nowMs;
    const usage = this.estimate(produced.usage, produced.outputChars);
    ledger.streamed({
      kind: "partially_streamed",
      requestId: this.call.requestId,
      attempt: open.number,
      atMs: runtime.nowMs(),
      usage,
      cost: costOf(usage, open.target.facts.prices, undefined),
    });
  }

  /**
   * What an attempt that has answered costs by what it reported; without a report, or a price of all of it, all that was
   * held for it. Undefined: no price is known.
   */
  cost(
    { target, hold }: OpenAttempt,
    { usage, reported }: { readonly usage: Usage; readonly reported: Usage | undefined },
    serviceTier: string | undefined,
  ): Cost | undefined {
    const cost = costOf(usage, target.facts.prices, serviceTier);
    return hold && (!reported || cost?.nanoUsd === undefined) ? heldCost(target, hold) : cost;
  }

  /** What an attempt that has failed is billed, as far as anybody knows. */
  brokenCost(open: OpenAttempt, usage: Usage | undefined, progress: CallProgress): Cost | undefined {
    const { request, stream } = this.call;
    return cutOffCost({
      target: open.target,
      progress,
      stream,
      usage,
      hold: open.hold,
      tokens: requestTokens(request, this.inputSize),
      durationMs: this.#parts.runtime.monotonicMs() - open.openedMs,
    });
  }

  /** An attempt has ended: `usage` and `cost` as they will be charged. Returns how it went, as statistics want it. */
  close(open: OpenAttempt, end: AttemptEnd): ClosedAttempt {
    const { number, target, dialect, openedMs } = open;
    open.ended = true;
    const { runtime, ledger, observer } = this.#parts;
    const { httpStatus, upstreamRequestId, responseMs, firstContentMs } = end.progress;
    const attempt: Attempt = {
      $typeName: "parley.v1.Attempt",
      number,
      target: originOf(target, dialect),
      durationMs: Math.round(runtime.monotonicMs() - openedMs),
      reason: end.error?.reason ?? ErrorReason.UNSPECIFIED,
      message: end.error?.message ?? "",
      startedAfterMs: Math.round(openedMs - this.#startedMs),
    };
    if (responseMs !== undefined) attempt.responseMs = Math.round(responseMs);
    if (firstContentMs !== undefined) attempt.firstContentMs = Math.round(firstContentMs);
    if (httpStatus !== undefined) attempt.httpStatus = httpStatus;
    if (upstreamRequestId !== undefined) attempt.upstreamRequestId = upstreamRequestId;
    if (end.usage) attempt.usage = end.usage;
    if (end.cost) attempt.cost = end.cost;
    this.#list(attempt);
    this.#settle(open, end.cost);
    ledger.ended({
      kind: "attempt_ended",
      requestId: this.call.requestId,
      attempt: attempt.number,
      state: end.error ? "failed" : "completed",
      endedAtMs: runtime.nowMs(),
      reason: end.error ? reasonName(end.error.reason).toLowerCase() : undefined,
      httpStatus,
      upstreamRequestId,
      firstContentMs,
      usage: end.usage,
      cost: end.cost,
    });
    if (this.call.own) observer.ownCallEnded(this.call.own, attempt, target);
    else observer.attemptEnded(attempt, target);
    const outputTokens = end.usage && (end.usage.outputTokens ?? 0) + (end.usage.reasoningTokens ?? 0);
    return { durationMs: attempt.durationMs, firstContentMs: attempt.firstContentMs, outputTokens };
  }

  // The one that has answered stands last, whichever of two that ran beside each other is through first.
  #list(attempt: Attempt): void {
    const answered = this.#attempts.at(-1)?.reason === ErrorReason.UNSPECIFIED;
    this.#attempts.splice(this.#attempts.length - (answered ? 1 : 0), 0, attempt);
  }

  #settle({ hold }: OpenAttempt, cost: Cost | undefined): void {
    if (hold) this.#parts.budgets.settle(hold, cost?.nanoUsd === undefined ? hold.nanoUsd : Number(cost.nanoUsd));
  }

  /** The request has ended. */
  end(error: ParleyError | undefined): void {
    if (this.#attempts.length === 0) return; // no provider was contacted: there is nothing to keep books about
    // An answer that its limit ended just as the provider broke off has failed at the provider.
    const last = this.#attempts.at(-1)?.reason || undefined;
    const reason = error?.reason ?? last;
    this.#parts.ledger.ended({
      kind: "request_ended",
      requestId: this.call.requestId,
      state: reason === undefined ? "completed" : "failed",
      endedAtMs: this.#parts.runtime.nowMs(),
      reason: reason === undefined ? undefined : reasonName(reason).toLowerCase(),
      attempts: this.#attempts.length,
    });
  }

  /** Usage of an attempt that broke off: what it reported, completed by an estimate from what it said. */
  brokenUsage(reported: Usage | undefined, outputChars: number, progress: CallProgress): Usage | undefined {
    const answered = progress.httpStatus !== undefined && progress.httpStatus < 300;
    if (!answered && !reported) return undefined; // rejected or never answered: nothing was produced
    return this.estimate(reported, outputChars);
  }

  /** Usage of an attempt from what it reported and what it said. */
  estimate(reported: Usage | undefined, outputChars: number): Usage {
    const { upperBound, likely } = this.inputSize;
    return estimateUsage({ reported, outputChars, inputTokensUpperBound: upperBound, likelyInputTokens: likely });
  }
}

/** What an attempt has given so far. */
interface Produced {
  readonly usage: Usage | undefined;
  /** UTF-16 units of output. */
  readonly outputChars: number;
}

/** An attempt that is in the books and has not ended. */
export interface OpenAttempt {
  /** From 1. */
  readonly number: number;
  readonly target: Target;
  readonly dialect: string;
  readonly openedMs: number;
  /** Content events since its last checkpoint, and when that was. */
  events: number;
  checkpointMs: number | undefined;
  ended: boolean;
  /** What budgets have set aside for it; undefined: none concerns it. */
  readonly hold: Hold | undefined;
}

/** How long an attempt took and what it gave. */
export type ClosedAttempt = Pick<AttemptOutcome, "durationMs" | "firstContentMs" | "outputTokens">;

/** How an attempt ended, for the books. */
export interface AttemptEnd {
  readonly error: ParleyError | undefined;
  readonly progress: Readonly<CallProgress>;
  readonly usage: Usage | undefined;
  readonly cost: Cost | undefined;
}

/** The origin of what a target says. */
export function originOf(target: Target, dialect: string): Origin {
  const origin: Origin = { $typeName: "parley.v1.Origin", provider: target.provider, dialect, model: target.model };
  if (target.region !== undefined) origin.region = target.region;
  return origin;
}
