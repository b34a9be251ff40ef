import {
  FinishReason,
  blockDelta,
  blockFinished,
  candidateFinished,
  continued,
  textPart,
  type Attempt,
  type CandidateFinished,
  type Part,
  type StreamEvent,
} from "../contract/index.ts";

/** Decides what of a new target's text the caller gets. */
export interface TextSeam {
  /** The part of `text`, which comes next, that goes to the caller. Throws `ParleyError` where it does not fit. */
  take(text: string): string;
  /** What was held back and goes out at the text's end. Throws `ParleyError` where the text ends too early. */
  end(): string;
  /** The stop sequence that was met, from which on nothing passes; undefined: none was. */
  readonly stopped: string | undefined;
}

/** What a take-over begins with. */
export interface TakeOverOptions {
  /** The open text block that is continued, and its text so far. */
  readonly block: number;
  readonly deliveredText: string;
  /** The next free number of a block. */
  readonly nextBlock: number;
  readonly seam: TextSeam;
  readonly broken: Attempt | undefined;
}

/**
 * Turns the events of a target that takes over into events of the answer that the caller already has a part of: its first
 * text block is the one that is open there, its other blocks come behind, and `continued` stands in the place of its
 * start. Of candidates there is only the first.
 */
export class TakeOver {
  readonly #options: TakeOverOptions;
  readonly #blocks = new Map<number, number>();
  #nextBlock: number;
  /** The new target's number of the block that goes on; undefined: it has not begun any text. */
  #textBlock: number | undefined;
  #passed = "";
  #closed = false;
  #opening: StreamEvent | undefined;

  constructor(options: TakeOverOptions) {
    this.#options = options;
    this.#nextBlock = options.nextBlock;
  }

  /** Appends what the caller gets for `event`; nothing until there is something to show. Throws what the seam throws. */
  map(event: StreamEvent, out: StreamEvent[]): void {
    const kind = event.event;
    switch (kind.case) {
      case "started": {
        const { origin, attempt, adaptations } = kind.value;
        const { broken } = this.#options;
        this.#opening = continued({
          attempt,
          adaptations,
          ...(origin ? { origin } : {}),
          ...(broken ? { broken } : {}),
        });
        return;
      }
      case "blockStarted":
        return this.#start(event, kind.value.block, kind.value.part, out);
      case "blockDelta":
        if (kind.value.block !== this.#textBlock) {
          return this.#show(out, renumbered(event, this.#blocks.get(kind.value.block) ?? 0));
        }
        if (kind.value.delta.case === "text") this.#text(kind.value.delta.value, out);
        else this.#show(out, renumbered(event, this.#options.block));
        return;
      case "blockFinished":
        if (kind.value.block === this.#textBlock) return this.#close(kind.value.part, out);
        return this.#show(out, renumbered(event, this.#blocks.get(kind.value.block) ?? 0));
      case "candidateFinished":
        return this.#finish(event, kind.value, out);
      default:
        this.#show(out, event);
    }
  }

  #start(event: StreamEvent, block: number, part: Part | undefined, out: StreamEvent[]): void {
    if (part?.kind.case === "text" && this.#textBlock === undefined) {
      this.#textBlock = block;
      this.#text(part.kind.value.text, out);
      return;
    }
    this.#blocks.set(block, this.#nextBlock);
    this.#show(out, renumbered(event, this.#nextBlock++));
  }

  #text(text: string, out: StreamEvent[]): void {
    const passed = this.#options.seam.take(text);
    if (passed === "") return;
    this.#passed += passed;
    this.#show(out, blockDelta(0, this.#options.block, { case: "text", value: passed }));
  }

  /** Closes the block that went on, with its whole text. */
  #close(part: Part | undefined, out: StreamEvent[]): void {
    if (this.#closed) return;
    this.#closed = true;
    const { block, deliveredText, seam } = this.#options;
    const rest = seam.end();
    if (rest !== "") {
      this.#passed += rest;
      this.#show(out, blockDelta(0, block, { case: "text", value: rest }));
    }
    const whole = textPart(deliveredText + this.#passed);
    if (part) whole.state = part.state;
    this.#show(out, blockFinished(0, block, whole));
  }

  #finish(event: StreamEvent, { finish }: CandidateFinished, out: StreamEvent[]): void {
    // A target may have nothing to add.
    this.#close(undefined, out);
    const { stopped } = this.#options.seam;
    if (stopped === undefined) return this.#show(out, event);
    const more = { stopSequence: stopped };
    this.#show(out, candidateFinished(0, FinishReason.STOP_SEQUENCE, finish?.native ?? "", more));
  }

  #show(out: StreamEvent[], event: StreamEvent): void {
    if (this.#opening) out.push(this.#opening);
    this.#opening = undefined;
    out.push(event);
  }
}

function renumbered(event: StreamEvent, block: number): StreamEvent {
  const kind = event.event;
  if (kind.case === "blockStarted" || kind.case === "blockDelta" || kind.case === "blockFinished") {
    kind.value.block = block;
  }
  return event;
}
