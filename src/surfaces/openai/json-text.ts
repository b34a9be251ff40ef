import { isUtf8 } from "node:buffer";
import { ParleyError, shorten } from "../../errors/index.ts";
import { describeType, type JsonObject } from "./fields.ts";

/** A JSON object as received, and the text of some of its values exactly as written. */
export interface JsonText {
  readonly root: JsonObject;
  /**
   * Text of a watched value by its path, for example `tools[0].function.parameters`. Undefined: there is no such value,
   * or its path is not watched.
   */
  source(path: string): string | undefined;
}

/** Paths whose text is kept: member names in order, `*` for any member or element. */
export type WatchedPaths = readonly (readonly string[])[];

/**
 * Reads the JSON object of a body. Parsing loses what schemas and unknown fields need: the order of keys that look like
 * integers, and integers above 2^53. So one scan before the parse bounds the depth, finds duplicate keys and keeps the
 * text of the watched values. Throws `INVALID_REQUEST`; its message never quotes the body.
 */
export function readJsonObject(body: Buffer, options: { maxDepth: number; watch: WatchedPaths }): JsonText {
  if (body.length === 0) throw unreadable("it is empty; send a JSON object");
  if (!isUtf8(body)) throw unreadable("it is not valid UTF-8");
  const text = body.toString("utf8");
  const scan = new Scan(text, options.maxDepth, options.watch);
  scan.run();
  const root = parse(text);
  if (typeof root !== "object" || root === null || Array.isArray(root)) {
    throw unreadable(`expected a JSON object, got ${describeType(root)}`);
  }
  return { root: root as JsonObject, source: (path) => scan.sources.get(path) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw notJson(positionIn(thrown));
  }
}

// V8 quotes the text in some of these messages; only a position after the quote's end is taken over.
function positionIn(thrown: unknown): number | undefined {
  const found = / in JSON at position (\d+)(?: \(line \d+ column \d+\))?$/.exec(
    thrown instanceof Error ? thrown.message : "",
  );
  return found ? Number(found[1]) : undefined;
}

function notJson(position: number | undefined): ParleyError {
  return unreadable(`it is not valid JSON${position === undefined ? "" : ` (at character ${position})`}`);
}

function unreadable(what: string): ParleyError {
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

/**
 * One pass over a JSON text. It checks the structure only as far as it needs it; the parse that follows judges the rest.
 * Recursion is bounded by the depth limit.
 */
class Scan {
  readonly sources = new Map<string, string>();
  readonly #text: string;
  readonly #maxDepth: number;
  readonly #watch: WatchedPaths;
  readonly #path: (string | number)[] = [];
  #at = 0;

  constructor(text: string, maxDepth: number, watch: WatchedPaths) {
    this.#text = text;
    this.#maxDepth = maxDepth;
    this.#watch = watch;
  }

  run(): void {
    // A bit per watched path: set while everything from the root to here matches it.
    this.#value(0, 2 ** this.#watch.length - 1);
    this.#skipSpace();
    if (this.#at < this.#text.length) throw notJson(this.#at);
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
    this.#enter(depth);
    const names = new Names();
    if (this.#skipSpace() === CLOSE_BRACE) return this.#leave();
    for (;;) {
      if (this.#skipSpace() !== QUOTE) throw notJson(this.#at);
      const name = this.#name();
      this.#path[depth] = name;
      if (!names.add(name)) throw this.#duplicate(depth);
      if (this.#skipSpace() !== COLON) throw notJson(this.#at);
      this.#at += 1;
      this.#member(depth, matching, name);
      const next = this.#skipSpace();
      if (next === CLOSE_BRACE) return this.#leave();
      if (next !== COMMA) throw notJson(this.#at);
      this.#at += 1;
    }
  }

  #array(depth: number, matching: number): void {
    this.#enter(depth);
    if (this.#skipSpace() === CLOSE_BRACKET) return this.#leave();
    for (let index = 0; ; index++) {
      this.#path[depth] = index;
      this.#member(depth, matching, "*");
      const next = this.#skipSpace();
      if (next === CLOSE_BRACKET) return this.#leave();
      if (next !== COMMA) throw notJson(this.#at);
      this.#at += 1;
    }
  }

  #member(depth: number, matching: number, name: string): void {
    if (matching === 0) return this.#value(depth + 1, 0);
    let inside = 0;
    let watched = false;
    for (let index = 0; index < this.#watch.length; index++) {
      const path = this.#watch[index] ?? [];
      if ((matching & (1 << index)) === 0 || (path[depth] !== name && path[depth] !== "*")) continue;
      if (path.length === depth + 1) watched = true;
      else inside |= 1 << index;
    }
    if (!watched) return this.#value(depth + 1, inside);
    const path = this.#pathText(depth);
    this.#skipSpace();
    const start = this.#at;
    this.#value(depth + 1, inside);
    this.sources.set(path, this.#text.slice(start, this.#at));
  }

  #enter(depth: number): void {
    if (depth >= this.#maxDepth) {
      throw unreadable(`it is nested deeper than the limit of ${this.#maxDepth} levels`);
    }
    this.#at += 1;
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

  #name(): string {
    const start = this.#at;
    this.#string();
    const name = this.#text.slice(start + 1, this.#at - 1);
    if (!name.includes("\\")) return name;
    try {
      return JSON.parse(this.#text.slice(start, this.#at)) as string;
    } catch {
      throw notJson(start);
    }
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
    for (const step of this.#path.slice(0, depth + 1)) {
      text += typeof step === "number" ? `[${step}]` : text === "" ? step : `.${step}`;
    }
    return text;
  }
}

/** The names of one object: few are compared one by one, many through a set. */
class Names {
  #few: string[] = [];
  #many: Set<string> | undefined;

  /** False where the name is there already. */
  add(name: string): boolean {
    if (this.#many) {
      if (this.#many.has(name)) return false;
      this.#many.add(name);
      return true;
    }
    if (this.#few.includes(name)) return false;
    this.#few.push(name);
    if (this.#few.length > 16) this.#many = new Set(this.#few);
    return true;
  }
}
