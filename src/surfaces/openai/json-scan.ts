import { ParleyError, shorten } from "../../errors/index.ts";

/** Paths whose text is kept: member names in order, `*` for any member or element. At most 30. */
export type WatchedPaths = readonly (readonly string[])[];

/** How a text is scanned. */
export interface ScanOptions {
  /** Most levels of nested objects and arrays. */
  readonly maxDepth: number;
  readonly watch: WatchedPaths;
  /** Names of members at the top that `*` does not stand for. Unset: none. */
  readonly unwatched?: ReadonlySet<string>;
}

/**
 * One pass over a JSON text: bounds its depth, finds names that occur twice in an object, and returns the texts of the
 * watched values by their path, for example `tools[0].function.parameters`. It checks the structure only as far as it
 * needs it: a parse has to follow. Throws `INVALID_REQUEST`.
 */
export function scanJson(text: string, options: ScanOptions): ReadonlyMap<string, string> {
  return new Scan(text, options).run();
}

/** The error of a body that is not JSON. */
export function notJson(position: number | undefined): ParleyError {
  return unreadable(`it is not valid JSON${position === undefined ? "" : ` (at character ${position})`}`);
}

/** The error of a body that cannot be taken. */
export function unreadable(what: string): ParleyError {
  return new ParleyError("INVALID_REQUEST", `Cannot read the request body: ${what}`);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const SPACE = 0x20;

// Recursion is bounded by the depth limit.
class Scan {
  readonly #text: string;
  readonly #maxDepth: number;
  readonly #watch: WatchedPaths;
  readonly #unwatched: ReadonlySet<string> | undefined;
  readonly #sources = new Map<string, string>();
  /** Per depth: where the current member's name stands, or which element of an array it is. */
  readonly #steps: Step[] = [];
  #at = 0;

  constructor(text: string, options: ScanOptions) {
    this.#text = text;
    this.#maxDepth = options.maxDepth;
    this.#watch = options.watch;
    this.#unwatched = options.unwatched;
  }

  run(): ReadonlyMap<string, string> {
    // A bit per watched path: set while everything from the root to here matches it.
    this.#value(0, 2 ** this.#watch.length - 1);
    this.#skipSpace();
    if (this.#at < this.#text.length) throw notJson(this.#at);
    return this.#sources;
  }

  #value(depth: number, matching: number): void {
    switch (this.#skipSpace()) {
      case QUOTE:
        this.#string();
        return;
      case OPEN_BRACE:
        this.#object(depth, matching);
        return;
      case OPEN_BRACKET:
        this.#array(depth, matching);
        return;
      default:
        this.#primitive();
    }
  }

  #object(depth: number, matching: number): void {
    const step = this.#enter(depth);
    step.names.clear();
    if (this.#skipSpace() === CLOSE_BRACE) return this.#leave();
    for (;;) {
      if (this.#skipSpace() !== QUOTE) throw notJson(this.#at);
      step.start = this.#at + 1;
      const isNew = this.#name(step);
      step.end = this.#at - 1;
      if (!isNew) throw this.#duplicate(depth);
      if (this.#skipSpace() !== COLON) throw notJson(this.#at);
      this.#at += 1;
      if (matching === 0) this.#value(depth + 1, 0);
      else this.#watched(depth, matching, nameAt(this.#text, step.start, step.end));
      const next = this.#skipSpace();
      if (next === CLOSE_BRACE) return this.#leave();
      if (next !== COMMA) throw notJson(this.#at);
      this.#at += 1;
    }
  }

  #array(depth: number, matching: number): void {
    const step = this.#enter(depth);
    step.end = -1;
    if (this.#skipSpace() === CLOSE_BRACKET) return this.#leave();
    for (let index = 0; ; index++) {
      step.start = index;
      if (matching === 0) this.#value(depth + 1, 0);
      else this.#watched(depth, matching, "*");
      const next = this.#skipSpace();
      if (next === CLOSE_BRACKET) return this.#leave();
      if (next !== COMMA) throw notJson(this.#at);
      this.#at += 1;
    }
  }

  #watched(depth: number, matching: number, name: string): void {
    let inside = 0;
    let isWatched = false;
    const any = depth === 0 && this.#unwatched?.has(name) === true ? name : "*";
    for (let index = 0; index < this.#watch.length; index++) {
      const path = this.#watch[index] ?? [];
      if ((matching & (1 << index)) === 0 || (path[depth] !== name && path[depth] !== any)) continue;
      if (path.length === depth + 1) isWatched = true;
      else inside |= 1 << index;
    }
    this.#skipSpace();
    const start = this.#at;
    this.#value(depth + 1, inside);
    if (isWatched) this.#sources.set(this.#pathText(depth), this.#text.slice(start, this.#at));
  }

  #enter(depth: number): Step {
    if (depth >= this.#maxDepth) throw unreadable(`it is nested deeper than the limit of ${this.#maxDepth} levels`);
    this.#at += 1;
    return (this.#steps[depth] ??= { start: 0, end: 0, names: new Names(this.#text) });
  }

  #leave(): void {
    this.#at += 1;
  }

  #skipSpace(): number {
    const text = this.#text;
    let code = text.charCodeAt(this.#at);
    while (code <= SPACE && (code === SPACE || code === 0x0a || code === 0x0d || code === 0x09)) {
      code = text.charCodeAt(++this.#at);
    }
    return code;
  }

  #string(): void {
    let end = this.#text.indexOf('"', this.#at + 1);
    while (end >= 0 && this.#isEscaped(end)) end = this.#text.indexOf('"', end + 1);
    if (end < 0) throw notJson(this.#text.length);
    this.#at = end + 1;
  }

  #isEscaped(quote: number): boolean {
    let before = quote - 1;
    while (this.#text.charCodeAt(before) === BACKSLASH) before -= 1;
    return (quote - before) % 2 === 0;
  }

  /** Reads a name; false where it is in the object already. */
  #name(step: Step): boolean {
    const text = this.#text;
    let hash = 0;
    for (let at = step.start; ; at++) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        this.#at = at + 1;
        return step.names.add(step.start, at, hash);
      }
      // An escaped name hashes as what it stands for.
      if (code === BACKSLASH) return this.#escapedName(step);
      if (code !== code) throw notJson(at); // NaN: the end of the text
      hash = (Math.imul(hash, 31) + code) | 0;
    }
  }

  #escapedName(step: Step): boolean {
    this.#string();
    const end = this.#at - 1;
    const name = nameAt(this.#text, step.start, end);
    let hash = 0;
    for (let index = 0; index < name.length; index++) hash = (Math.imul(hash, 31) + name.charCodeAt(index)) | 0;
    return step.names.add(step.start, end, hash);
  }

  #primitive(): void {
    const start = this.#at;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      // NaN, the end of the text, compares false with everything
      if (!(code > SPACE) || code === COMMA || code === CLOSE_BRACE || code === CLOSE_BRACKET) break;
      this.#at += 1;
    }
    if (this.#at === start) throw notJson(start);
  }

  #duplicate(depth: number): ParleyError {
    const field = shorten(this.#pathText(depth), 256);
    return new ParleyError(
      "INVALID_REQUEST",
      `Cannot read ${field}: the field occurs twice in its object; send it once`,
      {
        field,
      },
    );
  }

  #pathText(depth: number): string {
    let text = "";
    for (const { start, end } of this.#steps.slice(0, depth + 1)) {
      if (end < 0) text += `[${start}]`;
      else text += `${text === "" ? "" : "."}${nameAt(this.#text, start, end)}`;
    }
    return text;
  }
}

/** A step of the path to where the scan is: a name's place in the text, or an element's index with an end of -1. */
interface Step {
  start: number;
  end: number;
  readonly names: Names;
}

function nameAt(text: string, start: number, end: number): string {
  const name = text.slice(start, end);
  if (!name.includes("\\")) return name;
  try {
    return JSON.parse(`"${name}"`) as string;
  } catch {
    throw notJson(start);
  }
}

const FEW = 24;

/** The names of one object, by place and hash; a set where they are many. Made once per depth and used again. */
class Names {
  readonly #text: string;
  // Only the first `#count` hold: what is emptied by its length is made anew for each object.
  readonly #hashes: number[] = [];
  readonly #places: number[] = [];
  #count = 0;
  #many: Set<string> | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  clear(): void {
    this.#count = 0;
    this.#many = undefined;
  }

  /** False where the name is there already. */
  add(start: number, end: number, hash: number): boolean {
    if (this.#many) return this.#addToMany(start, end);
    const hashes = this.#hashes;
    const count = this.#count;
    for (let index = 0; index < count; index++) {
      if (hashes[index] === hash && this.#name(index) === nameAt(this.#text, start, end)) return false;
    }
    hashes[count] = hash;
    this.#places[2 * count] = start;
    this.#places[2 * count + 1] = end;
    this.#count = count + 1;
    if (count >= FEW) this.#many = new Set(hashes.slice(0, count + 1).map((_hash, index) => this.#name(index)));
    return true;
  }

  #addToMany(start: number, end: number): boolean {
    const name = nameAt(this.#text, start, end);
    if (this.#many?.has(name)) return false;
    this.#many?.add(name);
    return true;
  }

  #name(index: number): string {
    return nameAt(this.#text, this.#places[2 * index] ?? 0, this.#places[2 * index + 1] ?? 0);
  }
}
