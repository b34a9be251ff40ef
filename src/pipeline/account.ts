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
import type { ChatCall } from "./call.ts";
import { cutOffCost, heldCost } from "./cut-off.ts";
import type { ChatParts } from "./parts.ts";
import type { CallProgress } from "./send.ts";

/** The books of one request: one record before each attempt goes out, one when it ends, one for the request's end. */
export class Account {
  readonly #parts: ChatParts;
  readonly #call: ChatCall;
  readonly #receivedAtMs: number;
  readonly #startedMs: number;
  #inputSize: InputSize | undefined;
  readonly #attempts: Attempt[] = [];
  #openedMs = 0;
  #hold: Hold | undefined;
  #dialect = "";

  constructor(parts: ChatParts, call: ChatCall, receivedAtMs: number) {
    this.#parts = parts;
    this.#call = call;
    this.#receivedAtMs = receivedAtMs;
    this.#startedMs = parts.runtime.monotonicMs();
  }

  /** Size of the request's input, worked out once and only where somebody asks. */
  get inputSize(): InputSize {
    this.#inputSize ??= inputSize(this.#call.request);
    return this.#inputSize;
  }

  /** What was tried so far, ended attempts only. */
  get attempts(): readonly Attempt[] {
    return this.#attempts;
  }

  /** How long the last ended attempt took and what it gave, as statistics want it. */
  get lastOutcome(): Pick<AttemptOutcome, "durationMs" | "firstContentMs" | "outputTokens"> {
    const { durationMs = 0, firstContentMs, usage } = this.#attempts.at(-1) ?? {};
    return {
      durationMs,
      firstContentMs,
      outputTokens: usage && (usage.outputTokens ?? 0) + (usage.reasoningTokens ?? 0),
    };
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
  async open(target: Target, dialect: string, credentialId: string, hold: Hold | undefined): Promise<void> {
    const { runtime, ledger } = this.#parts;
    this.#hold = hold;
    this.#dialect = dialect;
    this.#openedMs = runtime.monotonicMs();
    await ledger.forwarded({
      kind: "forwarded",
      requestId: this.#call.requestId,
      attempt: this.#attempts.length + 1,
      receivedAtMs: this.#receivedAtMs,
      forwardedAtMs: runtime.nowMs(),
      keyId: this.#call.caller.keyId,
      surface: this.#call.surface,
      requestedModel: this.#call.request.model,
      provider: target.provider,
      model: target.model,
      credentialId,
      stream: this.#call.stream,
      inputTokensUpperBound: this.inputSize.upperBound,
      priceVersion: target.facts.prices?.version,
      organisation: this.#call.caller.organisation,
      project: this.#call.caller.project,
      hold: hold && { nanoUsd: hold.nanoUsd, buckets: hold.buckets },
      tags: this.#call.request.tags,
    });
  }

  /**
   * What an attempt that has answered costs by what it reported; without a report, or a price of all of it, all that was
   * held for it. Undefined: no price is known.
   */
  cost(
    target: Target,
    { usage, reported }: { readonly usage: Usage; readonly reported: Usage | undefined },
    serviceTier: string | undefined,
  ): Cost | undefined {
    const cost = costOf(usage, target.facts.prices, serviceTier);
    return this.#hold && (!reported || cost?.nanoUsd === undefined) ? heldCost(target, this.#hold) : cost;
  }

  /** What an attempt that has failed is billed, as far as anybody knows. */
  brokenCost(target: Target, usage: Usage | undefined, progress: CallProgress): Cost | undefined {
    const { request, stream } = this.#call;
    return cutOffCost({
      target,
      progress,
      stream,
      usage,
      hold: this.#hold,
      tokens: requestTokens(request, this.inputSize),
      durationMs: this.#parts.runtime.monotonicMs() - this.#openedMs,
    });
  }

  /** An attempt has ended: `usage` and `cost` as they will be charged. */
  close(target: Target, end: AttemptEnd): void {
    const { runtime, ledger, observer } = this.#parts;
    const { httpStatus, upstreamRequestId, responseMs, firstContentMs } = end.progress;
    const attempt: Attempt = {
      $typeName: "parley.v1.Attempt",
      number: this.#attempts.length + 1,
      target: originOf(target, this.#dialect),
      durationMs: Math.round(runtime.monotonicMs() - this.#openedMs),
      reason: end.error?.reason ?? ErrorReason.UNSPECIFIED,
      message: end.error?.message ?? "",
      startedAfterMs: Math.round(this.#openedMs - this.#startedMs),
    };
    if (responseMs !== undefined) attempt.responseMs = Math.round(responseMs);
    if (firstContentMs !== undefined) attempt.firstContentMs = Math.round(firstContentMs);
    if (httpStatus !== undefined) attempt.httpStatus = httpStatus;
    if (upstreamRequestId !== undefined) attempt.upstreamRequestId = upstreamRequestId;
    if (end.usage) attempt.usage = end.usage;
    if (end.cost) attempt.cost = end.cost;
    this.#attempts.push(attempt);
    this.#settle(end.cost);
    ledger.ended({
      kind: "attempt_ended",
      requestId: this.#call.requestId,
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
    observer.attemptEnded(attempt, target);
  }

  #settle(cost: Cost | undefined): void {
    const hold = this.#hold;
    this.#hold = undefined;
    if (hold) this.#parts.budgets.settle(hold, cost?.nanoUsd === undefined ? hold.nanoUsd : Number(cost.nanoUsd));
  }

  /** The request has ended. */
  end(error: ParleyError | undefined): void {
    if (this.#attempts.length === 0) return; // no provider was contacted: there is nothing to keep books about
    this.#parts.ledger.ended({
      kind: "request_ended",
      requestId: this.#call.requestId,
      state: error ? "failed" : "completed",
      endedAtMs: this.#parts.runtime.nowMs(),
      reason: error ? reasonName(error.reason).toLowerCase() : undefined,
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
