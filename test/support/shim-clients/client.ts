import { z } from "zod";

// Clients that people use, each as it is, behind one face: what a story asks of one it can ask of all.

/** A client of OpenAI's chat completions. */
export interface ShimClient {
  /** Packages, for messages. */
  readonly name: string;
  /** A whole answer. */
  text(call: ShimCall): Promise<Said>;
  /** A streamed answer, by pieces of its text. Throws as the client does. */
  stream(call: ShimCall): AsyncIterable<string>;
  /** An instance of `PLACE`, by the client's own way to ask for one. */
  object(call: ShimCall): Promise<unknown>;
  /** Lets the model call `weather` until it has an answer, and thanks for it. */
  loop(call: ShimCall, streamed: boolean): Promise<LoopEnd>;
  /** What an application sees of a failure. */
  failure(thrown: unknown): SeenFailure;
}

/** Where and what to ask. */
export interface ShimCall {
  /** Address of the gateway, without `/v1`. */
  readonly url: string;
  readonly key: string;
  readonly model: string;
  readonly signal?: AbortSignal;
  /** How often the client may ask again; unset: its own default. */
  readonly retries?: number;
}

/** A whole answer. */
export interface Said {
  readonly text: string;
  readonly finish: string | undefined;
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
}

/** How a loop of tools ended. */
export interface LoopEnd {
  readonly text: string;
  /** The answer to `THANKS`. */
  readonly reply: string;
  /** The cities that the tool was called with, in order. */
  readonly cities: readonly string[];
}

/** A failure, as far as clients tell of it. */
export interface SeenFailure {
  readonly status: number | undefined;
  readonly message: string;
}

/** What every call asks. */
export const PROMPT = "What is the weather in Paris, Rome and Oslo?";

/** What a loop says in the end, so that its whole history goes out once more. */
export const THANKS = "Thank you. Where shall I go?";

/** A schema of structured output. */
export const PLACE = z.object({ city: z.string(), days: z.number().int() });

/** The tool's arguments. */
export const WEATHER = z.object({ city: z.string() });

/** The tool. */
export function weatherIn(city: string): string {
  return `${city} is sunny`;
}

/** Most requests of one loop. */
export const MAX_TURNS = 5;
