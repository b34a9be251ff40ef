import { toJsonString } from "@bufbuild/protobuf";
import { afterAll, describe, expect, test } from "vitest";
import {
  EventGrammar,
  Executor,
  FinishReason,
  StreamEventSchema,
  fold,
  type ChatResponse,
  type Citation,
  type Part,
  type StreamEvent,
} from "../src/contract/index.ts";
import { anthropicMessages } from "../src/dialects/anthropic-messages/index.ts";
import type { DialectTarget } from "../src/dialects/dialect.ts";
import { ParleyError, reasonName } from "../src/errors/index.ts";
import { SseFrames } from "../src/upstream/sse.ts";
import { corpusCases, type CorpusCase } from "./support/corpus.ts";
import {
  assembled,
  expectedOf,
  type Expected,
  type ExpectedAnswer,
  type ExpectedCitation,
  type ExpectedUsage,
} from "./support/expected-anthropic-messages.ts";

const CASES = 44;
const MOST_NOT_APPLICABLE = 0.05;
const MAX_EVENT_BYTES = 1024 * 1024;

// Cases that say nothing about this dialect's decoder, each with its reason.
const NOT_APPLICABLE: Readonly<Record<string, string>> = {};

const cases = corpusCases(["anthropic.messages"], CASES);
const streams = cases?.filter(({ kind }) => kind === "stream") ?? [];
const counts = { unary: 0, stream: 0, error: 0, notApplicable: 0 };

function targetOf(recording: CorpusCase): DialectTarget {
  const facts = { capabilities: {}, quirks: [] };
  return { provider: recording.provider, model: recording.model ?? "recorded", region: undefined, facts };
}

function options(unknown: string[] = []): { newId: (prefix: string) => string; onUnknown: (path: string) => void } {
  let count = 0;
  return { newId: (prefix) => `${prefix}_${(count += 1)}`, onUnknown: (path) => unknown.push(path) };
}

/** The events of a stream whose bytes come in pieces of the sizes that `sizeOf` gives. */
function decodeStream(recording: CorpusCase, sizeOf: () => number, unknown: string[] = []): StreamEvent[] {
  const events: StreamEvent[] = [];
  const decoder = anthropicMessages.streamDecoder(targetOf(recording), options(unknown));
  const frames = new SseFrames(MAX_EVENT_BYTES, (data, name) => decoder.push(data, events, name));
  const bytes = Buffer.from(recording.bodyText);
  for (let at = 0; at < bytes.length;) {
    const size = sizeOf();
    frames.push(bytes.subarray(at, at + size));
    at += size;
  }
  frames.end();
  decoder.end(events);
  return events;
}

function decode(recording: CorpusCase, unknown: string[] = []): StreamEvent[] {
  if (recording.kind === "stream") return decodeStream(recording, () => Infinity, unknown);
  const target = targetOf(recording);
  if (recording.kind === "unary") return anthropicMessages.decodeResponse(recording.bodyText, target, options(unknown));
  const { status, headers, bodyText: body } = recording;
  throw anthropicMessages.decodeError({ status, headers, body, nowMs: 0 }, target);
}

function responseOf(events: readonly StreamEvent[]): ChatResponse {
  const grammar = new EventGrammar();
  const breaches = events.flatMap((event) => grammar.check(event) ?? []);
  expect(breaches).toEqual([]);
  expect(grammar.ended).toBe(true);
  return fold(events);
}

function partsOf({ candidates }: ChatResponse): readonly Part[] {
  return candidates[0]?.message?.parts ?? [];
}

function answerSeen(response: ChatResponse): ExpectedAnswer {
  const parts = partsOf(response);
  const finish = response.candidates[0]?.finish;
  const calls = parts.flatMap(({ kind }) => (kind.case === "toolCall" ? [kind.value] : []));
  const inputOf = (call: (typeof calls)[number]): unknown => JSON.parse(call.input.value ?? "null");
  return {
    text: parts.map(({ kind }) => (kind.case === "text" ? kind.value.text : "")).join(""),
    reasoning: parts.map(({ kind }) => (kind.case === "reasoning" ? kind.value.text.join("") : "")).join(""),
    states: parts.flatMap(({ kind, state }) =>
      kind.case === "reasoning" ? state.map(({ payload }) => String(payload.value)) : [],
    ),
    calls: calls
      .filter(({ executor }) => executor !== Executor.PROVIDER)
      .map((call) => ({ id: call.callId, name: call.name, input: inputOf(call) })),
    serverCalls: calls
      .filter(({ executor }) => executor === Executor.PROVIDER)
      .map((call) => ({ id: call.callId, type: call.nativeType ?? "", input: inputOf(call) })),
    serverResults: parts.flatMap(({ kind }) =>
      kind.case === "toolResult" && kind.value.executor === Executor.PROVIDER
        ? [JSON.parse(kind.value.nativeJson ?? "") as unknown]
        : [],
    ),
    opaque: parts.flatMap(({ kind }) => (kind.case === "opaque" ? [JSON.parse(kind.value.json) as unknown] : [])),
    citations: parts.flatMap(({ kind }) => (kind.case === "text" ? kind.value.citations.map(citationSeen) : [])),
    finish: Object.entries(FinishReason).find(([, value]) => value === finish?.reason)?.[0] ?? "",
    category: finish?.category,
    stopSequence: finish?.stopSequence,
    servedModel: response.origin?.servedModel,
    tier: response.serviceTier,
    container: parts.find(({ kind }) => kind.case === undefined)?.state[0]?.payload.value as string | undefined,
    usage: usageSeen(response),
  };
}

function citationSeen(citation: Citation): ExpectedCitation {
  return {
    url: citation.url,
    title: citation.title,
    citedText: citation.citedText,
    document: citation.documentIndex,
    start: citation.sourceStart,
    end: citation.sourceEnd,
    unit: citation.sourceUnit,
    index: citation.state[0]?.payload.value as string | undefined,
  };
}

function usageSeen({ usage }: ChatResponse): ExpectedUsage {
  if (!usage) throw new Error("the answer has no usage");
  return {
    input: usage.inputTokens,
    cacheRead: usage.cacheReadTokens,
    writes: Object.fromEntries(usage.cacheWrites.map(({ ttlSeconds, tokens }) => [ttlSeconds ?? 0, tokens])),
    visible: usage.outputTokens,
    reasoning: usage.reasoningTokens,
    meters: Object.fromEntries(usage.meters.map(({ unit, quantity }) => [unit, quantity])),
    total: usage.reportedTotalTokens,
    sums: usage.balanced,
  };
}

/** What the codec makes of a recording, in the words of the independent reader. */
function seenOf(recording: CorpusCase, unknown: string[]): Expected {
  let events: StreamEvent[];
  try {
    events = decode(recording, unknown);
  } catch (error) {
    return { error: error instanceof ParleyError ? reasonName(error.reason) : String(error) };
  }
  return { answer: answerSeen(responseOf(events)) };
}

function written(events: readonly StreamEvent[]): string[] {
  return events.map((event) => toJsonString(StreamEventSchema, event));
}

/** What came of a stream: its events, or the reason of the error after them. */
function outcome(recording: CorpusCase, sizeOf: () => number): unknown {
  try {
    return written(decodeStream(recording, sizeOf));
  } catch (error) {
    return error instanceof ParleyError ? reasonName(error.reason) : error;
  }
}

// Sizes that repeat from run to run.
function someSizes(seed: number): () => number {
  let state = seed;
  return () => 1 + ((state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) % 700);
}

describe.skipIf(!cases)("anthropic-messages reads recordings of real traffic", () => {
  test.for(cases ?? [])("anthropic-messages reads $file as the independent reader does", (recording, { skip }) => {
    if (NOT_APPLICABLE[recording.file] !== undefined) {
      counts.notApplicable += 1;
      skip(NOT_APPLICABLE[recording.file]);
    }
    const unknown: string[] = [];
    expect(seenOf(recording, unknown)).toEqual(expectedOf(recording));
    expect(unknown).toEqual([]);
    counts[recording.kind] += 1;
  });

  test.for(streams)("anthropic-messages reads $file the same whole, byte by byte and in pieces", (recording) => {
    const whole = outcome(recording, () => Infinity);
    expect(outcome(recording, () => 1)).toEqual(whole);
    for (const seed of [1, 2, 3]) expect(outcome(recording, someSizes(seed))).toEqual(whole);
  });

  test.for(streams.filter(({ bodyText }) => bodyText.includes("message_stop")))(
    "anthropic-messages reads $file as the whole message that it amounts to",
    (recording) => {
      const target = targetOf(recording);
      const body = JSON.stringify(assembled(recording.bodyText));
      const unary = responseOf(anthropicMessages.decodeResponse(body, target, options()));
      const streamed = responseOf(decode(recording));
      expect(answerSeen(unary)).toEqual(answerSeen(streamed));
      const shapes = (response: ChatResponse): unknown[] =>
        partsOf(response).map(({ kind, state }) => [kind.case, state.map(({ format }) => format)]);
      expect(shapes(unary)).toEqual(shapes(streamed));
    },
  );

  test("anthropic-messages reads each message of a recording of several in a row", () => {
    const recording = streams.find(({ file }) => file.includes("programmatic-tool-calling"));
    const messages = (recording?.bodyText ?? "")
      .split(/(?=data: *\{"type":"message_start")/)
      .filter((text) => text.includes("data:"));
    expect(messages.length).toBe(15);
    const finishes = messages.map((bodyText) => {
      const seen = answerSeen(responseOf(decode({ ...recording!, bodyText })));
      return `${seen.finish} ${seen.calls.map(({ name }) => name).join()}`;
    });
    expect(finishes).toEqual([...Array.from({ length: 14 }, () => "TOOL_CALLS rollDie"), "STOP "]);
  });

  test("at most 5 % of the recordings are declared not applicable, and each of those exists", () => {
    const files = new Set(cases?.map(({ file }) => file));
    expect(files.size).toBeGreaterThanOrEqual(CASES);
    expect(Object.keys(NOT_APPLICABLE).filter((file) => !files.has(file))).toEqual([]);
    expect(Object.keys(NOT_APPLICABLE).length).toBeLessThanOrEqual(files.size * MOST_NOT_APPLICABLE);
  });

  afterAll(() => {
    process.stdout.write(
      `anthropic-messages recordings: ${counts.unary} unary, ${counts.stream} streamed, ${counts.error} errors read; ` +
        `${counts.notApplicable} of ${cases?.length ?? 0} not applicable\n`,
    );
  });
});
