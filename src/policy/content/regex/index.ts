import type { ScannerMaker } from "../scanner.ts";
import { compilePattern } from "./program.ts";
import { PatternScanner } from "./scan.ts";
import { PatternError } from "./syntax.ts";

/** A compiled pattern. */
export interface CompiledPattern {
  readonly scanner: ScannerMaker;
  /** Most characters for which it can be open whether they are part of a match; `Infinity`: there is no limit. */
  readonly undecidedChars: number;
}

/** Compiles a pattern once. Throws `PatternError`. */
export function patternScanner(source: string, caseSensitive: boolean): CompiledPattern {
  const program = compilePattern(source, caseSensitive);
  return { scanner: (found) => new PatternScanner(program, found), undecidedChars: program.undecidedChars };
}

/** What is wrong with a pattern that may hold back `windowChars` characters, as the end of a sentence; undefined: nothing. */
export function patternProblem(source: string, windowChars: number): string | undefined {
  try {
    const { undecidedChars } = patternScanner(source, true);
    if (undecidedChars <= windowChars) return undefined;
    const most = undecidedChars === Infinity ? "any number of" : `${undecidedChars}`;
    return (
      `can leave ${most} characters open before it is known to match, and a stream holds back at most ${windowChars}: ` +
      "bound its repetitions, such as {1,64}, or raise window"
    );
  } catch (error) {
    if (error instanceof PatternError) return error.message;
    throw error;
  }
}
