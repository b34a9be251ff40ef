import { inspect } from "node:util";
import { rememberSecret } from "../errors/index.ts";
import type { Secret } from "./config.ts";

const SHOWN = "[secret]";

/**
 * A secret's text behind a wall: printing, logging, inspecting or serialising it gives `[secret]`, and where somebody else
 * repeats it, in an error or a log, it is redacted.
 */
export class SecretText implements Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
    rememberSecret(text);
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }

  [inspect.custom](): string {
    return SHOWN;
  }
}
