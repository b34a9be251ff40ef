import { afterAll, describe, expect, test } from "vitest";
import {
  Executor,
  FinishReason,
  type ChatResponse,
  type Citation,
  type Part,
  type StreamEvent,
} from "../src/contract/index.ts";
import { anthropicMessages } from "../src/dialects/anthropic-messages/index.ts";
import { corpusCases, type CorpusCase } from "./support/corpus.ts";
import {
  CorpusCounts,
  decodeRecording,
  expectFewNotApplicable,
  expectSameAtAnySplit,
  outcomeOf,
  responseOf,
} from "./support/corpus-decoding.ts";
import {
  assembled,
  expectedOf,
  type Expected,
  type ExpectedAnswer,
  type ExpectedCitation,
  type ExpectedUsage,
} from "./support/expected-anthropic-messages.ts";

const CASES = 44;

// Cases that say nothing about this dialect's decoder, each with its reason.
const NOT_APPLICABLE: Readonly<Record<string, string>> = {};

const cases = corpusCases(["anthropic.messages"], CASES);
const streams = cases?.filter(({ kind }) => kind === "stream") ?? [];
const counts = new CorpusCounts();

function decode(recording: CorpusCase, unknown: string[] = []): StreamEvent[] {
  return decodeRecording(anthropicMessages, recording, unknown);
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
  const seen = outcomeOf(() => decode(recording, unknown));
  return "error" in seen ? seen : { answer: answerSeen(seen.response) };
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
    counts.read(recording);
  });

  test.for(streams)("anthropic-messages reads $file the same whole, byte by byte and at any split", (recording) => {
    expectSameAtAnySplit(anthropicMessages, recording);
    counts.split += 1;
  });

  test.for(streams.filter(({ bodyText }) => bodyText.includes("message_stop")))(
    "anthropic-messages reads $file as the whole message that it amounts to",
    (recording) => {
      const bodyText = JSON.stringify(assembled(recording.bodyText));
      const unary = responseOf(decode({ ...recording, kind: "unary", bodyText }));
      const streamed = responseOf(decode(recording));
      expect(answerSeen(unary)).toEqual(answerSeen(streamed));
      const shapes = (response: ChatResponse): unknown[] =>
        partsOf(response).map(({ kind, state }) => [kind.case, state.map(({ format }) => format)]);
      expect(shapes(unary)).toEqual(shapes(streamed));
      counts.folded += 1;
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
    expectFewNotApplicable(cases ?? [], CASES, NOT_APPLICABLE);
  });

  afterAll(() => counts.tell("anthropic-messages", cases?.length ?? 0));
});
