import { afterAll, describe, expect, test } from "vitest";
import { Executor, FinishReason, TextPhase, type ChatResponse, type Part } from "../src/contract/index.ts";
import { openaiResponses } from "../src/dialects/openai-responses/index.ts";
import { corpusCases, type CorpusCase } from "./support/corpus.ts";
import {
  CorpusCounts,
  decodeRecording,
  expectFewNotApplicable,
  expectSameAtAnySplit,
  outcomeOf,
} from "./support/corpus-decoding.ts";
import {
  expectedOf,
  recordedEvents,
  type Expected,
  type ExpectedAnswer,
  type ExpectedUsage,
} from "./support/expected-openai-responses.ts";

// Cases that say nothing about this dialect's decoder, each with its reason.
const NOT_APPLICABLE: Readonly<Record<string, string>> = {
  "openai/responses-stream-stream-falsy-argument-conversation-1.json":
    "the recording holds chunks of chat completions, which are another wire format",
};

const CASES = 68;

const cases = corpusCases(["openai.responses"], CASES);
const streams = cases?.filter(({ kind }) => kind === "stream");
const counts = new CorpusCounts();

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
  const seen = outcomeOf(() => decodeRecording(openaiResponses, recording));
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
    counts.read(recording);
  });

  test.for(streams ?? [])("openai-responses reads $file the same whole, byte by byte and at any split", (recording) => {
    expectSameAtAnySplit(openaiResponses, recording);
    counts.split += 1;
  });

  test("the fold of a recorded stream is the answer that its last event holds", () => {
    const differing: string[] = [];
    for (const recording of streams ?? []) {
      const last = recordedEvents(recording.bodyText).at(-1);
      if (last?.type !== "response.completed" || (last.response?.output?.length ?? 0) === 0) continue;
      const body = { ...recording, kind: "unary" as const, bodyText: JSON.stringify(last.response) };
      const streamed = outcomeOf(() => decodeRecording(openaiResponses, recording));
      const whole = outcomeOf(() => decodeRecording(openaiResponses, body));
      if ("error" in streamed || "error" in whole) throw new Error(`${recording.file} is not read`);
      counts.folded += 1;
      try {
        expect(withoutSeals(streamed.response)).toEqual(withoutSeals(whole.response));
      } catch {
        differing.push(recording.file);
      }
    }
    expect(counts.folded).toBeGreaterThan(25);
    // Hand-made by its project: its deltas say less than its whole.
    expect(differing).toEqual(["openai/responses-stream-openai-shell-container-1-chunks.json"]);
  });

  test("at most 5 % of the recordings are declared not applicable, and each of those exists", () => {
    expectFewNotApplicable(cases ?? [], CASES, NOT_APPLICABLE);
  });

  afterAll(() => counts.tell("openai-responses", cases?.length ?? 0));
});
