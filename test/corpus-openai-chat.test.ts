import { afterAll, describe, expect, test } from "vitest";
import type { ModelFacts } from "../src/catalog/facts.ts";
import {
  EventGrammar,
  Executor,
  FinishReason,
  fold,
  type Candidate,
  type ChatResponse,
  type StreamEvent,
} from "../src/contract/index.ts";
import type { DialectTarget } from "../src/dialects/dialect.ts";
import { openaiChat } from "../src/dialects/openai-chat/index.ts";
import { ParleyError, reasonName } from "../src/errors/index.ts";
import { corpusCases, type CorpusCase } from "./support/corpus.ts";
import {
  eventData,
  expectedOf,
  type Expected,
  type ExpectedCandidate,
  type ExpectedUsage,
} from "./support/expected-openai-chat.ts";

const APIS = ["openai.chat", "openai-compat.chat", "mistral.chat"];
const MOST_NOT_APPLICABLE = 0.05;

// Cases that say nothing about this dialect's decoder, each with its reason.
const NOT_APPLICABLE: Readonly<Record<string, string>> = {};

const FACTS: ModelFacts = { capabilities: {}, quirks: [] };

const CASES = 168;

const cases = corpusCases(APIS, CASES);
const counts = { unary: 0, stream: 0, error: 0, notApplicable: 0 };

function targetOf(recording: CorpusCase): DialectTarget {
  return { provider: recording.provider, model: recording.model ?? "recorded", region: undefined, facts: FACTS };
}

function counter(): (prefix: string) => string {
  let count = 0;
  return (prefix) => `${prefix}_${(count += 1)}`;
}

function decodeStream(recording: CorpusCase): StreamEvent[] {
  const events: StreamEvent[] = [];
  const decoder = openaiChat.streamDecoder(targetOf(recording), { newId: counter() });
  const isErrorEvent = recording.bodyText.includes("event: error");
  for (const data of eventData(recording.bodyText)) {
    decoder.push(data, events, isErrorEvent && data.startsWith('{"error"') ? "error" : undefined);
  }
  decoder.end(events);
  return events;
}

function decode(recording: CorpusCase): StreamEvent[] {
  if (recording.kind === "stream") return decodeStream(recording);
  if (recording.kind === "unary") {
    return openaiChat.decodeResponse(recording.bodyText, targetOf(recording), { newId: counter() });
  }
  throw openaiChat.decodeError(
    { status: recording.status, headers: recording.headers, body: recording.bodyText, nowMs: 0 },
    targetOf(recording),
  );
}

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
  try {
    const events = decode(recording);
    const grammar = new EventGrammar();
    const breaches = events.flatMap((event) => grammar.check(event) ?? []);
    if (breaches.length > 0 || !grammar.ended) return { error: `events out of order: ${breaches.join("; ")}` };
    const response = fold(events);
    return { answer: { candidates: response.candidates.map(candidateSeen), usage: usageSeen(response) } };
  } catch (error) {
    return { error: error instanceof ParleyError ? reasonName(error.reason) : String(error) };
  }
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
    counts[recording.kind] += 1;
  });

  test("at most 5 % of the recordings are declared not applicable, and each of those exists", () => {
    const files = new Set(cases?.map(({ file }) => file));
    expect(files.size).toBeGreaterThanOrEqual(CASES);
    expect(Object.keys(NOT_APPLICABLE).filter((file) => !files.has(file))).toEqual([]);
    expect(Object.keys(NOT_APPLICABLE).length).toBeLessThanOrEqual(files.size * MOST_NOT_APPLICABLE);
  });

  afterAll(() => {
    process.stdout.write(
      `openai-chat recordings: ${counts.unary} unary, ${counts.stream} streamed, ${counts.error} errors read; ` +
        `${counts.notApplicable} of ${cases?.length ?? 0} not applicable\n`,
    );
  });
});
