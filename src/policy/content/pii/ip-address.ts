import { isIP } from "node:net";
import { isDigit, isWord, type Found, type Scanner } from "../scanner.ts";

const MAX_CHARS = 45;
const NONE = -1;

/** Finds addresses of the internet protocol, of both versions, with a port behind them or not. */
export class IpAddressScanner implements Scanner {
  readonly #found: Found;
  #start = NONE;
  #text = "";
  #afterWord = false;

  constructor(found: Found) {
    this.#found = found;
  }

  get earliest(): number {
    return this.#start === NONE ? Infinity : this.#start;
  }

  step(code: number, at: number): void {
    const inWord = isWord(code);
    if (!isOfAddress(code)) {
      if (!inWord) this.#check();
      this.#start = NONE;
    } else if (this.#start !== NONE) {
      this.#text += String.fromCharCode(code);
      if (this.#text.length > MAX_CHARS) this.#start = NONE;
    } else if (!this.#afterWord) {
      this.#start = at;
      this.#text = String.fromCharCode(code);
    }
    // What is too long stays so up to its end.
    this.#afterWord = inWord || (this.#start === NONE && isOfAddress(code));
  }

  end(): void {
    this.#check();
    this.#start = NONE;
  }

  #check(): void {
    if (this.#start === NONE || !/\d/.test(this.#text)) return;
    // The end of a sentence may follow, or a port.
    const whole = this.#text.replace(/[.:]$/, "");
    const [host = ""] = whole.split(":");
    const address = [this.#text, whole, host].find((one) => isIP(one) !== 0);
    if (address !== undefined) this.#found(this.#start, this.#start + address.length);
  }
}

function isOfAddress(code: number): boolean {
  const lower = code | 32;
  return isDigit(code) || code === 46 || code === 58 || (lower >= 97 && lower <= 102);
}
