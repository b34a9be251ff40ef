import { isAsciiWord, type Found, type Scanner } from "../scanner.ts";
import type { Program } from "./program.ts";
import type { Assertion } from "./syntax.ts";

const NONE = -1;

/**
 * Follows all possible matches of a pattern at once (Thompson's simulation): a character costs at most one step per
 * instruction. Of the matches that stand at the same instruction the one that began first is kept, since it covers the
 * others; so the reported characters are exactly those that are part of any match.
 */
export class PatternScanner implements Scanner {
  readonly #program: Program;
  readonly #found: Found;
  // Instructions that wait for the next character, by where their matches began: earliest first.
  #waiting: number[] = [];
  #starts: number[] = [];
  #nextWaiting: number[] = [];
  #nextStarts: number[] = [];
  readonly #marks: Uint32Array;
  #mark = 0;
  #previous = NONE;

  constructor(program: Program, found: Found) {
    this.#program = program;
    this.#found = found;
    this.#marks = new Uint32Array(program.instructions.length);
  }

  get earliest(): number {
    return this.#starts.length > 0 ? this.#starts[0]! : Infinity;
  }

  step(code: number, at: number, next: number): void {
    const { instructions, looksAround, begins, start } = this.#program;
    if (this.#waiting.length === 0 && code < 128 && begins[code] === 0) {
      this.#previous = code;
      return;
    }
    // A pattern that looks around knows only now what stands behind the last character.
    if (looksAround) this.#settle(at, code);
    else this.#mark += 1;
    for (const one of this.#waiting) this.#marks[one] = this.#mark;
    this.#follow(start, at, at, code, this.#waiting, this.#starts);
    const waiting = this.#nextWaiting;
    const starts = this.#nextStarts;
    this.#mark += 1;
    for (let index = 0; index < this.#waiting.length; index++) {
      const one = instructions[this.#waiting[index]!]!;
      if (one.kind !== "characters" || !one.test(code)) continue;
      const from = this.#starts[index]!;
      if (!looksAround) this.#follow(one.next, from, next, NONE, waiting, starts);
      else if (this.#marks[one.next] !== this.#mark) {
        this.#marks[one.next] = this.#mark;
        waiting.push(one.next);
        starts.push(from);
      }
    }
    this.#swap();
    this.#previous = code;
  }

  end(at: number): void {
    if (this.#program.looksAround) this.#settle(at, NONE);
    this.#waiting.length = this.#starts.length = 0;
  }

  /** Replaces what waits by what it leads to, now that the characters on both sides are known. */
  #settle(at: number, following: number): void {
    this.#mark += 1;
    for (const [index, one] of this.#waiting.entries()) {
      this.#follow(one, this.#starts[index]!, at, following, this.#nextWaiting, this.#nextStarts);
    }
    this.#swap();
  }

  #swap(): void {
    [this.#waiting, this.#nextWaiting] = [this.#nextWaiting, this.#waiting];
    [this.#starts, this.#nextStarts] = [this.#nextStarts, this.#starts];
    this.#nextWaiting.length = this.#nextStarts.length = 0;
  }

  /** Puts what an instruction leads to without a character into `waiting`, and reports a match that ends at `at`. */
  #follow(index: number, from: number, at: number, following: number, waiting: number[], starts: number[]): void {
    if (this.#marks[index] === this.#mark) return;
    this.#marks[index] = this.#mark;
    const one = this.#program.instructions[index]!;
    switch (one.kind) {
      case "characters":
        waiting.push(index);
        starts.push(from);
        return;
      case "split":
        this.#follow(one.first, from, at, following, waiting, starts);
        this.#follow(one.second, from, at, following, waiting, starts);
        return;
      case "assertion":
        if (this.#holds(one.assertion, following)) this.#follow(one.next, from, at, following, waiting, starts);
        return;
      case "match":
        if (from < at) this.#found(from, at);
    }
  }

  #holds(assertion: Assertion, following: number): boolean {
    switch (assertion) {
      case "start":
        return this.#previous === NONE;
      case "end":
        return following === NONE;
      default: {
        const isBoundary = isWordAt(this.#previous) !== isWordAt(following);
        return isBoundary === (assertion === "word_boundary");
      }
    }
  }
}

function isWordAt(code: number): boolean {
  return code !== NONE && isAsciiWord(code);
}
