import { isDigit, isWord, type Found, type Scanner } from "../scanner.ts";

// ISO/IEC 7812: 13 to 19 digits in use, of which the last one is Luhn's.
const MIN_DIGITS = 13;
const MAX_DIGITS = 19;
const SPACE = 32;
const HYPHEN = 45;

interface Digit {
  readonly value: number;
  readonly at: number;
  /** Whether a number may begin here: nothing of a word stands before it. */
  readonly begins: boolean;
}

/** Finds numbers of payment cards: digits with at most one space or hyphen between two, whose check digit is right. */
export class CreditCardScanner implements Scanner {
  readonly #found: Found;
  #digits: Digit[] = [];
  #afterDigit = false;
  #afterWord = false;

  constructor(found: Found) {
    this.#found = found;
  }

  get earliest(): number {
    return this.#digits.find(({ begins }) => begins)?.at ?? Infinity;
  }

  step(code: number, at: number): void {
    if (isDigit(code)) {
      this.#digits.push({ value: code - 48, at, begins: !this.#afterWord });
      if (this.#digits.length > MAX_DIGITS) this.#digits.shift();
      this.#afterDigit = this.#afterWord = true;
      return;
    }
    const inWord = isWord(code);
    if (this.#afterDigit && !inWord) this.#check();
    if (!this.#afterDigit || (code !== SPACE && code !== HYPHEN)) this.#digits = [];
    this.#afterDigit = false;
    this.#afterWord = inWord;
  }

  end(): void {
    if (this.#afterDigit) this.#check();
    this.#digits = [];
  }

  /** Reports the numbers that end with the last digit. */
  #check(): void {
    const digits = this.#digits;
    for (let first = 0; digits.length - first >= MIN_DIGITS; first++) {
      const { begins, value, at } = digits[first]!;
      if (begins && value >= 2 && value <= 6 && isLuhn(digits, first)) this.#found(at, digits.at(-1)!.at + 1);
    }
  }
}

function isLuhn(digits: readonly Digit[], first: number): boolean {
  let sum = 0;
  for (let index = digits.length - 1, doubled = false; index >= first; index--, doubled = !doubled) {
    const value = digits[index]!.value * (doubled ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  }
  return sum % 10 === 0;
}
