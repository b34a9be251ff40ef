import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import type { ModelFacts } from "../src/catalog/facts.ts";
import {
  EventGrammar,
  Executor,
  FinishReason,
  TextPhase,
  fold,
  type ChatResponse,
  type Part,
  type StreamEvent,
} from "../src/contract/index.ts";
import type { DialectTarget } from "../src/dialects/dialect.ts";
import { openaiResponses } from "../src/dialects/openai-responses/index.ts";
import { ParleyError, reasonName } from "../src/errors/index.ts";
import { SseFrames } from "../src/upstream/sse.ts";
import { corpusCases, type CorpusCase } from "./support/corpus.ts";
import {
  expectedOf,
  recordedEvents,
  type Expected,
  type ExpectedAnswer,
  type ExpectedUsage,
} from "./support/expected-openai-responses.ts";

const MOST_NOT_APPLICABLE = 0.05;
const MAX_EVENT_BYTES = 1 << 20;

// Cases that say nothing about this dialect's decoder, each with its reason.
const NOT_APPLICABLE: Readonly<Record<string, string>> = {
  "openai/responses-stream-stream-falsy-argument-conversation-1.json":
    "the recording holds chunks of chat completions, which are another wire format",
};

const FACTS: ModelFacts = { capabilities: {}, quirks: [] };

const CASES = 68;

const cases = corpusCases(["openai.responses"], CASES);
const streams = cases?.filter(({ kind }) => kind === "stream");
const counts = { unary: 0, stream: 0, error: 0, notApplicable: 0 };

function targetOf(recording: CorpusCase): DialectTarget {
  return { provider: recording.provider, model: recording.model ?? "recorded", region: undefined, facts: FACTS };
}

function counter(): (prefix: string) => string {
  let count = 0;
  return (prefix) => `${prefix}_${(count += 1)}`;
}

/** Feeds the bytes of a stream as they are split, as the gateway does. */
function decodeBytes(recording: CorpusCase, pieces: Iterable<Buffer>): StreamEvent[] {
  const events: StreamEvent[] = [];
  const decoder = openaiResponses.streamDecoder(targetOf(recording), { newId: counter() });
  const frames = new SseFrames(MAX_EVENT_BYTES, (data, name) => {
    if (!decoder.terminated) decoder.push(data, events, name);
  });
  for (const piece of pieces) frames.push(piece);
  frames.end();
  decoder.end(events);
  return events;
}

function decode(recording: CorpusCase): StreamEvent[] {
  const { kind, status, headers, bodyText: body } = recording;
  const target = targetOf(recording);
  if (kind === "stream") return decodeBytes(recording, [Buffer.from(body)]);
  if (kind === "unary") return openaiResponses.decodeResponse(body, target, { newId: counter() });
  throw openaiResponses.decodeError({ status, headers, body, nowMs: 0 }, target);
}

function outcome(run: () => StreamEvent[]): { readonly response: ChatResponse } | { readonly error: string } {
  try {
    const events = run();
    const grammar = new EventGrammar();
    const breaches = events.flatMap((event) => grammar.check(event) ?? []);
    if (breaches.length > 0 || !grammar.ended) return { error: `events out of order: ${breaches.join("; ")}` };
    return { response: fold(events) };
  } catch (error) {
    return { error: error instanceof ParleyError ? reasonName(error.reason) : String(error) };
  }
}

const PHASES: Readonly<Record<number, string>> = {
  [TextPhase.UNSPECIFIED]: "",
  [TextPhase.COMMENTARY]: "commentary",
  [TextPhase.FINAL_ANSWER]: "final_answer",
};

type ValueOf<Case> = Extract<Part["kind"], { case: Case }>["value"];

function only<Case extends Part["kind"]["case"]>(parts: readonly Part[], kind: Case): ValueOf<Case>[] {
  return parts.filter((part) => part.kind.case === kind).map((part) => part.kind.value as ValueOf<Case>);
}

/** What the codec makes of a recording, in the words of the independent reader. */
function answerSeen(response: ChatResponse): ExpectedAnswer {
  const [candidate] = response.candidates;
  const parts = candidate?.message?.parts ?? [];
  const texts = only(parts, "text");
  const calls = only(parts, "toolCall");
  return {
    text: texts.map(({ text }) => text).join(""),
    phases: texts.map(({ phase }) => PHASES[phase] ?? ""),
    refusal: only(parts, "refusal")
      .map(({ text }) => text)
      .join(""),
    reasoning: only(parts, "reasoning")
      .flatMap(({ text }) => text)
      .join(""),
    summaries: only(parts, "reasoning").flatMap(({ summary }) => summary),
    encrypted: parts.flatMap(({ state }) =>
      state.flatMap(({ format, payload }) => (format.endsWith("encrypted_content") ? [String(payload.value)] : [])),
    ),
    calls: calls
      .filter(({ executor }) => executor !== Executor.PROVIDER)
      .map(({ callId, name, input }) => ({ id: callId, name, input: input.value ?? "" })),
    providerCalls: calls
      .filter(({ executor }) => executor === Executor.PROVIDER)
      .map(({ nativeType }) => nativeType ?? ""),
    pictures: only(parts, "media").length,
    kept: only(parts, "opaque").map(({ nativeType }) => nativeType),
    cited: texts.flatMap(({ citations }) =>
      citations.map(({ url, file, outputStart: start, outputEnd: end }) => {
        const place = start === undefined ? "" : `@${start}-${end}`;
        return `${url ?? file?.id ?? ""}${place}`;
      }),
    ),
    finish: Object.entries(FinishReason).find(([, value]) => value === candidate?.finish?.reason)?.[0] ?? "",
    tier: response.serviceTier ?? "",
    usage: usageSeen(response),
  };
}

function usageSeen({ usage }: ChatResponse): ExpectedUsage | undefined {
  if (!usage) return undefined;
  return {
    uncached: usage.inputTokens ?? -1,
    cacheRead: usage.cacheReadTokens,
    cacheWrite: usage.cacheWrites.reduce((sum, { tokens }) => sum + tokens, 0),
    visible: usage.outputTokens ?? -1,
    reasoning: usage.reasoningTokens,
    total: usage.reportedTotalTokens ?? -1,
    sums: usage.balanced,
    webSearches: usage.meters.find(({ unit }) => unit === "web_search_requests")?.quantity ?? 0,
  };
}

function seenOf(recording: CorpusCase): Expected {
  const seen = outcome(() => decode(recording));
  return "error" in seen ? seen : { answer: answerSeen(seen.response) };
}

// Servers encrypt anew, and some name anew, whenever they write an item: ids and sealed texts differ from event to event.
function withoutSeals(response: ChatResponse): unknown {
  const parts = response.candidates.flatMap(({ message }) => message?.parts ?? []);
  return parts.map((part) => ({
    kind: part.kind,
    state: part.state.map(({ format, payload }) => {
      const text = String(payload.value);
      return { format, text: format.endsWith("encrypted_content") ? "" : text.replace(/"fingerprint":"[^"]*"/, "") };
    }),
  }));
}

describe.skipIf(!cases)("openai-responses reads recordings of real traffic", () => {
  test.for(cases ?? [])("openai-responses reads $file as the independent reader does", (recording, { skip }) => {
    if (NOT_APPLICABLE[recording.file] !== undefined) {
      counts.notApplicable += 1;
      skip(NOT_APPLICABLE[recording.file]);
    }
    expect(seenOf(recording)).toEqual(expectedOf(recording));
    counts[recording.kind] += 1;
  });

  test.for(streams ?? [])("openai-responses reads $file the same byte by byte and at any split", (recording) => {
    const bytes = Buffer.from(recording.bodyText);
    const whole = outcome(() => decodeBytes(recording, [bytes]));
    const single = outcome(() =>
      decodeBytes(
        recording,
        Array.from(bytes, (byte) => Buffer.of(byte)),
      ),
    );
    expect(single).toEqual(whole);
    const cuts = fc.array(fc.nat(bytes.length), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(cuts, (places) => {
        const ends = [...places.toSorted((a, b) => a - b), bytes.length];
        const pieces = ends.map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end));
        expect(outcome(() => decodeBytes(recording, pieces))).toEqual(whole);
      }),
      { numRuns: 3 },
    );
  });

  test("the fold of a recorded stream is the answer that its last event holds", () => {
    const differing: string[] = [];
    let compared = 0;
    for (const recording of streams ?? []) {
      const last = recordedEvents(recording.bodyText).at(-1);
      if (last?.type !== "response.completed" || (last.response?.output?.length ?? 0) === 0) continue;
      const body = JSON.stringify(last.response);
      const streamed = outcome(() => decode(recording));
      const whole = outcome(() => openaiResponses.decodeResponse(body, targetOf(recording), { newId: counter() }));
      if ("error" in streamed || "error" in whole) throw new Error(`${recording.file} is not read`);
      compared += 1;
      try {
        expect(withoutSeals(streamed.response)).toEqual(withoutSeals(whole.response));
      } catch {
        differing.push(recording.file);
      }
    }
    expect(compared).toBeGreaterThan(25);
    // Hand-made by its project: its deltas say less than its whole.
    expect(differing).toEqual(["openai/responses-stream-openai-shell-container-1-chunks.json"]);
  });

  test("at most 5 % of the recordings are declared not applicable, and each of those exists", () => {
    const files = new Set(cases?.map(({ file }) => file));
    expect(files.size).toBeGreaterThanOrEqual(CASES);
    expect(Object.keys(NOT_APPLICABLE).filter((file) => !files.has(file))).toEqual([]);
    expect(Object.keys(NOT_APPLICABLE).length).toBeLessThanOrEqual(files.size * MOST_NOT_APPLICABLE);
  });

  afterAll(() => {
    process.stdout.write(
      `openai-responses recordings: ${counts.unary} unary, ${counts.stream} streamed, ${counts.error} errors read; ` +
        `${counts.notApplicable} of ${cases?.length ?? 0} not applicable\n`,
    );
  });
});
