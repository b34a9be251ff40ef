import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  ErrorReason,
  TraceSchema,
  type Attempt,
  type ChatRequest,
  type Decision,
  type Trace,
} from "../contract/index.ts";
import type { ParleyError } from "../errors/index.ts";
import { describeDecision, type Decided } from "../routing/describe.ts";

/** Where the traces of requests wait for those who ask; see `TraceStore`. */
export interface TracePort {
  /** A request of this key has ended. The request is lent for the call: its content must not be kept. */
  keep(keyId: string, trace: RequestTrace, request: ChatRequest): void;
}

/** What became of one request so far. Holds no content; the message is made only when somebody asks for it. */
export class RequestTrace {
  readonly requestId: string;
  readonly receivedAtMs: number;
  readonly #startedMs: number;
  readonly #attempts: readonly Attempt[];
  readonly #shadows: (readonly Attempt[])[] = [];
  #routed: { readonly decided: Decided; readonly afterUs: number } | undefined;
  #failure: Pick<ParleyError, "reason" | "message"> | undefined;
  #durationMs: number | undefined;

  /** `attempts` is the list that grows while the request runs. */
  constructor(requestId: string, receivedAtMs: number, startedMs: number, attempts: readonly Attempt[]) {
    this.requestId = requestId;
    this.receivedAtMs = receivedAtMs;
    this.#startedMs = startedMs;
    this.#attempts = attempts;
  }

  /** How much it holds, in candidates and attempts. */
  get weight(): number {
    return 1 + this.#attempts.length + this.#shadows.length + (this.#routed?.decided.candidates.length ?? 0);
  }

  /** What was found of the request, whether or not a target may serve it. */
  routed(decided: Decided, nowMs: number): void {
    this.#routed = { decided, afterUs: Math.round((nowMs - this.#startedMs) * 1000) };
  }

  /** A copy of the request has gone out; `attempts` is the list that its attempt joins when it has ended. */
  shadowed(attempts: readonly Attempt[]): void {
    this.#shadows.push(attempts);
  }

  /** The request has ended. */
  ended(error: ParleyError | undefined, nowMs: number): void {
    // Not the error itself, which may hold what caused it.
    this.#failure = error && { reason: error.reason, message: error.message };
    this.#durationMs = Math.round(nowMs - this.#startedMs);
  }

  /** The contract's message for it. `nowMs` counts where the request has not ended. */
  describe(nowMs: number): Trace {
    const last = this.#attempts.at(-1);
    const served = this.#failure === undefined && last?.reason === ErrorReason.UNSPECIFIED ? last.target : undefined;
    return create(TraceSchema, {
      requestId: this.requestId,
      receivedAt: timestampFromMs(this.receivedAtMs),
      attempts: [...this.#attempts],
      shadows: this.#shadows.flat(),
      durationMs: this.#durationMs ?? Math.round(nowMs - this.#startedMs),
      ...(this.#routed ? { decision: this.decision(), routedAfterUs: this.#routed.afterUs } : {}),
      ...(served ? { served } : {}),
      ...this.#failure,
    });
  }

  /** What was decided; undefined: the request was refused before. */
  decision(): Decision | undefined {
    return this.#routed && describeDecision(this.#routed.decided);
  }
}
