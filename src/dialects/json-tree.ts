import { RawJson } from "./json-text.ts";

/**
 * JSON text taken apart without loss: objects as maps in their key order, lists as lists, everything else as its own
 * text, so that big integers and the writing of numbers survive. `jsonText` puts it together again.
 */
export type JsonTree = RawJson | JsonTree[] | JsonObjectTree;

/** An object of a `JsonTree`. */
export type JsonObjectTree = Map<string, JsonTree>;

const MAX_DEPTH = 256;

/** The text as a tree, or undefined where it is not JSON or nested deeper than 256 levels. A repeated key's last value wins. */
export function jsonTree(text: string): JsonTree | undefined {
  try {
    JSON.parse(text);
    return new TreeScanner(text).value(0);
  } catch {
    return undefined;
  }
}

/** The text of an object as a tree, or undefined where it is something else. */
export function jsonObjectTree(text: string): JsonObjectTree | undefined {
  const tree = jsonTree(text);
  return tree instanceof Map ? tree : undefined;
}

/** The value that a scalar of a tree stands for; undefined for objects, lists and nothing. */
export function scalarOf(tree: JsonTree | undefined): unknown {
  return tree instanceof RawJson ? (JSON.parse(tree.text) as unknown) : undefined;
}

const NUMBER_OR_WORD = /[-+.\w]+/y;

// The text is known to be valid JSON.
class TreeScanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): JsonTree {
    if (depth > MAX_DEPTH) throw new RangeError(`Cannot take JSON apart: it is nested deeper than ${MAX_DEPTH} levels`);
    this.#skipSpace();
    switch (this.#text[this.#at]) {
      case "{":
        return this.#object(depth);
      case "[":
        return this.#list(depth);
      case '"':
        return new RawJson(this.#string());
      default:
        return new RawJson(this.#numberOrWord());
    }
  }

  #object(depth: number): JsonObjectTree {
    const members: JsonObjectTree = new Map();
    this.#at += 1;
    this.#skipSpace();
    while (this.#text[this.#at] !== "}") {
      const key = JSON.parse(this.#string()) as string;
      this.#skipSpace();
      this.#at += 1;
      members.set(key, this.value(depth + 1));
      this.#skipComma();
    }
    this.#at += 1;
    return members;
  }

  #list(depth: number): JsonTree[] {
    const items: JsonTree[] = [];
    this.#at += 1;
    this.#skipSpace();
    while (this.#text[this.#at] !== "]") {
      items.push(this.value(depth + 1));
      this.#skipComma();
    }
    this.#at += 1;
    return items;
  }

  #string(): string {
    const start = this.#at;
    this.#at += 1;
    while (this.#text[this.#at] !== '"') this.#at += this.#text[this.#at] === "\\" ? 2 : 1;
    this.#at += 1;
    return this.#text.slice(start, this.#at);
  }

  #numberOrWord(): string {
    NUMBER_OR_WORD.lastIndex = this.#at;
    const found = NUMBER_OR_WORD.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #skipComma(): void {
    this.#skipSpace();
    if (this.#text[this.#at] === ",") this.#at += 1;
    this.#skipSpace();
  }

  #skipSpace(): void {
    while (" \t\n\r".includes(this.#text.charAt(this.#at)) && this.#at < this.#text.length) this.#at += 1;
  }
}
