import {
  EventGrammar,
  Executor,
  fold,
  type Candidate,
  type ChatResponse,
  type StreamEvent,
} from "../../../src/contract/index.ts";
import type { Dialect, DialectTarget } from "../../../src/dialects/dialect.ts";
import { SseFrames } from "../../../src/upstream/sse.ts";

// A vendor's own client as the judge of a wire format: what it reads from bytes, our decoder has to read, too.

/** A vendor's client for one wire format. */
export interface Oracle {
  /** Package and method, for messages. */
  readonly name: string;
  /** Wire format, as recordings name it. */
  readonly apis: readonly string[];
  /** Folder of the golden requests to this vendor. */
  readonly goldens: string;
  /** Members that the client adds to a request by itself, wherever they stand. */
  readonly adds: Wire;
  readonly dialect: Dialect;
  /** The shortest request of the format. */
  readonly smallestBody: Wire;
  /**
   * Sends a body of the wire format through the client's typed method and reads the answer. `url` is the upstream's
   * address without a path. Rejects with what the client throws.
   */
  call(url: string, body: Wire, call: OracleCall): Promise<Reading>;
  /** The HTTP status of what the client threw; undefined: there was none. */
  statusOf(thrown: unknown): number | undefined;
}

/** How to call. */
export interface OracleCall {
  readonly stream: boolean;
  /** The model where the path tells it and not the body. */
  readonly model: string;
  /** Which of a vendor's own servers the recording comes from, as the recording names it. */
  readonly provider: string;
}

/** An object of JSON. */
export type Wire = Record<string, any>;

/** What an answer comes to, in words that every client has. */
export interface Reading {
  readonly candidates: readonly CandidateReading[];
  readonly usage: UsageReading | undefined;
}

/** One candidate. */
export interface CandidateReading {
  readonly text: string;
  readonly refusal: string;
  readonly reasoning: string;
  /** Calls that the caller is to run, their input as JSON without spaces, or as text. */
  readonly calls: readonly { readonly name: string; readonly input: string }[];
  /** The vendor's own word. */
  readonly finish: string;
}

/** The vendor's sums; where the vendor did not tell, undefined or 0 alike. */
export interface UsageReading {
  /** All input, from the cache or not. */
  readonly input: number;
  readonly cacheRead: number;
  /** All output, reasoning included. */
  readonly output: number;
  readonly reasoning: number;
}

/** JSON text in one spelling; text that is no JSON stays. */
export function plainJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
}

/** Bytes of an answer, recorded or made. */
export interface AnswerBytes {
  readonly kind: "unary" | "stream" | "error";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyText: string;
}

const MAX_EVENT_BYTES = 1 << 20;

/** What our decoder reads from the bytes. Throws `ParleyError` as it does. */
export function ourReading(dialect: Dialect, bytes: AnswerBytes, target: DialectTarget): Reading {
  const events = decode(dialect, bytes, target);
  const grammar = new EventGrammar();
  const breaches = events.flatMap((event) => grammar.check(event) ?? []);
  if (breaches.length > 0 || !grammar.ended) throw new Error(`events out of order: ${breaches.join("; ")}`);
  return readingOf(fold(events));
}

function decode(dialect: Dialect, { kind, status, headers, bodyText }: AnswerBytes, target: DialectTarget) {
  let count = 0;
  const newId = (prefix: string): string => `${prefix}_${(count += 1)}`;
  if (kind === "unary") return dialect.decodeResponse(bodyText, target, { newId });
  if (kind === "error") throw dialect.decodeError({ status, headers, body: bodyText, nowMs: 0 }, target);
  const events: StreamEvent[] = [];
  const decoder = dialect.streamDecoder(target, { newId });
  const frames = new SseFrames(MAX_EVENT_BYTES, (data, name) => {
    if (!decoder.terminated) decoder.push(data, events, name);
  });
  frames.push(Buffer.from(bodyText));
  frames.end();
  decoder.end(events);
  return events;
}

function readingOf({ candidates, usage }: ChatResponse): Reading {
  return { candidates: candidates.map(candidateReading), usage: usage ? usageReading(usage) : undefined };
}

function candidateReading({ message, finish }: Candidate): CandidateReading {
  const parts = message?.parts ?? [];
  return {
    text: parts.map(({ kind }) => (kind.case === "text" ? kind.value.text : "")).join(""),
    refusal: parts.map(({ kind }) => (kind.case === "refusal" ? kind.value.text : "")).join(""),
    reasoning: parts
      .flatMap(({ kind }) => (kind.case === "reasoning" ? [...kind.value.text, ...kind.value.summary] : []))
      .join(""),
    calls: parts.flatMap(({ kind }) =>
      kind.case === "toolCall" && kind.value.executor !== Executor.PROVIDER
        ? [{ name: kind.value.name, input: plainJson(kind.value.input.value ?? "") }]
        : [],
    ),
    finish: finish?.native ?? "",
  };
}

function usageReading(usage: NonNullable<ChatResponse["usage"]>): UsageReading {
  const written = usage.cacheWrites.reduce((sum, { tokens }) => sum + tokens, 0);
  const cacheRead = usage.cacheReadTokens ?? 0;
  const reasoning = usage.reasoningTokens ?? 0;
  return {
    input: (usage.inputTokens ?? 0) + cacheRead + written + (usage.toolPromptTokens ?? 0),
    cacheRead,
    output: (usage.outputTokens ?? 0) + reasoning,
    reasoning,
  };
}

/** Paths of the members in which two values differ, sorted; lists of different lengths are named whole. */
export function differingPaths(one: unknown, other: unknown, path = ""): string[] {
  if (one === other) return [];
  if (!isObject(one) || !isObject(other) || one["length"] !== other["length"]) return [path];
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])].toSorted();
  return names.flatMap((name) => differingPaths(one[name], other[name], path === "" ? name : `${path}.${name}`));
}

function isObject(value: unknown): value is Wire {
  return typeof value === "object" && value !== null;
}
