import { afterAll, describe, expect, test } from "vitest";
import { Executor, FinishReason, type Candidate, type ChatResponse } from "../src/contract/index.ts";
import { openaiChat } from "../src/dialects/openai-chat/index.ts";
import { assembled } from "./support/assembled-openai-chat.ts";
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
  type Expected,
  type ExpectedCandidate,
  type ExpectedUsage,
} from "./support/expected-openai-chat.ts";

const APIS = ["openai.chat", "openai-compat.chat", "mistral.chat"];

// Cases that say nothing about this dialect's decoder, each with its reason.
const NOT_APPLICABLE: Readonly<Record<string, string>> = {};

const CASES = 168;

const cases = corpusCases(APIS, CASES);
const streams = cases?.filter(({ kind }) => kind === "stream") ?? [];
const counts = new CorpusCounts();

function finishName(reason: FinishReason): string | undefined {
  return Object.entries(FinishReason).find(([, value]) => value === reason)?.[0];
}

function textOf(candidate: Candidate, kind: "text" | "refusal"): string {
  return (candidate.message?.parts ?? []).map((part) => (part.kind.case === kind ? part.kind.value.text : "")).join("");
}

function reasoningOf(candidate: Candidate): string {
  return (candidate.message?.parts ?? [])
    .map((part) => (part.kind.case === "reasoning" ? part.kind.value.text.join("") : ""))
    .join("");
}

function callsOf(candidate: Candidate): { id: string; name: string; input: string }[] {
  return (candidate.message?.parts ?? []).flatMap((part) =>
    part.kind.case === "toolCall" && part.kind.value.executor !== Executor.PROVIDER
      ? [{ id: part.kind.value.callId, name: part.kind.value.name, input: part.kind.value.input.value ?? "" }]
      : [],
  );
}

function citedUrls(candidate: Candidate): string[] {
  return (candidate.message?.parts ?? []).flatMap((part) =>
    part.kind.case === "text" ? part.kind.value.citations.map(({ url }) => url ?? "") : [],
  );
}

function candidateSeen(candidate: Candidate): ExpectedCandidate {
  return {
    index: candidate.index,
    text: textOf(candidate, "text"),
    reasoning: reasoningOf(candidate),
    refusal: textOf(candidate, "refusal"),
    calls: callsOf(candidate),
    finish: finishName(candidate.finish?.reason ?? 0) ?? "",
    citedUrls: citedUrls(candidate),
  };
}

function usageSeen({ usage }: ChatResponse): ExpectedUsage | undefined {
  if (!usage) return undefined;
  const cacheWrite = usage.cacheWrites.reduce((sum, { tokens }) => sum + tokens, 0);
  const cached = (usage.cacheReadTokens ?? 0) + cacheWrite;
  return {
    cacheRead: usage.cacheReadTokens,
    cacheWrite,
    reasoning: usage.reasoningTokens,
    inputSide: usage.inputTokens === undefined ? undefined : usage.inputTokens + cached,
    visible: usage.outputTokens,
    total: usage.reportedTotalTokens,
    sums: usage.balanced,
  };
}

/** What the codec makes of a recording, in the words of the independent reader. */
function seenOf(recording: CorpusCase): Expected {
  const outcome = outcomeOf(() => decodeRecording(openaiChat, recording));
  if ("error" in outcome) return outcome;
  const { response } = outcome;
  return { answer: { candidates: response.candidates.map(candidateSeen), usage: usageSeen(response) } };
}

// An id that the provider did not give is made up by the codec; it must be there, and is no part of the comparison.
function withoutMadeUpIds(seen: Expected, expected: Expected): Expected {
  if (!("answer" in seen) || !("answer" in expected)) return seen;
  const candidates = seen.answer.candidates.map((candidate, place) => {
    const told = expected.answer.candidates[place]?.calls ?? [];
    const calls = candidate.calls.map((call, at) =>
      told[at]?.id === "" && call.id !== "" ? { ...call, id: "" } : call,
    );
    return { ...candidate, calls };
  });
  return { answer: { ...seen.answer, candidates } };
}

describe.skipIf(!cases)("openai-chat reads recordings of real traffic", () => {
  test.for(cases ?? [])("openai-chat reads $file as the independent reader does", (recording, { skip }) => {
    if (NOT_APPLICABLE[recording.file] !== undefined) {
      counts.notApplicable += 1;
      skip(NOT_APPLICABLE[recording.file]);
    }
    const expected = expectedOf(recording);
    expect(withoutMadeUpIds(seenOf(recording), expected)).toEqual(expected);
    counts.read(recording);
  });

  test.for(streams)("openai-chat reads $file the same whole, byte by byte and at any split", (recording) => {
    expectSameAtAnySplit(openaiChat, recording);
    counts.split += 1;
  });

  test.for(streams.filter((recording) => "answer" in expectedOf(recording)))(
    "openai-chat folds $file to what a whole answer of its chunks gives",
    (recording) => {
      const whole: CorpusCase = {
        ...recording,
        kind: "unary",
        bodyText: JSON.stringify(assembled(recording.bodyText)),
      };
      const expected = expectedOf(recording);
      expect(withoutMadeUpIds(seenOf(whole), expected)).toEqual(withoutMadeUpIds(seenOf(recording), expected));
      counts.folded += 1;
    },
  );

  test("at most 5 % of the recordings are declared not applicable, and each of those exists", () => {
    expectFewNotApplicable(cases ?? [], CASES, NOT_APPLICABLE);
  });

  afterAll(() => counts.tell("openai-chat", cases?.length ?? 0));
});
