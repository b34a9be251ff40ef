import { afterAll, describe, expect, test } from "vitest";
import { Executor, FinishReason, type Candidate, type ChatResponse, type Part } from "../src/contract/index.ts";
import type { DialectTarget } from "../src/dialects/dialect.ts";
import { geminiGenerate } from "../src/dialects/gemini-generate/index.ts";
import { quirksFor } from "../src/providers/entry.ts";
import { gemini } from "../src/providers/entries/gemini.ts";
import { vertex } from "../src/providers/entries/vertex.ts";
import { corpusCases, type CorpusCase } from "./support/corpus.ts";
import {
  CorpusCounts,
  decodeRecording,
  expectFewNotApplicable,
  expectSameAtAnySplit,
  outcomeOf,
  recordedTarget,
  responseOf,
} from "./support/corpus-decoding.ts";
import {
  eventData,
  expectedOf,
  streamed,
  type Expected,
  type ExpectedCandidate,
  type ExpectedUsage,
} from "./support/expected-gemini-generate.ts";
import { canonical, decodeRequest, missingFrom } from "./support/request-gemini-generate.ts";

// Cases that say nothing about this dialect's decoder, each with its reason.
const NOT_APPLICABLE: Readonly<Record<string, string>> = {};

const CASES = 35;

const cases = corpusCases(["gemini.generateContent"], CASES)?.map(framed);
const counts = new CorpusCounts();
let requestsAskedAgain = 0;

// One recording is a list because it was asked for without alt=sse, which this dialect never does: it is framed here.
function framed(recording: CorpusCase): CorpusCase {
  if (recording.kind !== "stream" || !recording.bodyText.trimStart().startsWith("[")) return recording;
  const events = eventData(recording.bodyText).map((data) => `data: ${data}\r\n\r\n`);
  return { ...recording, bodyText: events.join("") };
}

// What the entry knows of the model.
function servedTarget(recording: CorpusCase): DialectTarget {
  const target = recordedTarget(recording);
  const entry = recording.provider === "vertexai" ? vertex : gemini;
  return { ...target, facts: { ...target.facts, quirks: quirksFor(entry, target.model.replace("models/", "")) } };
}

function finishName(reason: FinishReason): string {
  return Object.entries(FinishReason).find(([, value]) => value === reason)?.[0] ?? "";
}

function textOf(part: Part, kind: "text" | "reasoning"): string {
  if (kind === "text") return part.kind.case === "text" ? part.kind.value.text : "";
  return part.kind.case === "reasoning" ? part.kind.value.text.join("") : "";
}

function callsOf({ kind }: Part): { id: string; name: string; input: string }[] {
  if (kind.case !== "toolCall" || kind.value.executor === Executor.PROVIDER) return [];
  const { callId, name, input } = kind.value;
  const text = input.value ?? "";
  // The wire's own escapes are no part of the comparison.
  return [{ id: callId, name, input: text === "" ? "" : JSON.stringify(JSON.parse(text)) }];
}

function serverSteps({ kind }: Part): string[] {
  if (kind.case !== "toolCall" && kind.case !== "toolResult") return [];
  const { executor, nativeType, name } = kind.value;
  return executor === Executor.PROVIDER ? [`${nativeType} ${name}`] : [];
}

function mediaOf({ kind }: Part): string[] {
  if (kind.case !== "media" || kind.value.source.case !== "inline") return [];
  return [`${kind.value.mimeType} ${kind.value.source.value.length}`];
}

function signaturesOf({ kind, state }: Part): string[] {
  return state.flatMap(({ format, payload }) => {
    const on = kind.case ?? "state";
    if (format === "gemini-generate.thought_signature") return [`${on} ${String(payload.value)}`];
    const { thoughtSignature } = JSON.parse(String(payload.value)) as { thoughtSignature?: string };
    return thoughtSignature === undefined ? [] : [`${on} ${thoughtSignature}`];
  });
}

// The words that a citation stands for, cut out of the text at its offsets in bytes.
function citationsOf({ kind }: Part): string[] {
  if (kind.case !== "text") return [];
  const bytes = Buffer.from(kind.value.text, "utf8");
  return kind.value.citations.map(({ url, outputStart, outputEnd }) => {
    const says = outputEnd === undefined ? "" : bytes.subarray(outputStart, outputEnd).toString("utf8");
    return `${url ?? ""} ${says}`;
  });
}

function logprobsOf({ kind }: Part): string[] {
  if (kind.case !== "text") return [];
  return kind.value.logprobs.map(({ token, logprob, top }) => `${token} ${logprob} ${top.length}`);
}

function candidateSeen({ index, message, finish }: Candidate): ExpectedCandidate {
  const parts = message?.parts ?? [];
  return {
    index,
    text: parts.map((part) => textOf(part, "text")).join(""),
    reasoning: parts.map((part) => textOf(part, "reasoning")).join(""),
    calls: parts.flatMap(callsOf),
    serverSteps: parts.flatMap(serverSteps),
    media: parts.flatMap(mediaOf),
    signatures: parts.flatMap(signaturesOf),
    citations: parts.flatMap(citationsOf),
    logprobs: parts.flatMap(logprobsOf),
    finish: finishName(finish?.reason ?? 0),
  };
}

function usageSeen({ usage }: ChatResponse): ExpectedUsage | undefined {
  if (!usage) return undefined;
  return {
    input: usage.inputTokens,
    cacheRead: usage.cacheReadTokens,
    toolPrompt: usage.toolPromptTokens,
    output: usage.outputTokens,
    reasoning: usage.reasoningTokens,
    total: usage.reportedTotalTokens,
    sums: usage.balanced,
    searches: usage.meters.find(({ unit }) => unit === "web_search_requests")?.quantity ?? 0,
  };
}

/** What the codec makes of a recording, in the words of the independent reader. */
function seenOf(recording: CorpusCase): Expected {
  const seen = outcomeOf(() => decodeRecording(geminiGenerate, recording));
  if ("error" in seen) return seen;
  const { upstreamId, serviceTier, origin } = seen.response;
  const candidates = seen.response.candidates.map(candidateSeen);
  const usage = usageSeen(seen.response);
  return { answer: { upstreamId, servedModel: origin?.servedModel, serviceTier, candidates, usage } };
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

// The stream's pieces as one whole answer: parts one after the other, the last word on everything else.
function asWhole(recording: CorpusCase): string {
  const answers = streamed(recording.bodyText);
  const candidates = answers.flatMap((answer) => answer.candidates ?? []);
  const parts = candidates.flatMap(({ content }) => content?.parts ?? []);
  const candidate = Object.assign({}, ...candidates, { content: { role: "model", parts } }) as object;
  return JSON.stringify({ ...answers.at(-1), candidates: [candidate] });
}

describe.skipIf(!cases)("gemini-generate reads recordings of real traffic", () => {
  test.for(cases ?? [])("gemini-generate reads $file as the independent reader does", (recording, { skip }) => {
    if (NOT_APPLICABLE[recording.file] !== undefined) {
      counts.notApplicable += 1;
      skip(NOT_APPLICABLE[recording.file]);
    }
    const expected = expectedOf(recording);
    expect(withoutMadeUpIds(seenOf(recording), expected)).toEqual(expected);
    counts.read(recording);
  });

  const streams = (cases ?? []).filter(({ kind }) => kind === "stream");

  test.for(streams)("gemini-generate reads $file the same whole, byte by byte and at any split", (recording) => {
    expectSameAtAnySplit(geminiGenerate, recording);
    counts.split += 1;
  });

  test.for(streams)("gemini-generate folds $file to what a whole answer of its pieces gives", (recording) => {
    // What is kept word for word keeps its escapes, too: both are written alike.
    const payloads = streamed(recording.bodyText).map((answer) => `data: ${JSON.stringify(answer)}\n\n`);
    const whole: CorpusCase = { ...recording, kind: "unary", bodyText: asWhole(recording) };
    const pieces: CorpusCase = { ...recording, bodyText: payloads.join("") };
    expect(responseOf(decodeRecording(geminiGenerate, pieces))).toEqual(
      responseOf(decodeRecording(geminiGenerate, whole)),
    );
    counts.folded += 1;
  });

  const requests = (cases ?? []).filter(({ request }) => request?.body);

  test.for(requests)("gemini-generate asks again what the request of $file asked for", (recording) => {
    const recorded = canonical(recording.request?.body);
    const target = servedTarget(recording);
    const { provider, model } = target;
    const request = decodeRequest(recorded, { provider, dialect: "gemini-generate", model });
    const stream = recording.kind === "stream";
    const encoded = geminiGenerate.encode(request, target, { stream });
    expect(missingFrom(canonical(JSON.parse(encoded.body)), recorded)).toEqual([]);
    expect(encoded.adaptations.map(({ field, reason }) => `${field}: ${reason}`)).toEqual([]);
    expect(encoded.path).toContain(`/${model.replace("models/", "")}:${stream ? "stream" : ""}`);
    requestsAskedAgain += 1;
  });

  test("gemini-generate knows every member of the recordings", () => {
    const unknown: string[] = [];
    for (const recording of cases ?? []) {
      if (recording.kind === "error" || recording.features.includes("prompt_blocked")) continue;
      decodeRecording(geminiGenerate, recording, unknown);
    }
    expect(unknown).toEqual([]);
  });

  test("at most 5 % of the recordings are declared not applicable, and each of those exists", () => {
    expectFewNotApplicable(cases ?? [], CASES, NOT_APPLICABLE);
  });

  afterAll(() => counts.tell("gemini-generate", cases?.length ?? 0, `, ${requestsAskedAgain} requests asked again`));
});
