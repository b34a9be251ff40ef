/** A pattern taken apart. */
export type Node =
  | { readonly kind: "characters"; readonly test: CharacterTest }
  | { readonly kind: "sequence"; readonly nodes: readonly Node[] }
  | { readonly kind: "choice"; readonly nodes: readonly Node[] }
  /** `max` is `Infinity` where there is no limit. */
  | { readonly kind: "repeat"; readonly node: Node; readonly min: number; readonly max: number }
  | { readonly kind: "assertion"; readonly assertion: Assertion };

/** What must hold between two characters. */
export type Assertion = "start" | "end" | "word_boundary" | "no_word_boundary";

/** Whether a character, by its code point, is one of a set. */
export type CharacterTest = (code: number) => boolean;

/** A pattern that cannot be used; the message is the end of a sentence and holds nothing of the pattern. */
export class PatternError extends Error {
  override readonly name = "PatternError";
}

/** The longest source of a pattern, in characters. */
const MAX_PATTERN_CHARS = 1000;
/** The largest number in a repetition. */
const MAX_REPEAT = 1000;
const MAX_NESTING = 50;

/** Takes a pattern apart. Throws `PatternError`, which says what is not supported and why. */
export function parsePattern(source: string, caseSensitive: boolean): Node {
  if (source.length > MAX_PATTERN_CHARS) {
    throw new PatternError(`is ${source.length} characters long: the limit is ${MAX_PATTERN_CHARS}`);
  }
  return new Parser(source, caseSensitive ? "u" : "iu").parse();
}

const REFUSED_GROUPS: readonly (readonly [string, string])[] = [
  ["(?=", "lookahead"],
  ["(?!", "lookahead"],
  ["(?<=", "lookbehind"],
  ["(?<!", "lookbehind"],
];

class Parser {
  readonly #source: string;
  readonly #flags: string;
  #at = 0;
  #depth = 0;

  constructor(source: string, flags: string) {
    this.#source = source;
    this.#flags = flags;
  }

  parse(): Node {
    const node = this.#choice();
    if (this.#at < this.#source.length) throw this.#wrong("has a ) without its (");
    return node;
  }

  #choice(): Node {
    const nodes = [this.#sequence()];
    while (this.#take("|")) nodes.push(this.#sequence());
    return nodes.length === 1 ? nodes[0]! : { kind: "choice", nodes };
  }

  #sequence(): Node {
    const nodes: Node[] = [];
    while (this.#at < this.#source.length && !"|)".includes(this.#peek())) nodes.push(this.#repeated());
    return nodes.length === 1 ? nodes[0]! : { kind: "sequence", nodes };
  }

  #repeated(): Node {
    let node = this.#atom();
    for (;;) {
      const bounds = this.#quantifier();
      if (!bounds) return node;
      if (node.kind === "assertion") throw this.#wrong("repeats what matches no character");
      if ("?+".includes(this.#peek()) && this.#peek() !== "") {
        throw this.#wrong(
          "has a lazy or possessive repetition: every possible match counts, so that it would do nothing",
        );
      }
      node = { kind: "repeat", node, ...bounds };
    }
  }

  #quantifier(): { min: number; max: number } | undefined {
    if (this.#take("*")) return { min: 0, max: Infinity };
    if (this.#take("+")) return { min: 1, max: Infinity };
    if (this.#take("?")) return { min: 0, max: 1 };
    const counted = /^\{(\d{1,4})(?:(,)(\d{1,4})?)?\}/.exec(this.#source.slice(this.#at, this.#at + 16));
    if (!counted) return undefined;
    this.#at += counted[0].length;
    const min = Number(counted[1]);
    const max = counted[3] !== undefined ? Number(counted[3]) : counted[2] === undefined ? min : Infinity;
    if (min > max) throw this.#wrong("has a repetition whose numbers are out of order");
    if (min > MAX_REPEAT || (max > MAX_REPEAT && max !== Infinity)) {
      throw this.#wrong(`repeats more than ${MAX_REPEAT} times`);
    }
    return { min, max };
  }

  #atom(): Node {
    const first = this.#peek();
    switch (first) {
      case "(":
        return this.#group();
      case "[":
        return this.#class();
      case "\\":
        return this.#escape();
      case "^":
        return this.#assertion("start", 1);
      case "$":
        return this.#assertion("end", 1);
      case ".":
        return this.#characters(1);
      case "*":
      case "+":
      case "?":
        throw this.#wrong("repeats nothing");
      case "{":
      case "}":
      case "]":
        throw this.#wrong(`has a ${first} that needs a backslash before it`);
      default:
        return this.#characters(first.length);
    }
  }

  #group(): Node {
    const rest = this.#source.slice(this.#at, this.#at + 4);
    for (const [prefix, name] of REFUSED_GROUPS) {
      if (rest.startsWith(prefix)) throw this.#wrong(`uses ${name}, which cannot be matched in one pass over a stream`);
    }
    const named = /^\(\?<[A-Za-z_]\w{0,31}>/.exec(this.#source.slice(this.#at, this.#at + 40));
    if (named) this.#at += named[0].length;
    else if (rest.startsWith("(?:")) this.#at += 3;
    else if (rest.startsWith("(?")) throw this.#wrong("has a group of a kind that is not supported: use ( ) or (?: )");
    else this.#at += 1;
    if (++this.#depth > MAX_NESTING) throw this.#wrong(`nests groups deeper than ${MAX_NESTING} levels`);
    const node = this.#choice();
    this.#depth -= 1;
    if (!this.#take(")")) throw this.#wrong("has a ( without its )");
    return node;
  }

  #class(): Node {
    let end = this.#at + 1;
    while (end < this.#source.length && this.#source[end] !== "]") end += this.#source[end] === "\\" ? 2 : 1;
    if (end >= this.#source.length) throw this.#wrong("has a [ without its ]");
    return this.#characters(end + 1 - this.#at);
  }

  #escape(): Node {
    const rest = this.#source.slice(this.#at, this.#at + 64);
    if (/^\\[1-9]/.test(rest) || rest.startsWith("\\k")) {
      throw this.#wrong("uses a backreference, which cannot be matched in time proportional to the text");
    }
    if (rest.startsWith("\\b")) return this.#assertion("word_boundary", 2);
    if (rest.startsWith("\\B")) return this.#assertion("no_word_boundary", 2);
    const escape = /^\\(?:[pP]\{[\w=]{1,60}\}|u\{[0-9A-Fa-f]{1,6}\}|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[^]?)/u.exec(rest);
    return this.#characters(escape![0].length);
  }

  #assertion(assertion: Assertion, length: number): Node {
    this.#at += length;
    return { kind: "assertion", assertion };
  }

  /** A set of characters: what it means is what JavaScript says it means. */
  #characters(length: number): Node {
    const text = this.#source.slice(this.#at, this.#at + length);
    this.#at += length;
    let pattern: RegExp;
    try {
      pattern = new RegExp(`^(?:${text})$`, this.#flags);
    } catch {
      throw this.#wrong("has a set or an escape that is none");
    }
    return { kind: "characters", test: testOf(pattern) };
  }

  #peek(): string {
    const code = this.#source.codePointAt(this.#at);
    return code === undefined ? "" : String.fromCodePoint(code);
  }

  #take(character: string): boolean {
    if (this.#source[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #wrong(what: string): PatternError {
    return new PatternError(`${what} (at character ${Math.min(this.#at + 1, this.#source.length)})`);
  }
}

/** One character against one set: no repetition is left in `pattern`, so that it cannot take long. */
function testOf(pattern: RegExp): CharacterTest {
  const ascii = Uint8Array.from({ length: 128 }, (_, code) => (pattern.test(String.fromCharCode(code)) ? 1 : 0));
  return (code) => (code < 128 ? ascii[code] === 1 : pattern.test(String.fromCodePoint(code)));
}
