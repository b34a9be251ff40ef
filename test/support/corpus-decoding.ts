import { expect } from "vitest";
import type { ModelFacts } from "../../src/catalog/facts.ts";
import { EventGrammar, fold, type ChatResponse, type StreamEvent } from "../../src/contract/index.ts";
import type { DecodeOptions, Dialect, DialectTarget } from "../../src/dialects/dialect.ts";
import { ParleyError, reasonName } from "../../src/errors/index.ts";
import { SseFrames } from "../../src/upstream/sse.ts";
import type { CorpusCase } from "./corpus.ts";
import { Dice } from "./mutants/dice.ts";

// How the tests of all dialects put recordings through their codec.

const MOST_NOT_APPLICABLE = 0.05;
const MAX_EVENT_BYTES = 1 << 20;
const RANDOM_SPLITS = 3;

/** What came of a recording: an answer, or the name of the error's reason. */
export type CorpusOutcome = { readonly response: ChatResponse } | { readonly error: string };

/** Where a recording's request went; nothing more is known of it. */
export function recordedTarget(recording: CorpusCase): DialectTarget {
  const facts: ModelFacts = { capabilities: {}, quirks: [] };
  return { provider: recording.provider, model: recording.model ?? "recorded", region: undefined, facts };
}

/** Options with ids that count, which are the same in each run. */
function countingOptions(unknown: string[] = []): DecodeOptions {
  let count = 0;
  return { newId: (prefix) => `${prefix}_${(count += 1)}`, onUnknown: (path) => unknown.push(path) };
}

/** The events of a recording as the gateway reads it. Throws the error that it is. */
export function decodeRecording(dialect: Dialect, recording: CorpusCase, unknown: string[] = []): StreamEvent[] {
  const { kind, status, headers, bodyText: body } = recording;
  const target = recordedTarget(recording);
  if (kind === "unary") return dialect.decodeResponse(body, target, countingOptions(unknown));
  if (kind === "error") throw dialect.decodeError({ status, headers, body, nowMs: 0 }, target);
  const events: StreamEvent[] = [];
  decodePieces(dialect, recording, [Buffer.from(body)], events, unknown);
  return events;
}

/** Feeds the bytes of a stream in pieces, as the gateway does. */
function decodePieces(
  dialect: Dialect,
  recording: CorpusCase,
  pieces: Iterable<Buffer>,
  events: StreamEvent[],
  unknown: string[] = [],
): void {
  const decoder = dialect.streamDecoder(recordedTarget(recording), countingOptions(unknown));
  const frames = new SseFrames(MAX_EVENT_BYTES, (data, name) => {
    if (!decoder.terminated) decoder.push(data, events, name);
  });
  for (const piece of pieces) frames.push(piece);
  frames.end();
  decoder.end(events);
}

/** The whole answer of events in legal order. */
export function responseOf(events: readonly StreamEvent[]): ChatResponse {
  const grammar = new EventGrammar();
  const breaches = events.flatMap((event) => grammar.check(event) ?? []);
  if (breaches.length > 0 || !grammar.ended) throw new Error(`events out of order: ${breaches.join("; ")}`);
  return fold(events);
}

/** What comes of decoding. */
export function outcomeOf(decode: () => readonly StreamEvent[]): CorpusOutcome {
  try {
    return { response: responseOf(decode()) };
  } catch (error) {
    return { error: error instanceof ParleyError ? reasonName(error.reason) : String(error) };
  }
}

/** Fails where a stream says something else when its bytes come one by one, or cut at random places. */
export function expectSameAtAnySplit(dialect: Dialect, recording: CorpusCase): void {
  const bytes = Buffer.from(recording.bodyText);
  const said = (sizeOf: () => number): { readonly events: StreamEvent[]; readonly error: string } => {
    const events: StreamEvent[] = [];
    try {
      decodePieces(dialect, recording, cut(bytes, sizeOf), events);
      return { events, error: "" };
    } catch (error) {
      return { events, error: error instanceof ParleyError ? reasonName(error.reason) : String(error) };
    }
  };
  const whole = said(() => bytes.length);
  expect(said(() => 1)).toEqual(whole);
  for (let seed = 1; seed <= RANDOM_SPLITS; seed++) {
    const dice = new Dice(seed);
    expect(said(() => 1 + dice.below(seed * 200))).toEqual(whole);
  }
}

function* cut(bytes: Buffer, sizeOf: () => number): Generator<Buffer> {
  for (let at = 0; at < bytes.length;) {
    const size = sizeOf();
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

/** Fails where recordings are missing, or too many, or ones that do not exist, are declared not applicable. */
export function expectFewNotApplicable(
  cases: readonly CorpusCase[],
  least: number,
  notApplicable: Readonly<Record<string, string>>,
): void {
  const files = new Set(cases.map(({ file }) => file));
  expect(files.size).toBeGreaterThanOrEqual(least);
  expect(Object.keys(notApplicable).filter((file) => !files.has(file))).toEqual([]);
  expect(Object.keys(notApplicable).length).toBeLessThanOrEqual(files.size * MOST_NOT_APPLICABLE);
}

/** Counts what was checked, and says so. */
export class CorpusCounts {
  readonly #read = { unary: 0, stream: 0, error: 0 };
  split = 0;
  folded = 0;
  notApplicable = 0;

  /** A recording was read as it should be. */
  read({ kind }: CorpusCase): void {
    this.#read[kind] += 1;
  }

  /** Prints the counts. */
  tell(dialect: string, total: number, more = ""): void {
    const { unary, stream, error } = this.#read;
    process.stdout.write(
      `${dialect} recordings: ${unary} unary, ${stream} streamed, ${error} errors read; ${this.split} streams the same ` +
        `at any split, ${this.folded} the same as a whole answer${more}; ${this.notApplicable} of ${total} not applicable\n`,
    );
  }
}
