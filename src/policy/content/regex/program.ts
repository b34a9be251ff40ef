import { PatternError, parsePattern, type Assertion, type CharacterTest, type Node } from "./syntax.ts";

/** One instruction of a compiled pattern; numbers are indexes of instructions. */
export type Instruction =
  | { readonly kind: "characters"; readonly test: CharacterTest; readonly next: number }
  | { readonly kind: "split"; readonly first: number; readonly second: number }
  | { readonly kind: "assertion"; readonly assertion: Assertion; readonly next: number }
  | { readonly kind: "match" };

/** A pattern as a machine without backtracking: all its possible matches are followed at once. */
export interface Program {
  readonly instructions: readonly Instruction[];
  readonly start: number;
  /** Whether it looks at the character behind a match. */
  readonly looksAround: boolean;
  /** Whether a character of ASCII can begin a match. */
  readonly begins: Uint8Array;
  /** Most characters for which it can be open whether they are part of a match; `Infinity`: there is no limit. */
  readonly undecidedChars: number;
}

/** Most instructions of a pattern, its repetitions unfolded: each character of a text may meet all of them. */
export const MAX_INSTRUCTIONS = 2000;

/** Compiles a pattern. Throws `PatternError` where it is not supported, too large, or matches the empty text. */
export function compilePattern(source: string, caseSensitive: boolean): Program {
  const node = parsePattern(source, caseSensitive);
  const instructions: Instruction[] = [{ kind: "match" }];
  const start = emit(node, 0, instructions);
  const reach = (from: number, throughAssertions: boolean): number[] => closure(instructions, from, throughAssertions);
  if (reach(start, true).includes(0)) {
    throw new PatternError("matches the empty text: let it need at least one character");
  }
  const begins = new Uint8Array(128);
  for (const index of reach(start, true)) {
    const one = instructions[index]!;
    if (one.kind !== "characters") continue;
    for (let code = 0; code < 128; code++) if (one.test(code)) begins[code] = 1;
  }
  const looksAround = instructions.some(({ kind }) => kind === "assertion");
  return { instructions, start, looksAround, begins, undecidedChars: undecided(instructions, looksAround) };
}

/** Writes the instructions of a node that go on with `next`, and returns the first one. */
function emit(node: Node, next: number, out: Instruction[]): number {
  switch (node.kind) {
    case "characters":
      return add(out, { kind: "characters", test: node.test, next });
    case "assertion":
      return add(out, { kind: "assertion", assertion: node.assertion, next });
    case "sequence":
      return node.nodes.reduceRight((after, one) => emit(one, after, out), next);
    case "choice":
      return node.nodes
        .map((one) => emit(one, next, out))
        .reduceRight((second, first) => add(out, { kind: "split", first, second }));
    case "repeat":
      return emitRepeat(node, next, out);
  }
}

function emitRepeat({ node, min, max }: Extract<Node, { kind: "repeat" }>, next: number, out: Instruction[]): number {
  let after = next;
  if (max === Infinity) {
    // The loop's split is written first, since what is repeated comes back to it.
    const split = add(out, { kind: "split", first: 0, second: next });
    out[split] = { kind: "split", first: emit(node, split, out), second: next };
    after = split;
  } else {
    for (let optional = max - min; optional > 0; optional--) {
      after = add(out, { kind: "split", first: emit(node, after, out), second: next });
    }
  }
  for (let needed = min; needed > 0; needed--) after = emit(node, after, out);
  return after;
}

function add(out: Instruction[], instruction: Instruction): number {
  if (out.length >= MAX_INSTRUCTIONS) {
    throw new PatternError(`is too large: its repetitions unfold to more than ${MAX_INSTRUCTIONS} steps`);
  }
  return out.push(instruction) - 1;
}

/** What can be reached from an instruction without a character. */
function closure(instructions: readonly Instruction[], from: number, throughAssertions: boolean): number[] {
  const seen = new Set<number>([from]);
  for (const index of seen) {
    const one = instructions[index]!;
    if (one.kind === "split") seen.add(one.first).add(one.second);
    if (one.kind === "assertion" && throughAssertions) seen.add(one.next);
  }
  return [...seen];
}

/**
 * The longest way through the machine on which nothing is decided: characters that may turn out to be part of a match, and
 * are not known to be. A match that has been seen is decided, although it may still grow.
 */
function undecided(instructions: readonly Instruction[], looksAround: boolean): number {
  const lengths = new Map<number, number | undefined>();
  const longestFrom = (index: number): number => {
    if (lengths.has(index)) return lengths.get(index) ?? Infinity; // a way back to itself
    const one = instructions[index]!;
    if (one.kind !== "characters") return 0;
    lengths.set(index, undefined);
    let longest = 0;
    // What only an assertion keeps from being a match is not decided: the next character tells.
    if (!closure(instructions, one.next, false).includes(0)) {
      for (const next of closure(instructions, one.next, true)) longest = Math.max(longest, longestFrom(next));
      longest += 1;
    }
    lengths.set(index, longest);
    return longest;
  };
  let longest = 0;
  for (const [index] of instructions.entries()) longest = Math.max(longest, longestFrom(index));
  return longest + (looksAround ? 1 : 0);
}
