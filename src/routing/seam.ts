import { create } from "@bufbuild/protobuf";
import { MessageSchema, Role, textPart, type ChatRequest } from "../contract/index.ts";

// The seam between what was delivered of one answer and what another target adds to it. Everything counts in UTF-16 code
// units, as strings do. Nothing here knows the time.

/** What goes to a target that continues delivered text. */
export interface Continuation {
  /** The request with the prefill as its last message, and with what is left of its output limit. */
  readonly request: ChatRequest;
  /** The text that the target continues; empty: nothing is prefilled, and it answers from the start. */
  readonly prefill: string;
  /**
   * The end of the delivered text that the prefill leaves out, white space or half a character: the target is expected
   * to say it again, and `SeamFilter` takes it out.
   */
  readonly heldBack: string;
}

/**
 * The request that continues `deliveredText`. White space at its end is held back for every target: some refuse it in a
 * prefill, others cut it off without a word, and a token rarely begins after one. Undefined: the output limit is used up,
 * so that the answer is finished as by its limit.
 */
export function continuationRequest(
  request: ChatRequest,
  deliveredText: string,
  deliveredTokens: number,
): Continuation | undefined {
  const prefill = deliveredText.slice(0, heldBackFrom(deliveredText));
  const limit = request.sampling?.maxOutputTokens;
  const left = limit === undefined ? undefined : limit - Math.ceil(deliveredTokens);
  if (left !== undefined && left < 1) return undefined;
  const message = create(MessageSchema, { role: Role.ASSISTANT, parts: [textPart(prefill)], prefill: true });
  return {
    request: {
      ...request,
      messages: prefill === "" ? request.messages : [...request.messages, message],
      ...(request.sampling && left !== undefined ? { sampling: { ...request.sampling, maxOutputTokens: left } } : {}),
    },
    prefill,
    heldBack: deliveredText.slice(prefill.length),
  };
}

/** Where the white space at the end begins, with half a character after it. */
function heldBackFrom(text: string): number {
  let end = text.length;
  if (end > 0 && isHighSurrogate(text, end - 1)) end -= 1;
  while (end > 0 && isSpace(text.charCodeAt(end - 1))) end -= 1;
  return end;
}

// What JavaScript or Python counts as white space, as these are what vendors trim with. All are single code units.
function isSpace(unit: number): boolean {
  return unit === 0x85 || (unit >= 0x1c && unit <= 0x1f) || String.fromCharCode(unit).trim() === "";
}

function isHighSurrogate(text: string, index: number): boolean {
  const unit = text.charCodeAt(index);
  return unit >= 0xd800 && unit <= 0xdbff;
}

/** What is to be done with a delta behind the seam. Once it is not `text`, the answer is over. */
export type SeamStep =
  /** It goes to the caller; empty where all of it is known to the caller already, or waits. */
  | { readonly kind: "text"; readonly text: string }
  /** A stop sequence is met: `text` goes to the caller, and the answer is finished by `stop`. */
  | { readonly kind: "stopped"; readonly text: string; readonly stop: string }
  /** What came does not fit what was delivered, from this code unit of the delivered text on: the answer has failed. */
  | { readonly kind: "mismatch"; readonly offset: number };

/** What a filter of continued text must know. */
export interface SeamOptions {
  /** All the text that the caller has had of the answer. */
  readonly delivered: string;
  readonly continuation: Pick<Continuation, "prefill" | "heldBack">;
  /** The request's stop sequences. */
  readonly stop: readonly string[];
  /** Whether the target may begin with the prefill itself; see `ModelFacts.repeatsPrefill`. */
  readonly repeatsPrefill: boolean;
}

/**
 * Makes what a target adds to delivered text the text that an unbroken answer would have gone on with: takes out what the
 * caller has had, stops at stop sequences that begin before the seam or after it, and never cuts a character in two.
 */
export class SeamFilter {
  readonly #options: SeamOptions;
  readonly #stops: StopMatcher;
  /** The prefill as far as the target has repeated it; undefined: it is through, or does not repeat it. */
  #repeated: string | undefined;
  /** Code units of what was held back that need not be looked for any more. */
  #returned = 0;
  #over: SeamStep | undefined;

  constructor(options: SeamOptions) {
    this.#options = options;
    this.#stops = new StopMatcher(options.delivered, options.stop);
    this.#repeated = options.repeatsPrefill && options.continuation.prefill !== "" ? "" : undefined;
  }

  /** Takes the next text of the target. */
  push(delta: string): SeamStep {
    if (this.#over) return again(this.#over);
    return this.#conclude(this.#pass(this.#withoutPrefill(delta), false));
  }

  /**
   * The target's text has ended: what waited for more goes out. `metStop` is the stop sequence by which the target says
   * it ended, which it has kept to itself: another one, begun before the seam, may have been complete within it.
   */
  end(metStop?: string): SeamStep {
    if (this.#over) return again(this.#over);
    const waiting = this.#repeated ?? "";
    this.#repeated = undefined;
    const step = this.#pass(waiting, metStop === undefined);
    if (metStop === undefined || step.kind !== "text") return this.#conclude(step);
    const fresh = this.#withoutHeldBack(metStop);
    if (fresh === undefined) return this.#conclude(this.#tornCharacter());
    const last = this.#stops.finish(fresh, metStop);
    return this.#conclude(last.kind === "stopped" ? { ...last, text: step.text + last.text } : last);
  }

  #conclude(step: SeamStep): SeamStep {
    if (step.kind !== "text") this.#over = step;
    return step;
  }

  /** Drops the repeated prefill. It may come in pieces; what turns out to be no repetition was the continuation. */
  #withoutPrefill(delta: string): string {
    if (this.#repeated === undefined) return delta;
    const { prefill } = this.#options.continuation;
    const text = this.#repeated + delta;
    if (text.length < prefill.length && prefill.startsWith(text)) {
      this.#repeated = text;
      return "";
    }
    this.#repeated = undefined;
    return text.startsWith(prefill) ? text.slice(prefill.length) : text;
  }

  #pass(text: string, ends: boolean): SeamStep {
    const { heldBack } = this.#options.continuation;
    const fresh = this.#withoutHeldBack(text);
    const halfIsOpen = this.#returned < heldBack.length && endsInHalf(heldBack);
    if (fresh === undefined || (ends && halfIsOpen)) return this.#tornCharacter();
    return this.#stops.push(fresh, ends);
  }

  #tornCharacter(): SeamStep {
    return { kind: "mismatch", offset: this.#options.delivered.length - 1 };
  }

  /**
   * Drops what comes back of the text that was held back. White space may come back in part or not at all, as the caller
   * has had it anyway; half a character must, or the other half belongs to another one (undefined).
   */
  #withoutHeldBack(text: string): string | undefined {
    const { heldBack } = this.#options.continuation;
    const half = endsInHalf(heldBack) ? 1 : 0;
    let taken = 0;
    while (taken < text.length && this.#returned < heldBack.length) {
      if (text[taken] === heldBack[this.#returned]) {
        taken += 1;
        this.#returned += 1;
      } else if (this.#returned < heldBack.length - half) {
        this.#returned = heldBack.length - half;
      } else return undefined;
    }
    return text.slice(taken);
  }
}

/** Finds the first stop sequence to be complete in text that comes in pieces, the first of which has gone out already. */
class StopMatcher {
  readonly #stops: readonly string[];
  readonly #longest: number;
  /** The latest text: what has gone out as far as a stop sequence may begin there, then what waits. */
  #recent: string;
  /** How much of it waits. */
  #waiting = 0;

  constructor(delivered: string, stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop !== "");
    this.#longest = this.#stops.reduce((longest, stop) => Math.max(longest, stop.length), 1);
    this.#recent = lastUnits(delivered, this.#longest - 1);
  }

  /** Takes more text; `ends`: it is the last. */
  push(text: string, ends: boolean): SeamStep {
    const known = this.#recent.length;
    const goneOut = known - this.#waiting;
    const all = this.#recent + text;
    const met = this.#firstMet(all, known);
    if (met) {
      return {
        kind: "stopped",
        text: all.slice(goneOut, met.end - met.stop.length),
        stop: met.stop,
      };
    }
    const waiting = ends ? 0 : Math.min(this.#maybe(all), all.length - goneOut);
    const out = all.length - waiting;
    this.#waiting = waiting;
    this.#recent = lastUnits(all, Math.max(this.#longest - 1, waiting));
    return { kind: "text", text: all.slice(goneOut, out) };
  }

  /** Takes the rest of a text that ends in a stop sequence; the one that is complete first has ended it. */
  finish(text: string, metStop: string): SeamStep {
    const step = this.push(text, true);
    // Not to be found where a part of it was taken for the white space that comes back: then nothing of it goes out.
    return step.kind === "stopped" ? step : { kind: "stopped", text: "", stop: metStop };
  }

  /** The stop sequence that is complete first, the longest of several, among those that end behind `known`. */
  #firstMet(all: string, known: number): { readonly stop: string; readonly end: number } | undefined {
    let met: { stop: string; end: number } | undefined;
    for (const stop of this.#stops) {
      const start = all.indexOf(stop, Math.max(0, known - stop.length + 1));
      if (start < 0) continue;
      const end = start + stop.length;
      if (!met || end < met.end || (end === met.end && stop.length > met.stop.length)) met = { stop, end };
    }
    return met;
  }

  /** How many code units at the end may turn out to begin a stop sequence, or are the half of a character. */
  #maybe(all: string): number {
    let most = endsInHalf(all) ? 1 : 0;
    const last = all.at(-1);
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, all.length); length > most; length--) {
        if (stop[length - 1] === last && all.endsWith(stop.slice(0, length))) most = length;
      }
    }
    return most;
  }
}

/**
 * Lets a second answer from the start pass for the first one: suppresses what the caller has had, and tells where the
 * second differs from it.
 */
export class VerifiedPrefix {
  readonly #delivered: string;
  #verified = 0;
  #over: SeamStep | undefined;

  constructor(delivered: string) {
    this.#delivered = delivered;
  }

  /** Takes the next text of the second answer. */
  push(delta: string): SeamStep {
    if (this.#over) return again(this.#over);
    const expected = Math.min(delta.length, this.#delivered.length - this.#verified);
    for (let index = 0; index < expected; index++) {
      if (delta[index] !== this.#delivered[this.#verified + index]) return this.#mismatch(this.#verified + index);
    }
    this.#verified += expected;
    return { kind: "text", text: delta.slice(expected) };
  }

  /** The second answer has ended; ending before all of the first has come back is a mismatch. */
  end(): SeamStep {
    if (this.#over) return again(this.#over);
    return this.#verified < this.#delivered.length ? this.#mismatch(this.#verified) : { kind: "text", text: "" };
  }

  #mismatch(offset: number): SeamStep {
    this.#over = { kind: "mismatch", offset };
    return this.#over;
  }
}

// What comes after the end adds nothing.
function again(step: SeamStep): SeamStep {
  return step.kind === "stopped" ? { ...step, text: "" } : step;
}

function endsInHalf(text: string): boolean {
  return text !== "" && isHighSurrogate(text, text.length - 1);
}

function lastUnits(text: string, count: number): string {
  return count === 0 ? "" : text.slice(-count);
}
