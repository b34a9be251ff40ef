// Providers with a reasoning model that wants its state back: they refuse a turn whose history lacks it, as the real ones
// do. What they say is the same in every wire format.

/** One turn of the conversation. */
export interface Turn {
  /** 1 for the first. */
  readonly number: number;
  readonly thought: string;
  /** What has to come back, byte for byte. */
  readonly state: string;
  /** Cities to call `weather` with; empty: this is the answer. */
  readonly cities: readonly string[];
  readonly text: string;
}

/** A conversation: two calls at once, then one, then the answer, and what follows on thanks. */
export const TURNS: readonly Turn[] = [
  { number: 1, thought: "Two cities first.", state: "c3RhdGUtMQ==", cities: ["Paris", "Rome"], text: "" },
  { number: 2, thought: "One is left.", state: "c3RhdGUtMg==", cities: ["Oslo"], text: "" },
  { number: 3, thought: "Now all are known.", state: "c3RhdGUtMw==", cities: [], text: "All are sunny." },
  { number: 4, thought: "Any will do.", state: "c3RhdGUtNA==", cities: [], text: "Go to Rome." },
];

/** A provider in one wire format. */
export interface ReasoningVendor {
  readonly kind: string;
  readonly model: string;
  /** Further settings of the provider in the configuration. */
  readonly settings: string;
  /** A whole answer. */
  whole(turn: Turn): unknown;
  /** The events of a streamed one, each with its name where the format has names. */
  events(turn: Turn): readonly (readonly [name: string | undefined, data: unknown])[];
  /** How many results of tools the request holds. */
  resultsIn(body: any): number;
  /** The state of each earlier turn, where it stands as the format demands it. */
  statesIn(body: any): readonly unknown[];
  /** Whether the request asks for a stream. */
  isStream(path: string, body: any): boolean;
}

/** The id of a call, for the formats whose providers give one. */
export function callId(turn: Turn, at: number): string {
  return `call_${turn.number}${at}`;
}

/** Arguments of a call, in the two fragments in which streams bring them. */
export function fragments(city: string): readonly [string, string] {
  return ['{"city":', `"${city}"}`];
}
