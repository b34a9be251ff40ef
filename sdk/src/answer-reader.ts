import { create } from "@bufbuild/protobuf";
import { AnswerFold } from "./answer-fold.ts";
import { callErrorFrom, isExplained, type CallContext } from "./call-error.ts";
import { GatewayErrorSchema, type ChatResponse, type StreamEvent } from "./contract.ts";
import { BrokenStreamError, TruncatedStreamError, type Delivered } from "./errors.ts";
import { fromGatewayError } from "./gateway-error-from.ts";

/** Watches the events of one answer: throws where they are not a whole answer in order, and folds them on the way. */
export class AnswerReader {
  readonly #fold = new AnswerFold();
  #lastSeq = 0;
  #completed = false;

  /** Takes the next event. Throws the stream's failure, or `BrokenStreamError` where it may not come next. */
  take(event: StreamEvent): void {
    const name = event.event.case ?? "an event";
    if (this.#completed) throw this.#broken(`${name} came after completed`);
    this.#checkSeq(event, name);
    this.#fold.add(event);
    if (event.event.case === "failed") {
      const error = event.event.value.error ?? create(GatewayErrorSchema);
      throw fromGatewayError(error, { delivered: this.delivered });
    }
    if (event.event.case !== "completed") return;
    const missing = this.#fold.missing();
    if (missing) throw this.#broken(`it says completed, but ${missing}`);
    this.#completed = true;
  }

  /** The stream has ended without an error. Throws `TruncatedStreamError` where the answer is not complete. */
  end(): void {
    if (!this.#completed) throw this.#truncated("the stream ended without completed or failed");
  }

  /**
   * The stream has ended with an error: throws it as what it means here. Returns where the answer was complete and
   * nothing but its connection broke afterwards.
   */
  interrupt(thrown: unknown, call: CallContext = {}): void {
    const explained = isExplained(thrown);
    if (this.#completed && !explained) return;
    const error = callErrorFrom(thrown, this.#lastSeq > 0 ? { ...call, delivered: this.delivered } : call);
    const ours = error.reason === "CANCELLED" || error.reason === "DEADLINE_EXCEEDED";
    if (explained || ours || this.#lastSeq === 0) throw error;
    throw this.#truncated("its connection broke", thrown);
  }

  /** Whether `completed` has come. */
  get completed(): boolean {
    return this.#completed;
  }

  /** The whole answer, or undefined as long as it is not complete. */
  get response(): ChatResponse | undefined {
    return this.#completed ? this.#fold.response() : undefined;
  }

  /** What was delivered so far: a fragment. */
  get delivered(): Delivered {
    return this.#fold.delivered(this.#lastSeq);
  }

  #checkSeq(event: StreamEvent, name: string): void {
    const { seq } = event;
    if (seq === undefined) {
      // kept_alive has no number, and newer gateways may have more of its sort
      if (event.event.case === undefined || event.event.case === "keptAlive") return;
      throw this.#broken(`${name} has no seq`);
    }
    if (seq !== this.#lastSeq + 1) throw this.#broken(`seq ${seq} follows ${this.#lastSeq}`);
    this.#lastSeq = seq;
  }

  #truncated(what: string, cause?: unknown): TruncatedStreamError {
    const seen = `${this.#lastSeq} events had arrived`;
    return new TruncatedStreamError(
      `Cannot complete the answer: ${what}; ${seen}`,
      {
        reason: "STREAM_INTERRUPTED",
        fault: "gateway",
        retryable: true,
        safeToRetry: !this.#fold.hasContent,
        requestId: this.#fold.requestId,
      },
      { cause, delivered: this.delivered },
    );
  }

  #broken(what: string): BrokenStreamError {
    return new BrokenStreamError(
      `Cannot trust the stream: ${what}`,
      {
        reason: "GATEWAY_INTERNAL",
        fault: "gateway",
        retryable: false,
        safeToRetry: !this.#fold.hasContent,
        requestId: this.#fold.requestId,
      },
      { delivered: this.delivered },
    );
  }
}
