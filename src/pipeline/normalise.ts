import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { create } from "@bufbuild/protobuf";
import {
  EventGrammar,
  FailedSchema,
  FinishReason,
  StreamEventSchema,
  isContent,
  isTerminal,
  keptAlive,
  type Adaptation,
  type Attempt,
  type Completed,
  type GatewayError,
  type Origin,
  type Part,
  type Started,
  type StreamEvent,
  type Trace,
  type Usage,
} from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { EventSink } from "./call.ts";

/** What the gateway knows of an answer that its codec does not. */
export interface AnswerFacts {
  readonly requestId: string;
  /** From 1. */
  readonly attempt: number;
  readonly origin: Origin;
  readonly createdAtMs: number;
  readonly adaptations: readonly Adaptation[];
}

/** Completes the terminal of an answer: figures, cost, attempts. */
export type Closing = (completed: Completed) => void;

/**
 * Turns what codecs yield into what the caller gets: events in legal order, numbered without gaps, complete, and none
 * before the first content, so that a target that fails until then leaves no trace.
 */
export class Delivery {
  readonly #sink: EventSink;
  readonly #limits: { readonly startupEvents: number; readonly startupBytes: number };
  #facts: AnswerFacts | undefined;
  #close: Closing = () => {};
  #grammar = new EventGrammar();
  #held: StreamEvent[] | undefined = [];
  #heldBytes = 0;
  #seq = 0;
  #wroteAnything = false;
  #ended = false;
  #usage: Usage | undefined;
  #outputChars = 0;
  #sawDeltas = false;
  #brokenCall = false;
  #finishedParts: Part[] = [];

  constructor(sink: EventSink, limits: { readonly startupEvents: number; readonly startupBytes: number }) {
    this.#sink = sink;
    this.#limits = limits;
  }

  /** Whether content (or an overflowing start) was delivered: from here on no other target may answer. */
  get committed(): boolean {
    return this.#held === undefined;
  }

  /** Whether the caller has had anything, signs of life included: from here on errors go into the stream. */
  get wroteAnything(): boolean {
    return this.#wroteAnything;
  }

  /** Usage the current attempt has reported so far. */
  get usage(): Usage | undefined {
    return this.#usage;
  }

  /** UTF-16 units of output that the current attempt has produced, for an estimate where it reports nothing. */
  get outputChars(): number {
    return this.#outputChars;
  }

  /** The parts of the first answer that are whole so far. */
  get finishedParts(): readonly Part[] {
    return this.#finishedParts;
  }

  /** A new attempt begins; what an earlier one left is forgotten, for none of it was delivered. */
  begin(facts: AnswerFacts, close: Closing): void {
    this.#facts = facts;
    this.#close = close;
    this.#grammar = new EventGrammar();
    this.#held = [];
    this.#heldBytes = 0;
    this.#usage = undefined;
    this.#outputChars = 0;
    this.#sawDeltas = false;
    this.#brokenCall = false;
    this.#finishedParts = [];
  }

  /**
   * Takes the events of one upstream read, in order; the array is handed on. Returns whether there was content, and
   * whether the caller can take more. Throws `PROVIDER_BAD_OUTPUT` for events out of order.
   */
  take(events: StreamEvent[]): { content: boolean; writable: boolean } {
    let content = false;
    let release = this.#held === undefined;
    for (const [index, event] of events.entries()) {
      const wrong = this.#wrong(event);
      if (wrong) {
        // What came before it in the same read was received whole, and belongs to a caller who has had a part of it.
        if (this.#held === undefined) this.#write(events.slice(0, index));
        throw wrong;
      }
      this.#complete(event);
      if (isContent(event)) content = true;
      if (content || isTerminal(event)) release = true;
    }
    if (!release) return { content, writable: this.#hold(events) };
    return { content, writable: this.#release(events) };
  }

  /** Calls back once when the caller can take more, after `take` said that it cannot. */
  onWritable(callback: () => void): void {
    this.#sink.onDrain = () => {
      this.#sink.onDrain = undefined;
      callback();
    };
  }

  /** Tells the caller that the gateway is still there. */
  keepAlive(): void {
    if (this.#ended) return;
    this.#wroteAnything = true;
    this.#sink.write([keptAlive()]);
  }

  /** Ends the stream with a failure. Only for a caller who has had something. */
  fail(error: GatewayError, attempts: readonly Attempt[], trace: Trace | undefined): void {
    if (this.#ended) return;
    const { usage, cost } = attempts.at(-1) ?? {};
    const failed = create(FailedSchema, {
      error,
      attempts: [...attempts],
      ...(usage ? { usage } : {}),
      ...(cost ? { cost } : {}),
      ...(trace ? { trace } : {}),
    });
    this.#held = undefined;
    this.#write([create(StreamEventSchema, { event: { case: "failed", value: failed } })]);
  }

  /** Why an event cannot be passed on. */
  #wrong(event: StreamEvent): ParleyError | undefined {
    const disorder = this.#grammar.check(event);
    if (disorder !== undefined) {
      return new ParleyError("PROVIDER_BAD_OUTPUT", `Cannot pass the provider's answer on: ${disorder}`);
    }
    const kind = event.event;
    if (kind.case === "blockFinished" && kind.value.part?.kind.case === "toolCall") {
      this.#brokenCall ||= kind.value.part.kind.value.argumentsInvalid;
    }
    return kind.case === "candidateFinished" ? failedFinish(kind.value.finish?.reason, this.#brokenCall) : undefined;
  }

  #complete(event: StreamEvent): void {
    const kind = event.event;
    switch (kind.case) {
      case "blockDelta":
        this.#sawDeltas = true;
        if (typeof kind.value.delta.value === "string") this.#outputChars += kind.value.delta.value.length;
        return;
      case "blockFinished":
        if (kind.value.candidate === 0 && kind.value.part) this.#finishedParts.push(kind.value.part);
        if (!this.#sawDeltas) this.#outputChars += partChars(kind.value.part);
        return;
      case "usageUpdated":
        this.#usage = kind.value.usage;
        return;
      case "started":
        return this.#completeStarted(kind.value);
      case "completed":
        if (kind.value.usage) this.#usage = kind.value.usage;
        this.#close(kind.value);
        return;
      default:
        return;
    }
  }

  #completeStarted(started: Started): void {
    const facts = this.#facts;
    if (!facts) throw new RangeError("Cannot deliver events: no attempt has begun");
    const servedModel = started.origin?.servedModel;
    started.id = facts.requestId;
    started.attempt = facts.attempt;
    started.createdAt = timestampFromMs(facts.createdAtMs);
    started.origin = facts.origin;
    if (servedModel !== undefined) started.origin.servedModel = servedModel;
    started.adaptations = [...facts.adaptations, ...started.adaptations];
  }

  #hold(events: StreamEvent[]): boolean {
    const held = this.#held ?? [];
    held.push(...events);
    for (const event of events) this.#heldBytes += roughBytes(event);
    if (held.length > this.#limits.startupEvents || this.#heldBytes > this.#limits.startupBytes)
      return this.#release([]);
    return true;
  }

  #release(events: StreamEvent[]): boolean {
    const held = this.#held;
    this.#held = undefined;
    return this.#write(held && held.length > 0 ? [...held, ...events] : events);
  }

  #write(events: StreamEvent[]): boolean {
    if (events.length === 0) return true;
    for (const event of events) {
      event.seq = ++this.#seq;
      if (isTerminal(event)) this.#ended = true;
    }
    this.#wroteAnything = true;
    return this.#sink.write(events);
  }
}

/**
 * The error behind an end that is none: some providers finish an answer that broke as if it were whole. A call that the
 * output limit cut keeps its honest finish reason; one that the provider calls complete must not be run.
 */
function failedFinish(reason: FinishReason | undefined, brokenCall: boolean): ParleyError | undefined {
  const complete = reason === FinishReason.TOOL_CALLS || reason === FinishReason.STOP;
  if (reason === FinishReason.MALFORMED_TOOL_CALL || (complete && brokenCall)) {
    return new ParleyError(
      "PROVIDER_BAD_OUTPUT",
      "Cannot complete the answer: the model wrote a tool call whose arguments are not JSON",
    );
  }
  if (reason === FinishReason.MALFORMED_OUTPUT) {
    return new ParleyError(
      "PROVIDER_BAD_OUTPUT",
      "Cannot complete the answer: the model wrote output that the provider cannot read",
    );
  }
  if (reason === FinishReason.PROVIDER_ERROR) {
    return new ParleyError("PROVIDER_ERROR", "Cannot complete the answer: the provider failed within it and says so");
  }
  return undefined;
}

/** UTF-16 units of a part that came whole, as a unary answer's do. */
function partChars(part: Part | undefined): number {
  switch (part?.kind.case) {
    case "text":
    case "refusal":
      return part.kind.value.text.length;
    case "reasoning":
      return [...part.kind.value.text, ...part.kind.value.summary].reduce((sum, text) => sum + text.length, 0);
    case "toolCall":
      return part.kind.value.input.value?.length ?? 0;
    default:
      return 0;
  }
}

// Held events are small but for reasoning state; an estimate bounds them well enough.
function roughBytes(event: StreamEvent): number {
  const kind = event.event;
  if (kind.case !== "blockDelta") return 256;
  const { delta } = kind.value;
  if (delta.case === "state") return 256 + (delta.value.payload.value?.length ?? 0);
  return 128 + (typeof delta.value === "string" ? delta.value.length : 0);
}
