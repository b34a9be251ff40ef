import { isWord, type Found, type Scanner, type ScannerMaker } from "./scanner.ts";

/** How keywords are matched. */
export interface KeywordOptions {
  readonly caseSensitive: boolean;
  /** Whether a letter or digit next to a keyword makes it another word. */
  readonly wholeWords: boolean;
}

interface Branch {
  readonly branches: Map<number, Branch>;
  isKeyword: boolean;
}

/** A scanner of keywords: any number of them costs what one costs. One space stands for one character of white space. */
export function keywordScanner(keywords: readonly string[], options: KeywordOptions): ScannerMaker {
  const root: Branch = { branches: new Map(), isKeyword: false };
  for (const keyword of keywords) {
    let branch = root;
    for (const character of keyword) {
      const code = fold(character.codePointAt(0)!, options.caseSensitive);
      let next = branch.branches.get(code);
      if (!next) branch.branches.set(code, (next = { branches: new Map(), isKeyword: false }));
      branch = next;
    }
    branch.isKeyword = true;
  }
  return (found) => new KeywordScanner(root, options, found);
}

const SPACE = 32;
const WHITE_SPACE = /\s/u;

/** What characters that count as the same have in common. */
function fold(code: number, caseSensitive: boolean): number {
  if (code < 128) {
    if (code >= 9 && code <= 13) return SPACE;
    return !caseSensitive && code >= 65 && code <= 90 ? code + 32 : code;
  }
  const character = String.fromCodePoint(code);
  if (WHITE_SPACE.test(character)) return SPACE;
  const lower = caseSensitive ? character : character.toLowerCase();
  return lower.length === character.length ? lower.codePointAt(0)! : code;
}

class KeywordScanner implements Scanner {
  readonly #root: Branch;
  readonly #options: KeywordOptions;
  readonly #found: Found;
  // What has begun, earliest first.
  #begun: { readonly branch: Branch; readonly start: number }[] = [];
  #afterWord = false;

  constructor(root: Branch, options: KeywordOptions, found: Found) {
    this.#root = root;
    this.#options = options;
    this.#found = found;
  }

  get earliest(): number {
    return this.#begun[0]?.start ?? Infinity;
  }

  step(code: number, at: number): void {
    const { caseSensitive, wholeWords } = this.#options;
    const inWord = wholeWords && isWord(code);
    this.#report(at, inWord);
    const folded = fold(code, caseSensitive);
    const begun: { branch: Branch; start: number }[] = [];
    for (const { branch, start } of this.#begun) {
      const next = branch.branches.get(folded);
      if (next) begun.push({ branch: next, start });
    }
    if (!(this.#afterWord && inWord)) {
      const next = this.#root.branches.get(folded);
      if (next) begun.push({ branch: next, start: at });
    }
    this.#begun = begun;
    this.#afterWord = inWord;
    // Where no word ends, nothing that follows can change a keyword that is there.
    if (!wholeWords) this.#report(at + (code > 0xff_ff ? 2 : 1), false);
  }

  end(at: number): void {
    this.#report(at, false);
    this.#begun = [];
  }

  /** Reports the keywords that end at `at`, unless the word goes on. */
  #report(at: number, inWord: boolean): void {
    for (const { branch, start } of this.#begun) {
      if (branch.isKeyword && !(inWord && this.#afterWord)) this.#found(start, at);
    }
  }
}
