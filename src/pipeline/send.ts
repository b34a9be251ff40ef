import { isUtf8 } from "node:buffer";
import { isContent, isTerminal, type StreamEvent } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { DecodeOptions, PreparedCall, StreamDecoder } from "../providers/adapter.ts";
import type { Target } from "../routing/target.ts";
import { crashPoint } from "../runtime/crash-point.ts";
import type { Runtime, Timer } from "../runtime/runtime.ts";
import { SseFrames } from "../upstream/sse.ts";
import type { UpstreamCall, UpstreamClient, UpstreamHandler } from "../upstream/upstream.ts";
import type { CallProgress } from "./call-progress.ts";
import type { Draft } from "./draft.ts";
import type { BudgetMeter } from "./budget-meter.ts";
import type { Delivery } from "./normalise.ts";
import { badOutput, howToRead, upstreamRequestId } from "./judge-head.ts";
import type { ChatLimits } from "./parts.ts";
import { expired, firstContentLimitMs } from "./expired.ts";
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
  /** Where the answer is written until it is delivered. */
  readonly draft: Draft;
  readonly watch: Watch;
  /** Whether the caller, and not the gateway, set the deadline that `watch` keeps. */
  readonly deadlineIsCallers: boolean;
  /** Aborts when the request is over before its answer is, with a `ParleyError` as its reason. */
  readonly signal: AbortSignal;
  /** Told of a failure at once, before anybody else gets a turn. */
  readonly onFailed: (error: ParleyError) => void;
  /** Tells when the answer goes beyond what is held for it; undefined: nothing is. */
  readonly meter: BudgetMeter | undefined;
  /** Told of what the dialect does not know in the answer. */
  readonly onDrift: (dialect: string, path: string) => void;
  /** Told how many events came with a read of a stream that brought content. */
  readonly onContent: (events: number) => void;
  /** Written as the call goes on. */
  readonly progress: CallProgress;
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
  readonly #onAbort = (): void => this.#fail(ParleyError.from(this.#options.signal.reason));
  #call: UpstreamCall | undefined;
  #over = false;
  #whole = false; // the answer is; content rules may still have to decide on its end
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
    watch.begin(firstContentLimitMs(this.#options), (expiry) => this.#fail(expired(expiry, this.#options)));
    this.#call = upstream.dispatch(prepared.http, this);
    if (this.#over) this.#call.abort();
  }

  onSent(): void {
    if (!this.#options.progress.sent) crashPoint("request_sent");
    this.#options.progress.sent = true;
  }

  onHeaders(status: number, headers: Readonly<Record<string, string>>): void {
    this.onSent();
    this.#status = status;
    this.#headers = headers;
    const { prepared, progress, runtime } = this.#options;
    progress.httpStatus = status;
    progress.responseMs = runtime.monotonicMs() - this.#startedMs;
    progress.upstreamRequestId = upstreamRequestId(prepared, headers);
    progress.headroom = prepared.dialect.headroom(headers, runtime.nowMs());
    if (status < 200 || status > 299) return;
    const how = howToRead(status, headers, this.#options.stream);
    if (how instanceof ParleyError) this.#fail(how);
    else if (how === "events") this.#openStream();
  }

  onData(chunk: Buffer): void {
    if (this.#over || this.#whole) return;
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
    if (this.#over || this.#whole) return;
    if (this.#frames) this.#attempt(() => this.#endOfStream());
    else if (this.#status !== undefined && this.#status >= 200 && this.#status <= 299)
      this.#attempt(() => this.#decodeWhole());
    else this.#fail(this.#providerError());
  }

  onError(error: ParleyError): void {
    this.#drainTimer?.cancel();
    this.#upstreamEnded = true;
    if (this.#whole) return;
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
    const { delivery, draft, watch, limits, progress, runtime, stream, onContent } = this.#options;
    if (progress.firstContentMs === undefined && events.some(isContent)) {
      progress.firstContentMs = runtime.monotonicMs() - this.#startedMs;
    }
    const count = events.length; // the array is the delivery's from here on
    const endsAnswer = isTerminal(events.at(-1)!);
    const { content, writable } = delivery.take(draft, events);
    if (content && stream) {
      watch.progress(limits.progressMs);
      onContent(count);
    }
    if (draft.flowing) watch.wrote();
    const beyond = this.#options.meter?.check(draft.produced.outputChars, draft.produced.usage);
    if (beyond && this.#decoder && !endsAnswer) return this.#fail(beyond);
    const verdict = draft.gate?.verdict;
    if (this.#over || (writable && !verdict)) return;
    this.#call?.pause();
    watch.suspend();
    if (verdict) this.#awaitVerdict(verdict);
    else this.#awaitReader();
  }

  /** Stops reading until content rules have decided on what has come. */
  #awaitVerdict(verdict: Promise<ParleyError | undefined>): void {
    const { draft, watch } = this.#options;
    void verdict.then((error) => {
      if (this.#over) return;
      if (error) return this.#fail(error);
      if (draft.flowing) watch.wrote();
      if (!draft.writable) return this.#awaitReader();
      watch.resume();
      this.#call?.resume();
    });
  }

  /** Stops reading until the caller can take more. */
  #awaitReader(): void {
    const { delivery, watch } = this.#options;
    delivery.onWritable(() => {
      watch.resume();
      this.#call?.resume();
    });
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
      const message = "Cannot complete the answer: the provider's stream ended within an event";
      throw new ParleyError("STREAM_INTERRUPTED", message, { cause: thrown });
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
    this.#whole = true;
    const verdict = this.#options.draft.gate?.verdict;
    if (verdict) return void verdict.then((error) => (error ? this.#fail(error) : this.#succeed()));
    crashPoint("answer_ended");
    this.#conclude(undefined);
    // A stream may say that it is done before its connection is: give it a moment, so that the connection can be kept.
    if (!this.#upstreamEnded) {
      this.#call?.resume();
      this.#drainTimer = this.#options.runtime.setTimer(DRAIN_AFTER_END_MS, () => this.#call?.abort());
    }
  }

  #fail(error: ParleyError): void {
    if (this.#over) return;
    this.#options.draft.gate?.stop();
    this.#conclude(error);
    this.#call?.abort();
  }

  #conclude(error: ParleyError | undefined): void {
    this.#over = true;
    this.#options.signal.removeEventListener("abort", this.#onAbort);
    this.#options.watch.end();
    if (error) this.#options.onFailed(error);
    this.#resolve(error);
  }
}
