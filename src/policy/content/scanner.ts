/** Reports that the characters from `start` (inclusive) to `end` (exclusive) are part of a match, in UTF-16 units. */
export type Found = (start: number, end: number) => void;

/**
 * Looks for the matches of one rule in a text that comes character by character, and never looks at a character twice:
 * its work grows with the text's length, whatever the text. How the text was cut into pieces makes no difference.
 */
export interface Scanner {
  /** Takes the next character, which stands from `at` to `next`. */
  step(code: number, at: number, next: number): void;
  /** The text ends at `at`. */
  end(at: number): void;
  /** Where the earliest character stands that may yet become part of a match; `Infinity`: there is none. */
  readonly earliest: number;
}

/** Makes a scanner for one text. */
export type ScannerMaker = (found: Found) => Scanner;

const WORD = /[\p{L}\p{M}\p{N}_]/u;

/** Whether a character belongs to a word: a letter, a mark, a digit or an underscore of any script. */
export function isWord(code: number): boolean {
  if (code < 128) return isAsciiWord(code);
  return WORD.test(String.fromCodePoint(code));
}

/** The same within ASCII, as `\b` and `\w` of patterns understand it. */
export function isAsciiWord(code: number): boolean {
  return isDigit(code) || isAsciiLetter(code) || code === 95;
}

/** Whether a character is one of 0 to 9. */
export function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** Whether a character is a letter from A to Z, of either case. */
export function isAsciiLetter(code: number): boolean {
  const lower = code | 32;
  return lower >= 97 && lower <= 122;
}
