import type { CorpusCase } from "./corpus.ts";

// What a recording of generateContent says, read straight from its JSON by rules of its own: this file shares no code
// with src, so that it can prove src wrong.

/** What an answer must come to. */
export interface ExpectedAnswer {
  readonly upstreamId: string | undefined;
  readonly servedModel: string | undefined;
  readonly serviceTier: string | undefined;
  readonly candidates: readonly ExpectedCandidate[];
  readonly usage: ExpectedUsage | undefined;
}

/** One candidate. */
export interface ExpectedCandidate {
  readonly index: number;
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly { readonly id: string; readonly name: string; readonly input: string }[];
  /** Steps of tools that the provider ran: the wire's member, then the name. */
  readonly serverSteps: readonly string[];
  /** Media type and size in bytes. */
  readonly media: readonly string[];
  /** What each signature stands on, and the signature. */
  readonly signatures: readonly string[];
  /** The source's address, and the words of the answer that it stands for. */
  readonly citations: readonly string[];
  /** Tokens with log probabilities, and how many alternatives. */
  readonly logprobs: readonly string[];
  readonly finish: string;
}

/** Figures as disjoint buckets; undefined is unknown. */
export interface ExpectedUsage {
  readonly input: number | undefined;
  readonly cacheRead: number | undefined;
  readonly toolPrompt: number | undefined;
  readonly output: number | undefined;
  readonly reasoning: number | undefined;
  readonly total: number | undefined;
  readonly sums: boolean;
  readonly searches: number;
}

/** An answer, or the name of the error's reason. */
export type Expected = { readonly answer: ExpectedAnswer } | { readonly error: string };

interface RawPart {
  readonly text?: string;
  readonly thought?: boolean;
  readonly thoughtSignature?: string;
  readonly inlineData?: { readonly mimeType: string; readonly data: string };
  readonly functionCall?: {
    readonly id?: string;
    readonly name?: string;
    readonly args?: object;
    readonly partialArgs?: readonly { readonly jsonPath: string; readonly stringValue: string }[];
  };
  readonly functionResponse?: { readonly name: string };
  readonly toolCall?: { readonly toolType: string };
  readonly toolResponse?: { readonly toolType: string };
}

interface RawSource {
  readonly uri?: string;
}

/** A candidate of a recording. */
export interface RawCandidate {
  readonly index?: number;
  readonly content?: { readonly parts?: readonly RawPart[] };
  readonly finishReason?: string | number;
  readonly groundingMetadata?: {
    readonly groundingChunks?: readonly { readonly web?: RawSource; readonly retrievedContext?: RawSource }[];
    readonly groundingSupports?: readonly {
      readonly segment: { readonly text: string };
      readonly groundingChunkIndices: readonly number[];
    }[];
    readonly webSearchQueries?: readonly string[];
  };
  readonly logprobsResult?: {
    readonly chosenCandidates: readonly { readonly token: string; readonly logProbability: number }[];
    readonly topCandidates: readonly { readonly candidates: readonly unknown[] }[];
  };
}

/** A whole answer of a recording, or an event of one. */
export interface RawAnswer {
  readonly candidates?: readonly RawCandidate[];
  readonly promptFeedback?: { readonly blockReason?: string };
  readonly usageMetadata?: Readonly<Record<string, unknown>>;
  readonly modelVersion?: string;
  readonly responseId?: string;
  readonly error?: RawError;
}

interface RawError {
  readonly code: number;
  readonly status: string;
  readonly message: string;
  readonly details?: readonly {
    readonly reason?: string;
    readonly violations?: readonly { readonly quotaId: string }[];
  }[];
}

/** What the case must come to. Throws where the reader has no rule for it. */
export function expectedOf(recording: CorpusCase): Expected {
  const answers =
    recording.kind === "stream" ? streamed(recording.bodyText) : [JSON.parse(recording.bodyText) as RawAnswer];
  const failed = answers.find(({ error }) => error)?.error;
  if (failed) return { error: errorOf(failed) };
  if (answers.some(({ promptFeedback }) => promptFeedback?.blockReason)) return { error: "PROVIDER_CONTENT_BLOCKED" };
  const all = answers.flatMap(({ candidates }) => candidates ?? []);
  const indexes = [...new Set(all.map(({ index }) => index ?? 0))].toSorted((a, b) => a - b);
  const candidates = indexes.map((index) =>
    candidateOf(
      index,
      all.filter((one) => (one.index ?? 0) === index),
    ),
  );
  if (candidates.some(({ finish }) => finish === "")) return { error: "STREAM_INTERRUPTED" };
  const last = answers.at(-1) ?? {};
  const tier = last.usageMetadata?.["serviceTier"] ?? last.usageMetadata?.["trafficType"];
  return {
    answer: {
      upstreamId: answers[0]?.responseId,
      servedModel: answers[0]?.modelVersion,
      serviceTier: tier as string | undefined,
      candidates,
      usage: usageOf(last.usageMetadata, all),
    },
  };
}

/** The answers that a stream consists of. One recording was asked for without `alt=sse`: it is a list. */
export function streamed(text: string): RawAnswer[] {
  return eventData(text).map((data) => JSON.parse(data) as RawAnswer);
}

/** The payloads of a stream's events, in order. */
export function eventData(text: string): string[] {
  if (text.trimStart().startsWith("[")) return (JSON.parse(text) as unknown[]).map((one) => JSON.stringify(one));
  return text
    .replaceAll("\r\n", "\n")
    .split("\n")
    .filter((line) => line.startsWith("data:"))
    .map((line) => line.slice(5).trim());
}

function candidateOf(index: number, pieces: readonly RawCandidate[]): ExpectedCandidate {
  const parts = pieces.flatMap(({ content }) => content?.parts ?? []);
  const text = parts.map((part) => (part.thought ? "" : (part.text ?? ""))).join("");
  const ranByServer = new Set(parts.flatMap(({ functionResponse }) => functionResponse?.name ?? []));
  const calls = callsOf(parts).filter(({ name }) => !ranByServer.has(name));
  const word = pieces.map(({ finishReason }) => finishReason).findLast(Boolean);
  return {
    index,
    text,
    reasoning: parts.map((part) => (part.thought ? (part.text ?? "") : "")).join(""),
    calls,
    serverSteps: parts.flatMap((part) => serverStep(part, ranByServer)),
    media: parts.flatMap(({ inlineData }) =>
      inlineData ? [`${inlineData.mimeType} ${Buffer.from(inlineData.data, "base64").length}`] : [],
    ),
    signatures: parts.flatMap((part) => (part.thoughtSignature ? [`${kindOf(part)} ${part.thoughtSignature}`] : [])),
    citations: text === "" ? [] : pieces.flatMap(citationsOf),
    logprobs: pieces.flatMap(({ logprobsResult: result }) =>
      (result?.chosenCandidates ?? []).map(
        ({ token, logProbability }, at) => `${token} ${logProbability} ${result?.topCandidates[at]?.candidates.length}`,
      ),
    ),
    finish: word === undefined ? "" : finishOf(word, calls.length > 0),
  };
}

function callsOf(parts: readonly RawPart[]): { id: string; name: string; input: string }[] {
  const calls: { id: string; name: string; args: Record<string, unknown> | undefined }[] = [];
  for (const { functionCall: call } of parts) {
    if (!call) continue;
    if (call.name) calls.push({ id: call.id ?? "", name: call.name, args: call.args as Record<string, unknown> });
    const open = calls.at(-1);
    for (const { jsonPath, stringValue } of call.partialArgs ?? []) {
      const args = (open!.args ??= {});
      const key = jsonPath.replace("$.", "");
      args[key] = `${(args[key] as string | undefined) ?? ""}${stringValue}`;
    }
  }
  return calls.map(({ id, name, args }) => ({ id, name, input: args ? JSON.stringify(args) : "" }));
}

function serverStep(part: RawPart, ranByServer: ReadonlySet<string>): string[] {
  const name = part.functionCall?.name;
  if (name !== undefined && ranByServer.has(name)) return [`functionCall ${name}`];
  if (part.functionResponse) return [`functionResponse ${part.functionResponse.name}`];
  if (part.toolCall) return [`toolCall ${part.toolCall.toolType}`];
  return part.toolResponse ? [`toolResponse ${part.toolResponse.toolType}`] : [];
}

function kindOf(part: RawPart): string {
  if (part.text === "") return "state";
  if (part.text !== undefined) return part.thought ? "reasoning" : "text";
  if (part.functionCall || part.toolCall) return "toolCall";
  return part.toolResponse ? "toolResult" : "media";
}

function citationsOf({ groundingMetadata: grounding }: RawCandidate): string[] {
  const chunks = grounding?.groundingChunks ?? [];
  const url = (at: number): string => chunks[at]?.web?.uri ?? chunks[at]?.retrievedContext?.uri ?? "";
  const supports = grounding?.groundingSupports ?? [];
  const placed = supports.flatMap(({ segment, groundingChunkIndices }) =>
    groundingChunkIndices.map((at) => `${url(at)} ${segment.text}`),
  );
  const used = new Set(supports.flatMap(({ groundingChunkIndices }) => groundingChunkIndices));
  return [...placed, ...chunks.flatMap((_chunk, at) => (used.has(at) ? [] : [`${url(at)} `]))];
}

function finishOf(word: string | number, calls: boolean): string {
  if (word === "MAX_TOKENS") return "MAX_TOKENS";
  if (word === "STOP" || word === 1) return calls ? "TOOL_CALLS" : "STOP";
  throw new Error(`the reader has no rule for the finish reason ${JSON.stringify(word)}`);
}

function usageOf(
  usage: Readonly<Record<string, unknown>> | undefined,
  candidates: readonly RawCandidate[],
): ExpectedUsage | undefined {
  const figure = (name: string): number | undefined => usage?.[name] as number | undefined;
  const prompt = figure("promptTokenCount");
  const total = figure("totalTokenCount");
  if (total === undefined) return undefined;
  const cacheRead = figure("cachedContentTokenCount");
  const toolPrompt = figure("toolUsePromptTokenCount");
  const output = figure("candidatesTokenCount");
  const reasoning = figure("thoughtsTokenCount");
  return {
    input: prompt === undefined ? undefined : prompt - (cacheRead ?? 0),
    cacheRead,
    toolPrompt,
    output,
    reasoning,
    total,
    sums: (prompt ?? 0) + (toolPrompt ?? 0) + (output ?? 0) + (reasoning ?? 0) === total,
    searches: candidates.flatMap((one) => one.groundingMetadata?.webSearchQueries ?? []).filter(Boolean).length,
  };
}

function errorOf({ code, status, message, details }: RawError): string {
  if (details?.some(({ reason }) => reason === "API_KEY_INVALID")) return "PROVIDER_CREDENTIAL";
  if (message.includes("unregistered callers")) return "PROVIDER_CREDENTIAL";
  if (message.includes("token count")) return "CONTEXT_TOO_LONG";
  if (message.includes("Cannot fetch content")) return "INVALID_MEDIA";
  const quota = details?.flatMap(({ violations }) => violations ?? []).map(({ quotaId }) => quotaId) ?? [];
  if (quota.some((id) => id.includes("PerDay"))) return "PROVIDER_QUOTA";
  const known: Readonly<Record<string, string>> = {
    "404 NOT_FOUND": "MODEL_NOT_FOUND",
    "403 PERMISSION_DENIED": "PROVIDER_ACCESS",
    "429 RESOURCE_EXHAUSTED": "PROVIDER_RATE_LIMITED",
  };
  const found = known[`${code} ${status}`];
  if (found === undefined) throw new Error(`the reader has no rule for the error ${code} ${status}`);
  return found;
}
