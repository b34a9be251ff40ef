import {
  Delivery as DeliveryMode,
  EventGrammar,
  isContent,
  isTerminal,
  keptAlive,
  reset,
  type Attempt,
  type GatewayError,
  type Part,
  type Started,
  type StreamEvent,
  type Trace,
  type Usage,
} from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { EventSink } from "./call.ts";
import { Delivered } from "./delivered.ts";
import { completeStarted, failed, type AnswerFacts, type Closing, type DeliveryLimits } from "./answer-facts.ts";
import { FilterGate } from "./filter-gate.ts";
import type { Filtered } from "./filter.ts";
import { failedFinish } from "./judge.ts";
import type { TakeOver } from "./take-over.ts";
import { Produced, roughBytes } from "./weigh.ts";

/**
 * Turns what codecs yield into what the caller gets: events in legal order, numbered without gaps, complete, and none
 * before the first content, so that a target that fails until then leaves no trace. With `hold` nothing leaves until the
 * answer is whole. An attempt that takes over after content leaves its mark, `reset` or `continued`, with its own first
 * content: if it fails before, the next one takes over from the same place.
 */
export class Delivery {
  readonly #sink: EventSink;
  readonly #limits: DeliveryLimits;
  #facts: AnswerFacts | undefined;
  #close: Closing = () => {};
  #grammar = new EventGrammar();
  #held: StreamEvent[] | undefined = [];
  #heldBytes = 0;
  #seq = 0;
  #wroteAnything = false;
  #ended = false;
  #produced = new Produced();
  #finishedParts: Part[] = [];
  #delivered = new Delivered();
  #contentDelivered = false;
  #takeOver: TakeOver | undefined;
  #pendingReset: { readonly broken: Attempt | undefined } | undefined;
  #firstSeq = 1;
  #servedModel: string | undefined;
  #gate: FilterGate | undefined;
  #writable = true;

  constructor(sink: EventSink, limits: DeliveryLimits) {
    this.#sink = sink;
    this.#limits = limits;
  }

  /** Whether events of the present attempt go out as they come. */
  get flowing(): boolean {
    return this.#held === undefined;
  }

  /** Whether the caller has content (or an overflowing start) that stands: another target cannot just answer instead. */
  get contentDelivered(): boolean {
    return this.#contentDelivered;
  }

  /** What the caller has, as far as another target would need it to go on. */
  get delivered(): Delivered {
    return this.#delivered;
  }

  /** Whether the caller has had anything, signs of life included: from here on errors go into the stream. */
  get wroteAnything(): boolean {
    return this.#wroteAnything;
  }

  /** Usage the current attempt has reported so far. */
  get usage(): Usage | undefined {
    return this.#produced.usage;
  }

  /** The model version that the current attempt says it serves. */
  get servedModel(): string | undefined {
    return this.#servedModel;
  }

  /** UTF-16 units of output that the current attempt has produced, for an estimate where it reports nothing. */
  get outputChars(): number {
    return this.#produced.outputChars;
  }

  /** The parts of the first answer that are whole so far. */
  get finishedParts(): readonly Part[] {
    return this.#finishedParts;
  }

  /** Where the caller's content rules stand; undefined: it has none. */
  get gate(): FilterGate | undefined {
    return this.#gate;
  }

  /** Whether the caller can take more. */
  get writable(): boolean {
    return this.#writable;
  }

  /**
   * A new attempt begins. Without `takeOver`, what an earlier one left is forgotten, for none of it stands: nothing was
   * delivered, or `startOver` has voided it.
   */
  begin(facts: AnswerFacts, close: Closing, takeOver?: TakeOver): void {
    this.#facts = facts;
    this.#close = close;
    this.#takeOver = takeOver;
    this.#gate = facts.filter && new FilterGate(facts.filter, (filtered) => this.#deliver(filtered));
    this.#grammar = new EventGrammar();
    this.#held = [];
    this.#heldBytes = 0;
    this.#produced = new Produced();
    this.#finishedParts = [];
  }

  /** The next attempt answers from the beginning: with its first content the caller is told to discard all before. */
  startOver(broken: Attempt | undefined): void {
    this.#pendingReset = { broken };
  }

  /**
   * Takes the events of one upstream read, in order; the array is handed on. Returns whether there was content, and
   * whether the caller can take more. Throws `PROVIDER_BAD_OUTPUT` for events out of order.
   */
  take(events: StreamEvent[]): { content: boolean; writable: boolean } {
    if (this.#gate) return this.#takeFiltered(this.#gate, events);
    let content = false;
    let release = this.#held === undefined;
    const out: StreamEvent[] = this.#takeOver ? [] : events;
    for (const [index, event] of events.entries()) {
      const wrong = this.#wrong(event);
      if (wrong) {
        // What came before it in the same read was received whole, and belongs to a caller who has had a part of it.
        if (this.#held === undefined) this.#write(this.#takeOver ? out : events.slice(0, index));
        throw wrong;
      }
      this.#produced.add(event);
      if (isContent(event)) content = true;
      if (!this.#takeOver) this.#complete(event);
      else if (this.#passOn(this.#takeOver, event, out)) release = true;
      if ((content && !this.#takeOver) || isTerminal(event)) release = true;
    }
    // What is held for its own sake waits for the terminal.
    if (this.#facts?.mode === DeliveryMode.HOLD) release = events.some(isTerminal);
    if (!release) return { content, writable: this.#hold(out) };
    return { content, writable: this.#release(out) };
  }

  /** The same for a caller with content rules: order is checked before them, and all that is told comes after them. */
  #takeFiltered(gate: FilterGate, events: readonly StreamEvent[]): { content: boolean; writable: boolean } {
    let content = false;
    let wrong: ParleyError | undefined;
    const decoded: StreamEvent[] = [];
    for (const event of events) {
      if ((wrong = this.#wrong(event))) break;
      this.#produced.add(event);
      if (isContent(event)) content = true;
      if (this.#takeOver) this.#passOn(this.#takeOver, event, decoded, false);
      else decoded.push(event);
    }
    // What came before a fault in the same read belongs to a caller who has had a part of it.
    if (!wrong || this.#held === undefined) gate.take(decoded);
    if (wrong) throw wrong;
    return { content, writable: this.#writable };
  }

  /** Delivers what has passed the content rules. Throws what they end the answer with. */
  #deliver({ events, blocked }: Filtered): void {
    if (blocked && this.#held !== undefined) throw blocked;
    let release = this.#held === undefined;
    for (const event of events) {
      this.#complete(event);
      if (isContent(event) || isTerminal(event)) release = true;
    }
    if (this.#facts?.mode === DeliveryMode.HOLD) release = events.some(isTerminal);
    this.#writable = release ? this.#release(events) : this.#hold(events);
    if (blocked) throw blocked;
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
    const delivering = attempts.findLast(({ number }) => this.#delivered.attempts.includes(number));
    this.#gate?.stop();
    this.#held = undefined;
    this.#pendingReset = undefined;
    this.#write([failed(error, attempts, delivering ?? attempts.at(-1), trace)]);
  }

  /** Why an event cannot be passed on. */
  #wrong(event: StreamEvent): ParleyError | undefined {
    const disorder = this.#grammar.check(event);
    if (disorder !== undefined) return badOutput(`Cannot pass the provider's answer on: ${disorder}`);
    const kind = event.event;
    if (kind.case !== "candidateFinished") return undefined;
    return failedFinish(kind.value.finish?.reason, this.#produced.brokenCall);
  }

  /** Puts what the caller gets for an event of an attempt that takes over into `out`; whether that is content or the end. */
  #passOn(takeOver: TakeOver, event: StreamEvent, out: StreamEvent[], completes = true): boolean {
    const from = out.length;
    if (event.event.case === "started") this.#completeStarted(event.event.value);
    takeOver.map(event, out);
    let seen = false;
    for (const mapped of out.slice(from)) {
      if (completes) this.#complete(mapped);
      seen ||= isContent(mapped) || isTerminal(mapped);
    }
    return seen;
  }

  #complete(event: StreamEvent): void {
    const kind = event.event;
    if (kind.case === "started") this.#completeStarted(kind.value);
    else if (kind.case === "completed") this.#close(kind.value);
    else if (kind.case === "blockFinished" && kind.value.candidate === 0 && kind.value.part) {
      this.#finishedParts.push(kind.value.part);
    }
  }

  #completeStarted(started: Started): void {
    if (!this.#facts) throw new RangeError("Cannot deliver events: no attempt has begun");
    this.#servedModel = started.origin?.servedModel;
    completeStarted(started, this.#facts);
  }

  #hold(events: StreamEvent[]): boolean {
    const held = this.#held ?? [];
    held.push(...events);
    for (const event of events) this.#heldBytes += roughBytes(event);
    const { startupEvents, startupBytes, upstreamResponseBytes } = this.#limits;
    if (this.#facts?.mode === DeliveryMode.HOLD) {
      if (this.#heldBytes <= upstreamResponseBytes) return true;
      throw badOutput(`Cannot hold the answer until it is whole: it is larger than ${upstreamResponseBytes} bytes`);
    }
    // An attempt that takes over commits with its content only: its start shows nothing that could not wait.
    const overflows = held.length > startupEvents || this.#heldBytes > startupBytes;
    if (!overflows) return true;
    if (!this.#takeOver && !this.#pendingReset) return this.#release([]);
    throw badOutput("Cannot go on with the answer: it begins with too much without content");
  }

  #release(events: StreamEvent[]): boolean {
    const held = this.#held;
    this.#held = undefined;
    if (this.#pendingReset) this.#voidAll(this.#pendingReset.broken);
    this.#contentDelivered = true;
    this.#delivered.begin(this.#facts?.attempt ?? 0);
    return this.#write(held && held.length > 0 ? [...held, ...events] : events);
  }

  #voidAll(broken: Attempt | undefined): void {
    this.#pendingReset = undefined;
    const event = reset(this.#firstSeq, broken);
    event.seq = ++this.#seq;
    this.#firstSeq = this.#seq + 1;
    this.#delivered = new Delivered();
    this.#sink.write([event]);
  }

  #write(events: StreamEvent[]): boolean {
    if (events.length === 0) return true;
    const follows = this.#facts?.mode === DeliveryMode.AUTO;
    for (const event of events) {
      event.seq = ++this.#seq;
      if (follows) this.#delivered.note(event);
      if (isTerminal(event)) this.#ended = true;
    }
    this.#wroteAnything = true;
    return this.#sink.write(events);
  }
}

function badOutput(message: string): ParleyError {
  return new ParleyError("PROVIDER_BAD_OUTPUT", message);
}
