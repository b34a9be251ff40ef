import { Coverage, type Span } from "./coverage.ts";
import type { Scanner, ScannerMaker } from "./scanner.ts";

/** What stands for a masked stretch where a rule does not say. */
export const DEFAULT_REPLACEMENT = "[MASKED]";

/** What looks for one rule's matches in a text, and what becomes of them. */
export interface TextRule {
  readonly name: string;
  readonly scanner: ScannerMaker;
  /** What stands for a masked stretch; undefined: a match blocks. */
  readonly replacement: string | undefined;
}

/** A stretch of the text that is decided. */
export interface Piece extends Span {
  /** What stands for it; undefined: it stays as it is. Empty where the stretch before is replaced and goes on. */
  readonly replacement?: string;
}

/** What is decided of a text, in order. */
export interface Decided {
  readonly pieces: readonly Piece[];
  /** The rule that blocks, at the end of the pieces; nothing comes after it. */
  readonly blockedBy: string | undefined;
}

interface Watched {
  readonly rule: TextRule;
  readonly scanner: Scanner;
  readonly coverage: Coverage;
}

/**
 * Applies rules to a text that comes in pieces. A character is decided as soon as no rule can still match it; then it stays
 * or is masked. Characters that are part of any match of any rule are masked; neighbouring ones get one replacement, of
 * the first rule, in the order of the rules, that matches the first of them. How the text was cut makes no difference.
 */
export class TextFilter {
  readonly #watched: readonly Watched[];
  readonly #hits = new Set<string>();
  #pending = "";
  /** Up to where the scanners have read, and up to where all is decided. */
  #read = 0;
  #decided = 0;
  /** Whether the last decided character was masked: what touches it belongs to the same stretch. */
  #masking = false;
  #blockStart = Infinity;
  #blockedBy: string | undefined;

  constructor(rules: readonly TextRule[]) {
    this.#watched = rules.map((rule) => {
      const coverage = new Coverage();
      const scanner = rule.scanner((start, end) => this.#found(rule, coverage, start, end));
      return { rule, scanner, coverage };
    });
  }

  /** Names of the rules that have matched. */
  get hits(): ReadonlySet<string> {
    return this.#hits;
  }

  /** Characters that have come and are not decided, in UTF-16 units. */
  get undecidedChars(): number {
    return this.#read + this.#pending.length - this.#decided;
  }

  /** Takes the next piece of the text. */
  push(text: string): Decided {
    this.#pending += text;
    this.#scan(false);
    return this.#decide(this.#open());
  }

  /** The text is over: the rest is decided. */
  end(): Decided {
    this.#scan(true);
    for (const { scanner } of this.#watched) scanner.end(this.#read);
    return this.#decide(this.#read);
  }

  #found({ name, replacement }: TextRule, coverage: Coverage, start: number, end: number): void {
    this.#hits.add(name);
    coverage.add(start, end);
    if (replacement !== undefined || start >= this.#blockStart) return;
    this.#blockStart = start;
    this.#blockedBy = name;
  }

  #scan(isLast: boolean): void {
    const text = this.#pending;
    let index = 0;
    while (index < text.length && this.#blockedBy === undefined) {
      // By hand: `codePointAt`, once optimised by Node 26.10, now and then moved all that followed a halved character by one.
      let code = text.charCodeAt(index);
      let length = 1;
      if (code >= 0xd8_00 && code <= 0xdb_ff) {
        // The other half of the character is still to come.
        if (index + 1 === text.length && !isLast) break;
        const low = text.charCodeAt(index + 1);
        if (low >= 0xdc_00 && low <= 0xdf_ff) {
          code = ((code - 0xd8_00) << 10) + (low - 0xdc_00) + 0x1_00_00;
          length = 2;
        }
      }
      for (const { scanner } of this.#watched) scanner.step(code, this.#read, this.#read + length);
      this.#read += length;
      index += length;
    }
    this.#pending = text.slice(index);
  }

  /** The first character that is not decided. */
  #open(): number {
    let open = this.#read;
    for (const { scanner, coverage } of this.#watched) {
      const { earliest } = scanner;
      if (earliest < open) open = Math.min(open, coverage.firstUncovered(earliest));
    }
    return open;
  }

  #decide(until: number): Decided {
    const pieces: Piece[] = [];
    const end = Math.max(this.#decided, Math.min(until, this.#blockStart));
    let at = this.#decided;
    while (at < end) {
      const rule = this.#ruleAt(at);
      const to = rule ? this.#maskedUntil(at, end) : this.#plainUntil(at, end);
      if (!rule) pieces.push({ start: at, end: to });
      else pieces.push({ start: at, end: to, replacement: this.#masking ? "" : (rule.replacement ?? "") });
      this.#masking = rule !== undefined;
      at = to;
    }
    this.#decided = end;
    for (const { coverage } of this.#watched) coverage.prune(end);
    return { pieces, blockedBy: this.#blockedBy };
  }

  /** The first rule that matches the character. */
  #ruleAt(position: number): TextRule | undefined {
    for (const { rule, coverage } of this.#watched) {
      if (coverage.firstUncovered(position) > position) return rule;
    }
    return undefined;
  }

  #maskedUntil(from: number, limit: number): number {
    let at = from;
    for (let before = -1; before !== at && at < limit;) {
      before = at;
      for (const { coverage } of this.#watched) at = Math.max(at, coverage.firstUncovered(at));
    }
    return Math.min(at, limit);
  }

  #plainUntil(from: number, limit: number): number {
    return Math.min(limit, ...this.#watched.map(({ coverage }) => coverage.firstCovered(from)));
  }
}
