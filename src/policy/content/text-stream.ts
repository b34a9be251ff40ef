import { TextFilter, type Decided, type Piece, type TextRule } from "./text-filter.ts";

/** What may be passed on of a text after a step. */
export interface Passed {
  readonly text: string;
  /** The rule that blocks; the text up to its match may still be passed on. */
  readonly blockedBy: string | undefined;
  /** Stretches of a plain text that were decided, by their places in it as it came. */
  readonly pieces: readonly Piece[];
}

/** A text that passes rules while it comes. */
export interface TextStream {
  push(text: string): Passed;
  /** The text is over. */
  end(): Passed;
  /** Names of the rules that have matched. */
  readonly hits: ReadonlySet<string>;
}

/** How a text is read: as it is, or as JSON whose values are read each on its own. */
export type TextKind = "plain" | "json";

/** A stream for a text of this kind. */
export function textStream(rules: readonly TextRule[], kind: TextKind): TextStream {
  return kind === "json" ? new JsonStream(rules) : new PlainStream(rules);
}

/** A whole text as it passes rules. */
export interface PassedText {
  readonly text: string;
  readonly blockedBy: string | undefined;
  readonly hits: ReadonlySet<string>;
}

/** Applies rules to a whole text. */
export function passText(rules: readonly TextRule[], kind: TextKind, text: string): PassedText {
  const stream = textStream(rules, kind);
  const begun = stream.push(text);
  if (begun.blockedBy !== undefined) return { ...begun, hits: stream.hits };
  const ended = stream.end();
  return { text: begun.text + ended.text, blockedBy: ended.blockedBy, hits: stream.hits };
}

class PlainStream implements TextStream {
  readonly #filter: TextFilter;
  #pending = "";
  #pendingFrom = 0;

  constructor(rules: readonly TextRule[]) {
    this.#filter = new TextFilter(rules);
  }

  get hits(): ReadonlySet<string> {
    return this.#filter.hits;
  }

  push(text: string): Passed {
    this.#pending += text;
    return this.#passed(this.#filter.push(text));
  }

  end(): Passed {
    return this.#passed(this.#filter.end());
  }

  #passed({ pieces, blockedBy }: Decided): Passed {
    const from = this.#pendingFrom;
    let text = "";
    for (const { start, end, replacement } of pieces) {
      text += replacement ?? this.#pending.slice(start - from, end - from);
      this.#pendingFrom = end;
    }
    this.#pending = this.#pending.slice(this.#pendingFrom - from);
    return { text, blockedBy, pieces };
  }
}

const STRUCTURE = new Set("{}[],:");
const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map(
  Object.entries({ b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\", "/": "/" }),
);

// What may yet become a number, true, false or null, and what is one. No real one is as long as the limit.
const LITERAL_SO_FAR = /^\s*[-+.\w]*\s*$/;
const LITERAL = /^(\s*)(?:-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null)(\s*)$/;
const MAX_LITERAL_CHARS = 1000;

interface HeldPiece {
  readonly written: string;
  readonly replacement: string | undefined;
}

/**
 * JSON text that stays JSON: strings are read without their escapes and masked within their quotes; what stands outside of
 * strings, such as a number, becomes a string as a whole where any of it is masked. What is kept is kept as it was written. Text that is no
 * JSON is read in the same way, so that nothing of it escapes the rules.
 */
class JsonStream implements TextStream {
  readonly #rules: readonly TextRule[];
  readonly #hits = new Set<string>();
  #inString = false;
  #escape = "";
  #value: TextFilter | undefined;
  // How the undecided characters of the value were written, one entry for each.
  #written: string[] = [];
  #writtenFrom = 0;
  // The decided beginning of a literal, which is kept or masked as a whole; undefined once it is none.
  #held: HeldPiece[] | undefined = [];
  #read = "";
  #out = "";
  #blockedBy: string | undefined;

  constructor(rules: readonly TextRule[]) {
    this.#rules = rules;
  }

  get hits(): ReadonlySet<string> {
    return this.#hits;
  }

  push(text: string): Passed {
    for (const unit of text) {
      if (this.#blockedBy !== undefined) break;
      if (this.#inString) this.#takeInString(unit);
      else this.#takeOutside(unit);
    }
    this.#flush();
    return this.#passed();
  }

  end(): Passed {
    if (this.#escape !== "") this.#add(this.#escape, this.#escape);
    this.#endValue();
    return this.#passed();
  }

  #passed(): Passed {
    const text = this.#out;
    this.#out = "";
    return { text, blockedBy: this.#blockedBy, pieces: [] };
  }

  #takeOutside(unit: string): void {
    if (unit !== '"' && !STRUCTURE.has(unit)) return this.#add(unit, unit);
    this.#endValue();
    if (this.#blockedBy === undefined) this.#out += unit;
    this.#inString = unit === '"';
  }

  #takeInString(unit: string): void {
    if (this.#escape !== "") return this.#takeEscape(unit);
    if (unit === "\\") this.#escape = unit;
    else if (unit !== '"') this.#add(unit, unit);
    else {
      this.#endValue();
      if (this.#blockedBy === undefined) this.#out += unit;
      this.#inString = false;
    }
  }

  #takeEscape(unit: string): void {
    this.#escape += unit;
    const written = this.#escape;
    if (written[1] === "u" && written.length < 6) return;
    this.#escape = "";
    const code = /^\\u([0-9A-Fa-f]{4})$/.exec(written)?.[1];
    if (code !== undefined) this.#add(String.fromCharCode(Number.parseInt(code, 16)), written);
    else this.#add(SHORT_ESCAPES.get(unit) ?? written, written);
  }

  /** One character of a value: what it means, and how it is written. */
  #add(meant: string, written: string): void {
    this.#read += meant;
    for (let index = 0; index < meant.length; index++) {
      // What is written in one may mean several units: it goes with the first of them.
      this.#written.push(meant === written ? meant[index]! : index === 0 ? written : "");
    }
  }

  #flush(): void {
    if (this.#read === "" || this.#blockedBy !== undefined) return;
    this.#value ??= new TextFilter(this.#rules);
    const read = this.#read;
    this.#read = "";
    this.#emit(this.#value.push(read));
  }

  #endValue(): void {
    this.#flush();
    if (this.#value && this.#blockedBy === undefined) this.#emit(this.#value.end());
    this.#endLiteral();
    this.#value = undefined;
    this.#written = [];
    this.#writtenFrom = 0;
  }

  #emit({ pieces, blockedBy }: Decided): void {
    const from = this.#writtenFrom;
    for (const { start, end, replacement } of pieces) {
      const piece = { written: this.#written.slice(start - from, end - from).join(""), replacement };
      if (this.#inString || this.#held === undefined) this.#pass(piece);
      else this.#held.push(piece);
      this.#writtenFrom = end;
    }
    if (blockedBy !== undefined || (this.#held && !mayBeLiteral(this.#held))) this.#release();
    this.#written.splice(0, this.#writtenFrom - from);
    for (const hit of this.#value?.hits ?? []) this.#hits.add(hit);
    this.#blockedBy = blockedBy;
  }

  #pass({ written, replacement }: HeldPiece): void {
    if (replacement === undefined) this.#out += written;
    else if (replacement !== "") this.#out += this.#quoted(replacement);
  }

  #release(): void {
    for (const piece of this.#held ?? []) this.#pass(piece);
    this.#held = undefined;
  }

  #endLiteral(): void {
    const masks = (this.#held ?? []).flatMap(({ replacement }) => replacement ?? []);
    const [, before, after] = masks.length > 0 ? (LITERAL.exec(writtenOf(this.#held ?? [])) ?? []) : [];
    if (before === undefined) this.#release();
    else this.#out += before + JSON.stringify(masks.find((mask) => mask !== "") ?? "") + after;
    this.#held = [];
  }

  #quoted(replacement: string): string {
    const json = JSON.stringify(replacement);
    return this.#inString ? json.slice(1, -1) : json;
  }
}

const writtenOf = (pieces: readonly HeldPiece[]): string => pieces.map(({ written }) => written).join("");

function mayBeLiteral(pieces: readonly HeldPiece[]): boolean {
  const written = writtenOf(pieces);
  return written.length <= MAX_LITERAL_CHARS && LITERAL_SO_FAR.test(written);
}
