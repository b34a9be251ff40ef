import type { Adaptation, ChatRequest, GatewayError, StreamEvent } from "../contract/index.ts";
import type { ParleyError } from "../errors/index.ts";
import type { Principal } from "../policy/principal.ts";

/** One chat request as a surface hands it to the pipeline. */
export interface ChatCall {
  /** Ours and unique; the same in `x-request-id`, in every error and in the books. */
  readonly requestId: string;
  /** Who calls: authenticated at the door, before the request's body was read, so that strangers cannot fill the memory. */
  readonly caller: Principal;
  readonly request: ChatRequest;
  /** What the gateway itself has changed of the request as it came; undefined: nothing. */
  readonly adaptations?: readonly Adaptation[];
  /** Whether the caller wants events as they come, or one whole answer. Upstream is called the same way. */
  readonly stream: boolean;
  /** How long the caller will wait, in milliseconds from now; undefined: the configured total. */
  readonly timeoutMs: number | undefined;
  /** Aborts when the caller has left, or by `abort`; its reason is a `ParleyError`. */
  readonly signal: AbortSignal;
  /** Ends the request from within, as a shutdown does whose grace is over. */
  readonly abort: (reason: ParleyError) => void;
  /** Whether the caller's format gives provider state (signatures, encrypted reasoning) out and takes it back. */
  readonly carriesState: boolean;
  /** Whether the caller's format can say that the answer starts over. */
  readonly takesReset: boolean;
  /** Told how the caller's rate limits stand, as headers of the answer; each time instead of the last. Unset: nobody asks. */
  readonly onRates?: (headers: Readonly<Record<string, string>>) => void;
  /** Which door the request came through, for the books: `connect` or `openai`. */
  readonly surface: string;
  /** Why the gateway calls on its own account, so that no key is charged; unset: a caller asks. */
  readonly own?: "shadow" | "probe";
}

/** Where the pipeline puts the events of one answer. A surface implements it; a unary surface folds. */
export interface EventSink {
  /**
   * Takes events in order; the array is the sink's to keep. Returns false when the caller reads more slowly than
   * events come: the pipeline then stops reading upstream until `onDrain` is called.
   */
  write(events: StreamEvent[]): boolean;
  /** Set by the pipeline. The sink calls it when it can take more after `write` returned false. */
  onDrain: (() => void) | undefined;
}

/** How a request ended. */
export type ChatOutcome =
  /** `completed` was written to the sink. */
  | { readonly kind: "completed" }
  /**
   * The request failed. `delivered` tells whether the sink has had anything, `kept_alive` included: then its last
   * event is `failed` with this very error; otherwise the sink has had nothing and the error is the whole answer.
   */
  | {
      readonly kind: "failed";
      readonly error: ParleyError;
      /** The error as every surface shows it, attempts included. */
      readonly gatewayError: GatewayError;
      readonly delivered: boolean;
    };
