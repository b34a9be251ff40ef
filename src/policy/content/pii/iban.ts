import { isAsciiLetter, isDigit, isWord, type Found, type Scanner } from "../scanner.ts";

// Lengths by country, of SWIFT's IBAN registry as of 2026-11: a number of another length is none.
const LENGTHS: ReadonlyMap<string, number> = new Map(
  (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 " +
    "ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 " +
    "LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 " +
    "PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
  )
    .split(" ")
    .map((row) => [row.slice(0, 2), Number(row.slice(2))]),
);
const SPACE = 32;

interface Begun {
  readonly start: number;
  /** What it says so far, in capitals. */
  text: string;
  end: number;
  afterSpace: boolean;
}

/** Finds international bank account numbers, in groups or not, whose length and check digits are right (ISO 13616). */
export class IbanScanner implements Scanner {
  readonly #found: Found;
  #begun: Begun[] = [];
  #afterWord = false;

  constructor(found: Found) {
    this.#found = found;
  }

  get earliest(): number {
    return this.#begun[0]?.start ?? Infinity;
  }

  step(code: number, at: number, next: number): void {
    const inWord = isWord(code);
    if (this.#begun.length > 0) this.#goOn(code, next, inWord);
    if (!this.#afterWord && isAsciiLetter(code)) {
      this.#begun.push({ start: at, text: String.fromCharCode(code & ~32), end: next, afterSpace: false });
    }
    this.#afterWord = inWord;
  }

  end(): void {
    for (const one of this.#begun) this.#check(one);
    this.#begun = [];
  }

  #goOn(code: number, next: number, inWord: boolean): void {
    const [only] = this.#begun;
    // Of words that are none nearly all end here.
    if (this.#begun.length === 1 && only!.text.length === 2 && !isDigit(code)) this.#begun = [];
    else this.#begun = this.#begun.filter((one) => this.#goesOn(one, code, next, inWord));
  }

  #goesOn(one: Begun, code: number, next: number, inWord: boolean): boolean {
    const count = one.text.length;
    if (count === (LENGTHS.get(one.text.slice(0, 2)) ?? 2) && count > 2) {
      if (!inWord) this.#check(one);
      return false;
    }
    if (code === SPACE && count >= 4 && !one.afterSpace) {
      one.afterSpace = true;
      return true;
    }
    if (!fits(one.text, code)) return false;
    one.text += String.fromCharCode(isDigit(code) ? code : code & ~32);
    one.end = next;
    one.afterSpace = false;
    return true;
  }

  #check({ text, start, end }: Begun): void {
    if (text.length === LENGTHS.get(text.slice(0, 2)) && remainderOf97(text) === 1) this.#found(start, end);
  }
}

/** Whether a character may come next: two letters of a country, two digits, then either. */
function fits(text: string, code: number): boolean {
  if (text.length < 2) return isAsciiLetter(code);
  if (text.length < 4) return isDigit(code) && LENGTHS.has(text.slice(0, 2));
  return isDigit(code) || isAsciiLetter(code);
}

function remainderOf97(text: string): number {
  let remainder = 0;
  for (const character of text.slice(4) + text.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder;
}
