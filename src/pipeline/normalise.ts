import {
  Delivery as DeliveryMode,
  isContent,
  isTerminal,
  keptAlive,
  reset,
  type Attempt,
  type Completed,
  type GatewayError,
  type Started,
  type StreamEvent,
  type Trace,
} from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { EventSink } from "./call.ts";
import { Delivered } from "./delivered.ts";
import {
  completeStarted,
  endedByLimit,
  failed,
  type AnswerFacts,
  type AnswerHooks,
  type DeliveryLimits,
} from "./answer-facts.ts";
import { Draft } from "./draft.ts";
import type { FilterGate } from "./filter-gate.ts";
import type { AnswerFilter, Filtered } from "./filter.ts";
import { failedFinish } from "./judge.ts";
import type { MemoryPort } from "./parts.ts";
import type { TakeOver } from "./take-over.ts";

/**
 * Turns what codecs yield into what the caller gets: events in legal order, numbered without gaps, complete, and none
 * before the first content, so that a target that fails until then leaves no trace. With `hold` nothing leaves until the
 * answer is whole. An attempt that takes over after content leaves its mark, `reset` or `continued`, with its own first
 * content: if it fails before, the next one takes over from the same place. Each attempt writes its own draft, so that two
 * may run beside each other until one has content.
 */
export class Delivery {
  readonly #sink: EventSink;
  readonly #limits: DeliveryLimits;
  readonly #memory: MemoryPort;
  #seq = 0;
  #wroteAnything = false;
  #ended = false;
  #delivered = new Delivered();
  #contentDelivered = false;
  #pendingReset: { readonly broken: Attempt | undefined } | undefined;
  #firstSeq = 1;
  #servedModel: string | undefined;
  #filter: AnswerFilter | undefined;

  /** What is held until it is whole is taken from `memory`. */
  constructor(sink: EventSink, limits: DeliveryLimits, memory: MemoryPort) {
    this.#sink = sink;
    this.#limits = limits;
    this.#memory = memory;
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

  /** The model version that the attempt says it serves which delivers, or was to take over last. */
  get servedModel(): string | undefined {
    return this.#servedModel;
  }

  /** Whether content rules forbid that another target goes on behind what was delivered. */
  get filtered(): boolean {
    return this.#filter?.bars(this.#delivered.text) ?? false;
  }

  /**
   * A new attempt begins. Without `takeOver` it answers as if it were the first: nothing was delivered, or `startOver` has
   * voided it.
   */
  begin(facts: AnswerFacts, hooks: AnswerHooks, takeOver?: TakeOver): Draft {
    return new Draft(facts, hooks, takeOver, (draft, filtered) => this.#deliver(draft, filtered));
  }

  /** The next attempt answers from the beginning: with its first content the caller is told to discard all before. */
  startOver(broken: Attempt | undefined): void {
    this.#pendingReset = { broken };
  }

  /**
   * Takes the events of one upstream read, in order; the array is handed on. Returns whether there was content, and
   * whether the caller can take more. Throws `PROVIDER_BAD_OUTPUT` for events out of order.
   */
  take(draft: Draft, events: StreamEvent[]): { content: boolean; writable: boolean } {
    const { takeOver } = draft;
    if (draft.gate) return this.#takeFiltered(draft, draft.gate, events);
    let content = false;
    let release = draft.flowing;
    const out: StreamEvent[] = takeOver ? [] : events;
    for (const [index, event] of events.entries()) {
      const wrong = this.#wrong(draft, event);
      if (wrong) {
        // What came before it in the same read was received whole, and belongs to a caller who has had a part of it.
        if (draft.flowing) this.#write(draft, takeOver ? out : events.slice(0, index));
        throw wrong;
      }
      draft.produced.add(event);
      if (isContent(event)) content = true;
      if ((content && !takeOver) || isTerminal(event)) release = true;
      // The last word on its figures follows: whoever runs beside it has lost by now.
      if (isTerminal(event)) draft.noteContent();
      if (!takeOver) this.#complete(draft, event);
      else if (this.#passOn(draft, takeOver, event, out)) release = true;
    }
    if (content) draft.noteContent();
    // What is held for its own sake waits for the terminal.
    if (draft.facts.mode === DeliveryMode.HOLD) release = events.some(isTerminal);
    if (!release) return { content, writable: this.#hold(draft, out) };
    return { content, writable: this.#release(draft, out) };
  }

  /** The same for a caller with content rules: order is checked before them, and all that is told comes after them. */
  #takeFiltered(
    draft: Draft,
    gate: FilterGate,
    events: readonly StreamEvent[],
  ): { content: boolean; writable: boolean } {
    let content = false;
    let wrong: ParleyError | undefined;
    const decoded: StreamEvent[] = [];
    for (const event of events) {
      if ((wrong = this.#wrong(draft, event))) break;
      draft.produced.add(event);
      if (isContent(event)) content = true;
      if (draft.takeOver) this.#passOn(draft, draft.takeOver, event, decoded, false);
      else decoded.push(event);
    }
    // What came before a fault in the same read belongs to a caller who has had a part of it.
    if (!wrong || draft.flowing) gate.take(decoded);
    if (wrong) throw wrong;
    return { content, writable: draft.writable };
  }

  /** Delivers what has passed the content rules. Throws what they end the answer with. */
  #deliver(draft: Draft, { events, blocked }: Filtered): void {
    if (blocked && !draft.flowing) throw blocked;
    let release = draft.flowing;
    for (const event of events) {
      if (isContent(event) || isTerminal(event)) {
        draft.noteContent();
        release = true;
      }
      this.#complete(draft, event);
    }
    if (draft.facts.mode === DeliveryMode.HOLD) release = events.some(isTerminal);
    draft.writable = release ? this.#release(draft, events) : this.#hold(draft, events);
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
    const delivered = attempts.findLast(({ number }) => this.#delivered.attempts.includes(number));
    this.#pendingReset = undefined;
    this.#send([failed(error, attempts, delivered ?? attempts.at(-1), trace)]);
  }

  /**
   * Ends an answer of one open text whose output limit is used up, as the provider would have: with its last words. Only
   * where `delivered` has such a text.
   */
  endByLimit(completed: Completed): void {
    const { block, text = "" } = this.#delivered;
    this.#pendingReset = undefined;
    this.#send(endedByLimit(block, text, completed));
  }

  /** Why an event cannot be passed on. */
  #wrong(draft: Draft, event: StreamEvent): ParleyError | undefined {
    const disorder = draft.grammar.check(event);
    if (disorder !== undefined) {
      return badOutput(`Cannot pass the provider's answer on: ${disorder}`);
    }
    const kind = event.event;
    if (kind.case !== "candidateFinished") return undefined;
    return failedFinish(kind.value.finish?.reason, draft.produced.brokenCall);
  }

  /** Puts what the caller gets for an event of an attempt that takes over into `out`; whether that is content or the end. */
  #passOn(draft: Draft, takeOver: TakeOver, event: StreamEvent, out: StreamEvent[], completes = true): boolean {
    const from = out.length;
    if (event.event.case === "started") this.#completeStarted(draft, event.event.value);
    takeOver.map(event, out);
    let seen = false;
    for (const mapped of out.slice(from)) {
      if (completes) this.#complete(draft, mapped);
      seen ||= isContent(mapped) || isTerminal(mapped);
    }
    return seen;
  }

  #complete(draft: Draft, event: StreamEvent): void {
    const kind = event.event;
    if (kind.case === "started") this.#completeStarted(draft, kind.value);
    else if (kind.case === "completed") draft.hooks.close(kind.value);
    else if (kind.case === "blockFinished" && kind.value.candidate === 0 && kind.value.part) {
      draft.finishedParts.push(kind.value.part);
    }
  }

  #completeStarted(draft: Draft, started: Started): void {
    const servedModel = started.origin?.servedModel;
    draft.servedModel = servedModel;
    if (this.#contentDelivered) this.#servedModel = servedModel;
    completeStarted(started, draft.facts);
  }

  #hold(draft: Draft, events: StreamEvent[]): boolean {
    if (!draft.holdBack(events, this.#limits, this.#memory)) return true;
    // An attempt that takes over commits with its content only: its start shows nothing that could not wait.
    if (draft.takeOver || this.#pendingReset)
      throw badOutput("Cannot go on with the answer: it begins with too much without content");
    draft.noteContent();
    return this.#release(draft, []);
  }

  /** The attempt has ended, and what it held back goes nowhere. */
  discard(draft: Draft): void {
    draft.giveBack(this.#memory);
    if (draft.held) draft.held = [];
  }

  #release(draft: Draft, events: StreamEvent[]): boolean {
    const { held } = draft;
    draft.held = undefined;
    draft.giveBack(this.#memory);
    if (this.#pendingReset) this.#voidAll(this.#pendingReset.broken);
    if (!this.#contentDelivered) this.#servedModel = draft.servedModel;
    this.#filter = draft.facts.filter;
    this.#contentDelivered = true;
    this.#delivered.begin(draft.facts.attempt, draft.takeOver?.repeats === true);
    return this.#write(draft, held && held.length > 0 ? [...held, ...events] : events);
  }

  #voidAll(broken: Attempt | undefined): void {
    this.#pendingReset = undefined;
    const event = reset(this.#firstSeq, broken);
    event.seq = ++this.#seq;
    this.#firstSeq = this.#seq + 1;
    this.#delivered = new Delivered();
    this.#sink.write([event]);
  }

  #write({ facts }: Draft, events: StreamEvent[]): boolean {
    if (facts.mode === DeliveryMode.AUTO) for (const event of events) this.#delivered.note(event);
    return this.#send(events);
  }

  #send(events: StreamEvent[]): boolean {
    if (events.length === 0) return true;
    for (const event of events) {
      event.seq = ++this.#seq;
      if (isTerminal(event)) this.#ended = true;
    }
    this.#wroteAnything = true;
    return this.#sink.write(events);
  }
}

function badOutput(message: string): ParleyError {
  return new ParleyError("PROVIDER_BAD_OUTPUT", message);
}
