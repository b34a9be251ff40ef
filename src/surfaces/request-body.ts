import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { ParleyError } from "../errors/index.ts";
import type { Runtime, Timer } from "../runtime/runtime.ts";
import type { InFlightBudget } from "./in-flight-budget.ts";

/** How a body is read, and how much of it. */
export interface ReadBodyOptions {
  /** Most bytes of the body. */
  readonly maxBytes: number;
  /** Time for the whole body to arrive. */
  readonly timeoutMs: number;
  readonly runtime: Runtime;
  /**
   * Where given, the body's bytes are taken from it while they arrive. After success the caller owns them and gives
   * `body.length` back when the request is over (`try { … } finally { budget.give(body.length) }`); after a failure
   * nothing is held.
   */
  readonly budget?: InFlightBudget;
  /** Content encodings that pass undecoded, beside `identity`. Unset: none. */
  readonly encodings?: readonly string[];
}

/**
 * The whole body of a request. Throws `REQUEST_TOO_LARGE` (before reading where `content-length` tells),
 * `GATEWAY_OVERLOADED` when the budget is spent, `INVALID_REQUEST` for a content encoding that is not accepted and for a
 * body that does not come in time, `CANCELLED` when the client leaves. What is not read of a refused body is discarded.
 */
export function readBody(request: IncomingMessage | Http2ServerRequest, options: ReadBodyOptions): Promise<Buffer> {
  const refusal = refusalByHeaders(request, options);
  if (!refusal) return new BodyReader(request, options).promise;
  request.resume();
  return Promise.reject(refusal);
}

function refusalByHeaders(
  request: IncomingMessage | Http2ServerRequest,
  options: ReadBodyOptions,
): ParleyError | undefined {
  const encoding = request.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity" && !options.encodings?.includes(encoding)) {
    const accepted = ["identity", ...(options.encodings ?? [])].join(", ");
    return new ParleyError(
      "INVALID_REQUEST",
      `Cannot read the request: its content-encoding is not accepted; send ${accepted}`,
      { field: "content-encoding" },
    );
  }
  const length = declaredLength(request);
  return length !== undefined && length > options.maxBytes ? tooLarge(options.maxBytes, length) : undefined;
}

/** The refusal of a request larger than `maxBytes`; `bytes` is its size where it is known. */
export function tooLarge(maxBytes: number, bytes?: number): ParleyError {
  const size = bytes === undefined ? "its body is larger" : `its body has ${bytes} bytes, more`;
  return new ParleyError("REQUEST_TOO_LARGE", `Cannot take the request: ${size} than the limit of ${maxBytes} bytes`);
}

function declaredLength(request: IncomingMessage | Http2ServerRequest): number | undefined {
  const text = request.headers["content-length"];
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

class BodyReader {
  readonly promise: Promise<Buffer>;
  readonly #request: IncomingMessage | Http2ServerRequest;
  readonly #options: ReadBodyOptions;
  readonly #chunks: Buffer[] = [];
  readonly #timer: Timer;
  #bytes = 0;
  #takenBytes = 0;
  #resolve: (body: Buffer) => void = () => undefined;
  #reject: (error: ParleyError) => void = () => undefined;
  #settled = false;

  constructor(request: IncomingMessage | Http2ServerRequest, options: ReadBodyOptions) {
    this.#request = request;
    this.#options = options;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#timer = options.runtime.setTimer(options.timeoutMs, () => this.#fail(tooSlow(options.timeoutMs)));
    // A declared length is taken whole before the first byte: requests that cannot fit together are shed early.
    if (!this.#take(declaredLength(request) ?? 0)) return;
    request.on("data", this.#onData);
    request.once("end", this.#onEnd);
    request.once("close", this.#onClose);
    request.once("error", this.#onClose);
    if (request.destroyed) this.#onClose();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#options.maxBytes) this.#fail(tooLarge(this.#options.maxBytes));
    else if (this.#bytes <= this.#takenBytes || this.#take(this.#bytes - this.#takenBytes)) this.#chunks.push(chunk);
  };

  readonly #onEnd = (): void => {
    if (!this.#settle()) return;
    // A body shorter than its declared length never gets here: both protocols refuse it.
    if (this.#takenBytes > this.#bytes) this.#give(this.#takenBytes - this.#bytes);
    this.#resolve(this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#bytes));
  };

  readonly #onClose = (): void => {
    this.#fail(new ParleyError("CANCELLED", "Cannot read the request: the client left before its body was complete"));
  };

  #take(bytes: number): boolean {
    const { budget } = this.#options;
    if (budget && !budget.tryTake(bytes)) {
      this.#fail(
        new ParleyError(
          "GATEWAY_OVERLOADED",
          `Cannot take the request: the requests in flight fill the limit of ${budget.maxBytes} bytes; retry later`,
          { retryDelayMs: 1000 },
        ),
      );
      return false;
    }
    this.#takenBytes += bytes;
    return true;
  }

  #give(bytes: number): void {
    this.#options.budget?.give(bytes);
    this.#takenBytes -= bytes;
  }

  #fail(error: ParleyError): void {
    if (!this.#settle()) return;
    this.#give(this.#takenBytes);
    this.#chunks.length = 0;
    this.#request.resume();
    this.#reject(error);
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#timer.cancel();
    this.#request.off("data", this.#onData);
    this.#request.off("end", this.#onEnd);
    this.#request.off("close", this.#onClose);
    this.#request.off("error", this.#onClose);
    // A socket may still fail while what was refused is being discarded.
    this.#request.on("error", () => undefined);
    return true;
  }
}

function tooSlow(timeoutMs: number): ParleyError {
  return new ParleyError(
    "INVALID_REQUEST",
    `Cannot read the request: its body was not complete after ${timeoutMs} ms; send it faster or in smaller requests`,
  );
}
