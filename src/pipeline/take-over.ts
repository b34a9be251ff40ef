import {
  FinishReason,
  blockDelta,
  blockFinished,
  candidateFinished,
  continued,
  textPart,
  type Attempt,
  type CandidateFinished,
  type Finish,
  type Part,
  type StreamEvent,
} from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { SeamStep } from "../routing/seam.ts";

/** Decides what of a new target's text the caller gets: a filter of `routing/seam.ts`. */
export interface TextSeam {
  push(delta: string): SeamStep;
  /** `metStop`: the stop sequence that has ended the target's text, where it says so. */
  end(metStop?: string): SeamStep;
}

/** What a take-over begins with. */
export interface TakeOverOptions {
  /** The open text block that is continued, and its text so far. */
  readonly block: number;
  readonly deliveredText: string;
  /** The next free number of a block. */
  readonly nextBlock: number;
  readonly seam: TextSeam;
  /** Whether the target says again what was delivered. */
  readonly repeats: boolean;
  /** The model version that the target must serve; undefined: any. */
  readonly servedModel: string | undefined;
  /** The request's stop sequences. */
  readonly stop: readonly string[];
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
  #opening: StreamEvent | undefined;
  #stopped: string | undefined;
  /** The new target's part of the block that went on, once it is whole. */
  #finished: Part | undefined;

  constructor(options: TakeOverOptions) {
    this.#options = options;
    this.#nextBlock = options.nextBlock;
  }

  /** Whether the target says again what was delivered, so that its usage covers that too. */
  get repeats(): boolean {
    return this.#options.repeats;
  }

  /** Appends what the caller gets for `event`; nothing until there is something to show. Throws what the seam throws. */
  map(event: StreamEvent, out: StreamEvent[]): void {
    const kind = event.event;
    switch (kind.case) {
      case "started": {
        const { origin, attempt, adaptations } = kind.value;
        const { broken, servedModel } = this.#options;
        if (servedModel !== undefined && origin?.servedModel !== servedModel) {
          throw unlike("the target now serves another version of the model");
        }
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
        if (kind.value.block === this.#textBlock) {
          // Only the finish tells whether a stop sequence ended it.
          this.#finished = kind.value.part;
          return;
        }
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
    this.#step(this.#options.seam.push(text), out);
  }

  #step(step: SeamStep, out: StreamEvent[]): void {
    if (step.kind === "mismatch")
      throw unlike(`the target differs from what was delivered at character ${step.offset}`);
    if (step.kind === "stopped") this.#stopped = step.stop;
    if (step.text === "") return;
    this.#passed += step.text;
    this.#show(out, blockDelta(0, this.#options.block, { case: "text", value: step.text }));
  }

  #finish(event: StreamEvent, { finish }: CandidateFinished, out: StreamEvent[]): void {
    this.#close(metStop(finish, this.#options.stop), out);
    if (this.#stopped === undefined) return this.#show(out, event);
    const more = { stopSequence: this.#stopped };
    this.#show(out, candidateFinished(0, FinishReason.STOP_SEQUENCE, finish?.native ?? "", more));
  }

  /** Closes the block that went on, with its whole text; a target may have had nothing to add. */
  #close(stop: string | undefined, out: StreamEvent[]): void {
    const { block, deliveredText, seam } = this.#options;
    this.#step(seam.end(stop), out);
    const whole = textPart(deliveredText + this.#passed);
    if (this.#finished) whole.state = this.#finished.state;
    this.#show(out, blockFinished(0, block, whole));
  }

  #show(out: StreamEvent[], event: StreamEvent): void {
    if (this.#opening) out.push(this.#opening);
    this.#opening = undefined;
    out.push(event);
  }
}

/** The stop sequence that ended a text: as told, or the only one that there is. */
function metStop(finish: Finish | undefined, stops: readonly string[]): string | undefined {
  if (finish?.reason !== FinishReason.STOP_SEQUENCE) return undefined;
  return finish.stopSequence ?? (stops.length === 1 ? stops[0] : undefined);
}

function unlike(what: string): ParleyError {
  return new ParleyError("STREAM_INTERRUPTED", `Cannot go on with the answer: ${what}`);
}

function renumbered(event: StreamEvent, block: number): StreamEvent {
  const kind = event.event;
  if (kind.case === "blockStarted" || kind.case === "blockDelta" || kind.case === "blockFinished") {
    kind.value.block = block;
  }
  return event;
}
