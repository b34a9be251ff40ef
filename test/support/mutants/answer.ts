import type { Dice } from "./dice.ts";

/** What a provider says to one call, and how its bytes come. */
export interface Answer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Whether the caller asked for a stream. */
  readonly stream: boolean;
  /** What comes after the last byte: the end, a broken connection, or nothing. */
  readonly ending: "end" | "break" | "silence";
}

/** An answer to make mutants of. */
export interface Source extends Answer {
  /** Where it comes from, for messages. */
  readonly name: string;
  /** Name of its wire format. */
  readonly dialect: string;
  readonly provider: string;
  readonly model: string;
}

/** A mutation: the answer with one thing about it changed. */
export type Mutation<About = Answer> = (answer: About, dice: Dice, others: readonly Source[]) => About;

/** The blocks of an event stream, without the empty lines between them. */
export function eventsOf(text: string): string[] {
  return text.split(/(?:\r\n|\r|\n){2,}/).filter((block) => block !== "");
}

/** An event stream of these blocks. */
export function streamOf(events: readonly string[]): string {
  return events.map((event) => `${event}\n\n`).join("");
}

/** Whether a body is an event stream. */
export function isStream(body: Buffer): boolean {
  return /^\s*(?:data|event|id|retry)?:/.test(body.subarray(0, 64).toString("utf8"));
}
