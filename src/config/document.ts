import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Pair } from "yaml";
import { redact, shorten } from "../errors/index.ts";
import type { ConfigProblem, ProblemCode } from "./problem.ts";

/** Where something stands in the tree: keys of maps and indexes of lists. */
export type KeyPath = readonly (string | number)[];

/** Turns the text of a scalar into its value, for `${NAME}`. Throws `SubstitutionError`. */
export type Substitute = (text: string) => string;

/** A placeholder that cannot be filled; its message says why. */
export class SubstitutionError extends Error {
  override readonly name = "SubstitutionError";
}

const MAX_BYTES = 1024 * 1024;
const MAX_DEPTH = 32;
const MAX_NODES = 100_000;
const SECRET_KEYS = new Set([
  "api_key",
  "access_token",
  "key_file",
  "client",
  "client_secret",
  "secret",
  "key",
  "credentials",
  "keys",
]);

interface Place {
  readonly keyOffset: number | undefined;
  readonly valueOffset: number;
  /** The value as the file has it, before substitution; secrets by their type only. */
  readonly shown: string;
}

/** A YAML file as plain data, which remembers where each value stands. */
export class ConfigDocument {
  readonly file: string;
  /** The data, placeholders filled; undefined where the file could not be read. */
  readonly value: unknown;
  /** Mistakes of syntax and placeholders. */
  readonly problems: ConfigProblem[] = [];
  readonly #lines = new LineCounter();
  readonly #places = new Map<string, Place>();
  readonly #broken = new Set<string>();
  #nodes = 0;

  constructor(text: string, file: string, substitute: Substitute) {
    this.file = file;
    const document = this.#parse(text);
    if (!document) return;
    this.#remember([], undefined, document.contents);
    try {
      this.value = this.#read(document.contents, [], document, substitute);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#addAt(0, "unreadable", "", error.message);
    }
  }

  #parse(text: string): Document | undefined {
    if (Buffer.byteLength(text) > MAX_BYTES) {
      this.#addAt(0, "unreadable", "", "the file is larger than 1 MiB");
      return undefined;
    }
    let document: Document;
    try {
      document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    } catch {
      this.#addAt(0, "unreadable", "", `the file nests deeper than ${MAX_DEPTH} levels`);
      return undefined;
    }
    // Where the parser ran out of stack, what else it says depends on how much of it there was.
    if (document.errors.some(({ message }) => /call stack/.test(message))) {
      this.#addAt(0, "unreadable", "", `the file nests deeper than ${MAX_DEPTH} levels`);
      return undefined;
    }
    for (const mistake of [...document.errors, ...document.warnings]) {
      const message = knownMistake(mistake, text);
      // What a parser says after its first surprise is mostly an echo of it.
      if (message === undefined && this.problems.length > 0) continue;
      this.#addAt(mistake.pos[0], "unreadable", "", message ?? syntaxMessage(mistake.message));
    }
    if (this.problems.length > 0) return undefined;
    if (document.contents === null) this.#addAt(0, "missing", "", "the file is empty: expected at least `version: 1`");
    return document.contents === null ? undefined : document;
  }

  #read(node: unknown, path: KeyPath, document: Document, substitute: Substitute): unknown {
    this.#nodes += 1;
    if (this.#nodes > MAX_NODES) throw new RangeError(`the file has more than ${MAX_NODES} values, aliases unfolded`);
    if (path.length > MAX_DEPTH) throw new RangeError(`the file nests deeper than ${MAX_DEPTH} levels`);
    if (isAlias(node)) {
      const target = node.resolve(document);
      if (target) return this.#read(target, path, document, substitute);
      return this.#fail(path, "not_found", "expected a value: the alias has no anchor before it");
    }
    if (isMap(node)) return this.#readMap(node.items, path, document, substitute);
    if (isSeq(node)) {
      return node.items.map((item, index) => {
        const itemPath = [...path, index];
        this.#remember(itemPath, undefined, item);
        return this.#read(item, itemPath, document, substitute);
      });
    }
    if (!isScalar(node)) return null;
    if (typeof node.value !== "string") return node.value;
    try {
      return substitute(node.value);
    } catch (error) {
      if (!(error instanceof SubstitutionError)) throw error;
      return this.#fail(path, "not_found", error.message);
    }
  }

  #readMap(items: readonly Pair[], path: KeyPath, document: Document, substitute: Substitute): unknown {
    const entries: [string, unknown][] = [];
    for (const { key, value } of items) {
      const name = keyName(key);
      if (name === undefined || name === "__proto__") {
        this.#addAt(offsetOf(key), "unknown_key", keyText(path), "every key must be a plain word");
        continue;
      }
      const itemPath = [...path, name];
      this.#remember(itemPath, key, value);
      entries.push([name, this.#read(value, itemPath, document, substitute)]);
    }
    return Object.fromEntries(entries);
  }

  #remember(path: KeyPath, key: unknown, value: unknown): void {
    const keyOffset = key === undefined ? undefined : offsetOf(key);
    this.#places.set(pathId(path), {
      keyOffset,
      valueOffset: offsetOf(value) || (keyOffset ?? 0),
      shown: shownValue(value, mayBeSecret(path)),
    });
  }

  /** Whether the value there could not be read, so that whatever else is said about it would mislead. */
  isBroken(path: KeyPath): boolean {
    return path.some((_, index) => this.#broken.has(pathId(path.slice(0, index + 1))));
  }

  /** Whether the file has this key. */
  has(path: KeyPath): boolean {
    return path.length === 0 || this.#places.has(pathId(path));
  }

  /** The value there as the file has it, for messages. Secrets are told by their type only. */
  shown(path: KeyPath): string {
    return this.#places.get(pathId(path))?.shown ?? "nothing";
  }

  /** A problem about the value at `path`, or about its key; a path that the file lacks counts as its nearest parent. */
  problem(code: ProblemCode, path: KeyPath, message: string, at: "key" | "value" = "value"): ConfigProblem {
    let known = path;
    while (!this.has(known)) known = known.slice(0, -1);
    const place = this.#places.get(pathId(known));
    const useKey = at === "key" || known.length < path.length;
    const offset = (useKey ? place?.keyOffset : undefined) ?? place?.valueOffset ?? 0;
    return this.#problemAt(offset, code, keyText(path), message);
  }

  #fail(path: KeyPath, code: ProblemCode, message: string): null {
    this.problems.push(this.problem(code, path, message));
    this.#broken.add(pathId(path));
    return null;
  }

  #addAt(offset: number, code: ProblemCode, key: string, message: string): void {
    this.problems.push(this.#problemAt(offset, code, key, message));
  }

  #problemAt(offset: number, code: ProblemCode, key: string, message: string): ConfigProblem {
    const { line, col } = this.#lines.linePos(offset);
    return { code, file: this.file, line: Math.max(1, line), column: Math.max(1, col), key, message };
  }
}

// Numbers and booleans are words too where they are keys.
function keyName(key: unknown): string | undefined {
  const value: unknown = isScalar(key) ? key.value : undefined;
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : undefined;
}

/** The path for people: `routes.fast.targets[1]`, with quotes around keys that need them. */
function keyText(path: KeyPath): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (/^[\w-]+$/.test(step)) text += text === "" ? step : `.${step}`;
    else text += `[${JSON.stringify(shorten(step, 64))}]`;
  }
  return text;
}

function pathId(path: KeyPath): string {
  return JSON.stringify(path);
}

function offsetOf(node: unknown): number {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? (node.range?.[0] ?? 0) : 0;
}

// Where a secret belongs, and where somebody in a hurry puts it: in place of the list or the map around it.
function mayBeSecret(path: KeyPath): boolean {
  const names = path.filter((step) => typeof step !== "number");
  return SECRET_KEYS.has(String(names.at(-1))) || (path.length <= 2 && path[0] === "providers");
}

function shownValue(node: unknown, isSecret: boolean): string {
  if (isMap(node)) return "a map";
  if (isSeq(node)) return "a list";
  if (!isScalar(node) || node.value === null) return isAlias(node) ? "an alias" : "nothing";
  if (isSecret) return typeof node.value === "string" ? "text" : `a ${typeof node.value} (quotes make it text)`;
  return typeof node.value === "string"
    ? JSON.stringify(shorten(redact(node.value), 60))
    : shorten(node.source ?? typeof node.value, 60);
}

interface Mistake {
  readonly code: string;
  readonly message: string;
  readonly pos: readonly [number, number];
}

function knownMistake(mistake: Mistake, text: string): string | undefined {
  const lineStart = text.lastIndexOf("\n", mistake.pos[0] - 1) + 1;
  if (/[{,:]\s*\$\{?$/.test(text.slice(lineStart, mistake.pos[1]))) {
    return 'expected quotes around a placeholder: write "${NAME}"';
  }
  if (mistake.code === "DUPLICATE_KEY") return "the same key stands twice in one map";
  if (mistake.code === "MULTIPLE_DOCS") return "expected one YAML document: remove the line `---`";
  return undefined;
}

// The parser quotes what it met, which may be part of a secret.
function syntaxMessage(message: string): string {
  return `expected YAML: ${shorten(redact(message.replace(/ ?in YAML stream: .*$/s, "")), 160)}`;
}
