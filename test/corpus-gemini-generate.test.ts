import { afterAll, describe, expect, test } from "vitest";
import type { ModelFacts } from "../src/catalog/facts.ts";
import {
  EventGrammar,
  Executor,
  FinishReason,
  fold,
  type Candidate,
  type ChatResponse,
  type Part,
  type StreamEvent,
} from "../src/contract/index.ts";
import type { DialectTarget } from "../src/dialects/dialect.ts";
import { geminiGenerate } from "../src/dialects/gemini-generate/index.ts";
import { ParleyError, reasonName } from "../src/errors/index.ts";
import { SseFrames } from "../src/upstream/sse.ts";
import { quirksFor } from "../src/providers/entry.ts";
import { gemini } from "../src/providers/entries/gemini.ts";
import { vertex } from "../src/providers/entries/vertex.ts";
import { corpusCases, type CorpusCase } from "./support/corpus.ts";
import {
  eventData,
  expectedOf,
  streamed,
  type Expected,
  type ExpectedCandidate,
  type ExpectedUsage,
} from "./support/expected-gemini-generate.ts";
import { canonical, decodeRequest, missingFrom } from "./support/request-gemini-generate.ts";

const MOST_NOT_APPLICABLE = 0.05;

// Cases that say nothing about this dialect's decoder, each with its reason.
const NOT_APPLICABLE: Readonly<Record<string, string>> = {};

const FACTS: ModelFacts = { capabilities: {}, quirks: [] };

const CASES = 35;

const cases = corpusCases(["gemini.generateContent"], CASES);
const counts = { unary: 0, stream: 0, error: 0, notApplicable: 0, framed: 0, requests: 0 };

function targetOf(recording: CorpusCase): DialectTarget {
  return { provider: recording.provider, model: recording.model ?? "recorded", region: undefined, facts: FACTS };
}

// What the entry knows of the model.
function servedTarget(recording: CorpusCase): DialectTarget {
  const target = targetOf(recording);
  const entry = recording.provider === "vertexai" ? vertex : gemini;
  return { ...target, facts: { ...FACTS, quirks: quirksFor(entry, target.model.replace("models/", "")) } };
}

function counter(): (prefix: string) => string {
  let count = 0;
  return (prefix) => `${prefix}_${(count += 1)}`;
}

function decodeStream(recording: CorpusCase, payloads = eventData(recording.bodyText)): StreamEvent[] {
  const events: StreamEvent[] = [];
  const decoder = geminiGenerate.streamDecoder(targetOf(recording), { newId: counter() });
  for (const data of payloads) decoder.push(data, events);
  decoder.end(events);
  return events;
}

function decode(recording: CorpusCase): StreamEvent[] {
  if (recording.kind === "stream") return decodeStream(recording);
  if (recording.kind === "unary") {
    return geminiGenerate.decodeResponse(recording.bodyText, targetOf(recording), { newId: counter() });
  }
  throw geminiGenerate.decodeError(
    { status: recording.status, headers: recording.headers, body: recording.bodyText, nowMs: 0 },
    targetOf(recording),
  );
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
  try {
    const events = decode(recording);
    const grammar = new EventGrammar();
    const breaches = events.flatMap((event) => grammar.check(event) ?? []);
    if (breaches.length > 0 || !grammar.ended) return { error: `events out of order: ${breaches.join("; ")}` };
    const response = fold(events);
    const { upstreamId, serviceTier, origin } = response;
    const candidates = response.candidates.map(candidateSeen);
    return {
      answer: { upstreamId, servedModel: origin?.servedModel, serviceTier, candidates, usage: usageSeen(response) },
    };
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

// Pseudo-random sizes that are the same in each run.
function* sizes(seed: number): Generator<number> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    yield 1 + (state % 97);
  }
}

function* always(size: number): Generator<number> {
  for (;;) yield size;
}

function decodeFramed(recording: CorpusCase, chunkSizes: Iterator<number>): StreamEvent[] {
  const events: StreamEvent[] = [];
  const decoder = geminiGenerate.streamDecoder(targetOf(recording), { newId: counter() });
  const frames = new SseFrames(1 << 20, (data, name) => decoder.push(data, events, name));
  // One recording is a list because it was asked for without alt=sse, which this dialect never does: it is framed here.
  const isList = recording.bodyText.trimStart().startsWith("[");
  const text = isList
    ? eventData(recording.bodyText)
        .map((data) => `data: ${data}\r\n\r\n`)
        .join("")
    : recording.bodyText;
  const bytes = Buffer.from(text, "utf8");
  for (let at = 0; at < bytes.length;) {
    const size = chunkSizes.next().value as number;
    frames.push(bytes.subarray(at, at + size));
    at += size;
  }
  frames.end();
  decoder.end(events);
  return events;
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
    counts[recording.kind] += 1;
  });

  const streams = (cases ?? []).filter(({ kind }) => kind === "stream");

  test.for(streams)("gemini-generate reads $file the same whole, byte by byte and at any split", (recording) => {
    const whole = decodeStream(recording);
    expect(decodeFramed(recording, always(1 << 30))).toEqual(whole);
    expect(decodeFramed(recording, always(1))).toEqual(whole);
    for (const seed of [1, 2, 3]) expect(decodeFramed(recording, sizes(seed))).toEqual(whole);
    counts.framed += 1;
  });

  test.for(streams)("gemini-generate folds $file to what a whole answer of its pieces gives", (recording) => {
    const whole = geminiGenerate.decodeResponse(asWhole(recording), targetOf(recording), { newId: counter() });
    // What is kept word for word keeps its escapes, too: both are written alike.
    const payloads = streamed(recording.bodyText).map((answer) => JSON.stringify(answer));
    expect(fold(decodeStream(recording, payloads))).toEqual(fold(whole));
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
    counts.requests += 1;
  });

  test("gemini-generate knows every member of the recordings", () => {
    const unknown: string[] = [];
    for (const recording of cases ?? []) {
      if (recording.kind === "error" || recording.features.includes("prompt_blocked")) continue;
      const options = { newId: counter(), onUnknown: (path: string) => unknown.push(`${recording.file}: ${path}`) };
      const decoder = geminiGenerate.streamDecoder(targetOf(recording), options);
      const answers = recording.kind === "stream" ? eventData(recording.bodyText) : [recording.bodyText];
      for (const data of answers) decoder.push(data, []);
    }
    expect(unknown).toEqual([]);
  });

  test("at most 5 % of the recordings are declared not applicable, and each of those exists", () => {
    const files = new Set(cases?.map(({ file }) => file));
    expect(files.size).toBeGreaterThanOrEqual(CASES);
    expect(Object.keys(NOT_APPLICABLE).filter((file) => !files.has(file))).toEqual([]);
    expect(Object.keys(NOT_APPLICABLE).length).toBeLessThanOrEqual(files.size * MOST_NOT_APPLICABLE);
  });

  afterAll(() => {
    process.stdout.write(
      `gemini-generate recordings: ${counts.unary} unary, ${counts.stream} streamed, ${counts.error} errors read; ` +
        `${counts.framed} streams read at any split; ${counts.requests} requests asked again; ${counts.notApplicable} of ${cases?.length ?? 0} not applicable\n`,
    );
  });
});
