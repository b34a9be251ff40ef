import { isAsciiLetter, isDigit, type Found, type Scanner } from "../scanner.ts";

// RFC 5321: what stands before the @ has at most 64 characters, a domain 253, and each of its labels 63.
const MAX_LOCAL_CHARS = 64;
const MAX_DOMAIN_CHARS = 253;
const MAX_LABEL_CHARS = 63;
const NONE = -1;
const AT = 64;
const DOT = 46;
const HYPHEN = 45;

/** Finds e-mail addresses of ASCII characters, such as `someone+tag@mail.example.com`. */
export class EmailScanner implements Scanner {
  readonly #found: Found;
  #localStart = NONE;
  #read = 0;
  /** Where an address began whose domain is being read. */
  #start = NONE;
  #domainChars = 0;
  #labelChars = 0;
  #labels = 0;
  #onlyLetters = true;

  constructor(found: Found) {
    this.#found = found;
  }

  get earliest(): number {
    const local = this.#localStart === NONE ? Infinity : Math.max(this.#localStart, this.#read - MAX_LOCAL_CHARS);
    return this.#start === NONE ? local : Math.min(local, this.#start);
  }

  step(code: number, at: number, next: number): void {
    this.#read = next;
    if (this.#start !== NONE && !this.#domain(code, next)) this.#start = NONE;
    if (code === AT) {
      if (this.#localStart !== NONE) this.#begin(Math.max(this.#localStart, at - MAX_LOCAL_CHARS));
      this.#localStart = NONE;
    } else if (!isLocal(code)) this.#localStart = NONE;
    else if (this.#localStart === NONE) this.#localStart = at;
  }

  end(): void {
    this.#start = this.#localStart = NONE;
  }

  #begin(start: number): void {
    this.#start = start;
    this.#domainChars = this.#labelChars = this.#labels = 0;
    this.#onlyLetters = true;
  }

  /** Takes a character of the domain; false: it ends here. */
  #domain(code: number, next: number): boolean {
    if (++this.#domainChars > MAX_DOMAIN_CHARS) return false;
    if (code === DOT) {
      if (this.#labelChars === 0) return false;
      this.#labels += 1;
      this.#labelChars = 0;
      this.#onlyLetters = true;
      return true;
    }
    const isLetter = isAsciiLetter(code);
    if (!isLetter && !isDigit(code) && code !== HYPHEN) return false;
    if (++this.#labelChars > MAX_LABEL_CHARS) return false;
    this.#onlyLetters &&= isLetter;
    if (this.#labels > 0 && this.#onlyLetters && this.#labelChars > 1) this.#found(this.#start, next);
    return true;
  }
}

const LOCAL_SIGNS: ReadonlySet<number> = new Set(Array.from("._%+-'", (sign) => sign.charCodeAt(0)));

function isLocal(code: number): boolean {
  return isAsciiLetter(code) || isDigit(code) || LOCAL_SIGNS.has(code);
}
