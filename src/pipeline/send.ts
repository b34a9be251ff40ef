import { isUtf8 } from "node:buffer";
import { Support, isContent, type StreamEvent } from "../contract/index.ts";
import { ParleyError, redactRemembered } from "../errors/index.ts";
import type { DecodeOptions, PreparedCall, StreamDecoder } from "../providers/adapter.ts";
import type { Headroom } from "../routing/live.ts";
import type { Target } from "../routing/target.ts";
import type { Runtime, Timer } from "../runtime/runtime.ts";
import { SseFrames } from "../upstream/sse.ts";
import type { UpstreamCall, UpstreamClient, UpstreamHandler } from "../upstream/upstream.ts";
import type { Delivery } from "./normalise.ts";
import type { ChatLimits } from "./parts.ts";
import { expired } from "./expired.ts";
import type { Watch } from "./watch.ts";

/** One call to one target. */
export interface SendOptions {
  readonly runtime: Runtime;
  readonly upstream: UpstreamClient;
  readonly target: Target;
  readonly prepared: PreparedCall;
  readonly stream: boolean;
  readonly limits: ChatLimits;
  readonly delivery: Delivery;
  readonly watch: Watch;
  /** Whether the caller, and not the gateway, set the deadline that `watch` keeps. */
  readonly deadlineIsCallers: boolean;
  /** Aborts when the caller has left or the gateway ends the request, with a `ParleyError` as its reason. */
  readonly signal: AbortSignal;
  /** Told of what the dialect does not know in the answer. */
  readonly onDrift: (dialect: string, path: string) => void;
  /** Written as the call goes on. */
  readonly progress: CallProgress;
}

/** What is known of a call so far. */
export interface CallProgress {
  httpStatus: number | undefined;
  upstreamRequestId: string | undefined;
  /** Time to the response's headers, in milliseconds. */
  responseMs: number | undefined;
  /** Time to first content, in milliseconds. */
  firstContentMs: number | undefined;
  /** What the provider's own limits leave. */
  headroom: Headroom | undefined;
}

/**
 * Calls a target and delivers what it says. Resolves when the call is over: with undefined where the answer is complete
 * and delivered, else with what went wrong. Never rejects.
 */
export function send(options: SendOptions): Promise<ParleyError | undefined> {
  return new Promise((resolve) => new Exchange(options, resolve).start());
}

const BYTE_ORDER_MARK = /^\uFEFF/;
const MAX_ERROR_BYTES = 64 * 1024;
const DRAIN_AFTER_END_MS = 1_000;

class Exchange implements UpstreamHandler {
  readonly #options: SendOptions;
  readonly #resolve: (error: ParleyError | undefined) => void;
  readonly #startedMs: number;
  // The caller has left, or the gateway ends the request: the signal says which.
  readonly #onAbort = (): void => this.#fail(ParleyError.from(this.#options.signal.reason));
  #call: UpstreamCall | undefined;
  #over = false;
  #status: number | undefined;
  #headers: Readonly<Record<string, string>> = {};
  // A 2xx event stream goes through frames and decoder; everything else is collected up to a limit.
  #frames: SseFrames | undefined;
  #decoder: StreamDecoder | undefined;
  #batch: StreamEvent[] = [];
  #chunks: Buffer[] = [];
  #collectedBytes = 0;
  #upstreamEnded = false;
  #drainTimer: Timer | undefined;

  constructor(options: SendOptions, resolve: (error: ParleyError | undefined) => void) {
    this.#options = options;
    this.#resolve = resolve;
    this.#startedMs = options.runtime.monotonicMs();
  }

  start(): void {
    const { signal, watch, upstream, prepared } = this.#options;
    if (signal.aborted) return this.#onAbort();
    signal.addEventListener("abort", this.#onAbort, { once: true });
    watch.begin(this.#firstContentLimitMs(), (expiry) => this.#fail(expired(expiry, this.#options)));
    this.#call = upstream.dispatch(prepared.http, this);
    if (this.#over) this.#call.abort();
  }

  onHeaders(status: number, headers: Readonly<Record<string, string>>): void {
    this.#status = status;
    this.#headers = headers;
    this.#options.progress.httpStatus = status;
    const { prepared, progress, runtime } = this.#options;
    progress.responseMs = runtime.monotonicMs() - this.#startedMs;
    progress.upstreamRequestId = upstreamRequestId(prepared, headers);
    progress.headroom = prepared.dialect.headroom(headers, runtime.nowMs());
    if (status < 200 || status > 299) return;
    if (status === 204 || status === 205) return this.#fail(badOutput("it has no content"));
    const encoding = headers["content-encoding"];
    if (encoding !== undefined && encoding !== "identity") {
      return this.#fail(badOutput(`it is encoded as ${encoding}, which was not asked for`));
    }
    const type = headers["content-type"] ?? (this.#options.stream ? "text/event-stream" : "application/json");
    if (this.#options.stream && type.startsWith("text/event-stream")) this.#openStream();
    // An endpoint that only streams is read as a whole where a whole answer was asked for: the codec folds it.
    else if (!/[/+]json\b/.test(type) && !type.startsWith("text/event-stream"))
      this.#fail(badOutput(`its content type is ${type.slice(0, 64)}`));
  }

  onData(chunk: Buffer): void {
    if (this.#over) return;
    if (!this.#frames) return this.#collect(chunk);
    this.#attempt(() => {
      this.#frames?.push(chunk);
      // The end leaves with what came in the same read: one write to the caller.
      if (this.#decoder?.terminated) this.#finishStream();
      else this.#flush();
    });
  }

  onEnd(): void {
    this.#drainTimer?.cancel();
    this.#upstreamEnded = true;
    if (this.#over) return;
    if (this.#frames) this.#attempt(() => this.#endOfStream());
    else if (this.#status !== undefined && this.#status >= 200 && this.#status <= 299)
      this.#attempt(() => this.#decodeWhole());
    else this.#fail(this.#providerError());
  }

  onError(error: ParleyError): void {
    this.#drainTimer?.cancel();
    this.#upstreamEnded = true;
    this.#flushQuietly();
    this.#fail(error);
  }

  #openStream(): void {
    const { prepared, limits } = this.#options;
    const decoder = prepared.dialect.streamDecoder(prepared.target, this.#decodeOptions());
    this.#decoder = decoder;
    this.#frames = new SseFrames(limits.upstreamEventBytes, (data, eventName) => {
      if (!decoder.terminated) decoder.push(data, this.#batch, eventName);
    });
  }

  #decodeOptions(): DecodeOptions {
    const { prepared, runtime, onDrift } = this.#options;
    return { newId: (prefix) => runtime.newId(prefix), onUnknown: (path) => onDrift(prepared.dialect.id, path) };
  }

  #collect(chunk: Buffer): void {
    this.#collectedBytes += chunk.length;
    const good = this.#status !== undefined && this.#status < 300;
    const limit = good ? this.#options.limits.upstreamResponseBytes : MAX_ERROR_BYTES;
    if (this.#collectedBytes <= limit) this.#chunks.push(Buffer.from(chunk));
    else if (good) this.#fail(badOutput(`it is larger than ${limit} bytes`));
    else this.#fail(this.#providerError());
  }

  /** Delivers what the last read decoded, and stops reading where the caller cannot take more. */
  #flush(): void {
    if (this.#batch.length === 0) return;
    const events = this.#batch;
    this.#batch = [];
    const { delivery, watch, limits, progress, runtime } = this.#options;
    if (progress.firstContentMs === undefined && events.some(isContent)) {
      progress.firstContentMs = runtime.monotonicMs() - this.#startedMs;
    }
    const { content, writable } = delivery.take(events);
    if (content && this.#options.stream) watch.progress(limits.progressMs);
    if (delivery.flowing) watch.wrote();
    if (!writable && !this.#over) {
      this.#call?.pause();
      watch.suspend();
      delivery.onWritable(() => {
        watch.resume();
        this.#call?.resume();
      });
    }
  }

  // What came before a break was received whole and belongs to the caller.
  #flushQuietly(): void {
    try {
      if (!this.#over) this.#flush();
    } catch {
      // The break that follows is the error to tell.
    }
  }

  #finishStream(): void {
    this.#decoder?.end(this.#batch);
    this.#flush();
    this.#succeed();
  }

  #endOfStream(): void {
    try {
      this.#frames?.end();
    } catch (thrown) {
      // An event that is cut in its middle is a cut, whatever its half looks like.
      throw new ParleyError(
        "STREAM_INTERRUPTED",
        "Cannot complete the answer: the provider's stream ended within an event",
        {
          cause: thrown,
        },
      );
    }
    this.#finishStream();
  }

  #decodeWhole(): void {
    const { prepared } = this.#options;
    const bytes = Buffer.concat(this.#chunks);
    if (!isUtf8(bytes)) throw badOutput("its bytes are not UTF-8");
    const body = bytes.toString("utf8").replace(BYTE_ORDER_MARK, "");
    this.#batch = prepared.dialect.decodeResponse(body, prepared.target, this.#decodeOptions());
    this.#flush();
    this.#succeed();
  }

  #providerError(): ParleyError {
    const { dialect, target } = this.#options.prepared;
    return dialect.decodeError(
      {
        status: this.#status ?? 0,
        headers: this.#headers,
        body: Buffer.concat(this.#chunks).toString("utf8"),
        nowMs: this.#options.runtime.nowMs(),
      },
      target,
    );
  }

  #attempt(step: () => void): void {
    try {
      step();
    } catch (thrown) {
      this.#flushQuietly();
      this.#fail(ParleyError.from(thrown));
    }
  }

  #succeed(): void {
    if (this.#over) return;
    this.#conclude(undefined);
    // A stream may say that it is done before its connection is: give it a moment, so that the connection can be kept.
    if (!this.#upstreamEnded) {
      this.#call?.resume();
      this.#drainTimer = this.#options.runtime.setTimer(DRAIN_AFTER_END_MS, () => this.#call?.abort());
    }
  }

  #fail(error: ParleyError): void {
    if (this.#over) return;
    this.#conclude(error);
    this.#call?.abort();
  }

  #conclude(error: ParleyError | undefined): void {
    this.#over = true;
    this.#options.signal.removeEventListener("abort", this.#onAbort);
    this.#options.watch.end();
    this.#resolve(error);
  }

  // Whole answers come when they come: only the total bounds them.
  #firstContentLimitMs(): number {
    const { stream, limits, target } = this.#options;
    if (!stream) return Infinity;
    return target.facts.capabilities.reasoning === Support.NATIVE
      ? limits.reasoningFirstContentMs
      : limits.firstContentMs;
  }
}

function upstreamRequestId(prepared: PreparedCall, headers: Readonly<Record<string, string>>): string | undefined {
  const id = prepared.dialect.requestId(headers);
  return id === undefined ? undefined : redactRemembered(id).slice(0, 128);
}

function badOutput(what: string): ParleyError {
  return new ParleyError("PROVIDER_BAD_OUTPUT", `Cannot read the provider's answer: ${what}`);
}
