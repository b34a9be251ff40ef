import type { CorpusCase } from "./corpus.ts";

// What a recording of chat completions says, read straight from its JSON by rules of its own: this file shares no code
// with src, so that it can prove src wrong.

/** What an answer must come to. */
export interface ExpectedAnswer {
  readonly candidates: readonly ExpectedCandidate[];
  readonly usage: ExpectedUsage | undefined;
}

/** One candidate. */
export interface ExpectedCandidate {
  readonly index: number;
  readonly text: string;
  readonly reasoning: string;
  readonly refusal: string;
  readonly calls: readonly { readonly id: string; readonly name: string; readonly input: string }[];
  readonly finish: string;
  readonly citedUrls: readonly string[];
}

/** Figures as disjoint buckets; undefined is unknown. */
export interface ExpectedUsage {
  readonly cacheRead: number | undefined;
  readonly cacheWrite: number;
  readonly reasoning: number | undefined;
  /** Input and cache reads and writes. */
  readonly inputSide: number | undefined;
  /** Output without reasoning. */
  readonly visible: number | undefined;
  readonly total: number | undefined;
  readonly sums: boolean;
}

/** An answer, or the name of the error's reason. */
export type Expected = { readonly answer: ExpectedAnswer } | { readonly error: string };

interface RawCall {
  readonly index?: number;
  readonly id?: string | null;
  readonly type?: string;
  readonly function?: { readonly name?: string | null; readonly arguments?: string | null };
  readonly custom?: { readonly name: string; readonly input: string };
}

interface RawMessage {
  readonly content?: string | readonly RawPiece[] | null;
  readonly reasoning?: string | null;
  readonly reasoning_content?: string | null;
  readonly reasoning_details?: readonly { readonly text?: string }[];
  readonly refusal?: string | null;
  readonly tool_calls?: readonly RawCall[] | null;
  readonly function_call?: { readonly name: string; readonly arguments: string } | null;
  readonly annotations?: readonly { readonly url_citation: { readonly url: string } }[] | null;
}

/** Mistral sends lists of these where there is more than text. */
interface RawPiece {
  readonly type: string;
  readonly text?: string;
  readonly thinking?: readonly RawPiece[];
}

interface RawChoice {
  readonly index: number;
  readonly message: RawMessage;
  readonly delta?: RawMessage;
  readonly finish_reason?: string | null;
}

interface RawUsage {
  readonly prompt_tokens?: number;
  readonly completion_tokens?: number;
  readonly total_tokens?: number;
  readonly cached_tokens?: number;
  readonly num_cached_tokens?: number;
  readonly cache_read_input_tokens?: number;
  readonly cache_creation_input_tokens?: number;
  readonly reasoning_tokens?: number;
  readonly prompt_tokens_details?: {
    readonly cached_tokens?: number;
    readonly cache_write_tokens?: number;
    readonly audio_tokens?: number;
  } | null;
  readonly completion_tokens_details?: { readonly reasoning_tokens?: number } | null;
}

interface RawError {
  readonly type?: string;
  readonly code?: string | number | null;
  readonly param?: string | null;
  readonly message?: string;
  readonly status?: number;
  readonly status_code?: number;
}

interface Raw extends RawError {
  readonly choices?: readonly RawChoice[];
  readonly usage?: RawUsage | null;
  readonly x_groq?: { readonly usage?: RawUsage };
  readonly error?: RawError | string;
  readonly citations?: readonly string[];
  readonly search_results?: readonly { readonly url: string }[];
}

/** What the case must come to. Throws where the reader has no rule for it. */
export function expectedOf(recording: CorpusCase): Expected {
  if (recording.kind === "stream") return expectedStream(recording.bodyText);
  const raw = (recording.bodyText === "" ? {} : JSON.parse(recording.bodyText)) as Raw;
  if (recording.kind === "error") return { error: errorOf(recording.status, raw) };
  if (raw.error) return { error: errorOf(200, raw) };
  const candidates = (raw.choices ?? []).map((choice) => wholeCandidate(choice, raw));
  return { answer: { candidates, usage: usageOf(raw.usage) } };
}

/** The payloads of a stream's events, in order. */
export function eventData(text: string): string[] {
  return text
    .replaceAll("\r\n", "\n")
    .split("\n")
    .filter((line) => line.startsWith("data:"))
    .map((line) => line.slice(5).trim());
}

function expectedStream(text: string): Expected {
  const payloads = eventData(text).filter((data) => data !== "[DONE]");
  const chunks = payloads.map((data) => JSON.parse(data) as Raw);
  const failed = chunks.find(({ error }) => error);
  if (failed) return { error: errorOf(200, failed) };
  const choices = chunks.flatMap((chunk) => chunk.choices ?? []);
  const indexes = [...new Set(choices.map(({ index }) => index))].toSorted((a, b) => a - b);
  const candidates = indexes.map((index) => streamedCandidate(index, choices, chunks));
  if (candidates.some(({ finish }) => finish === "")) return { error: "STREAM_INTERRUPTED" };
  const figures = chunks.map((chunk) => chunk.usage ?? chunk.x_groq?.usage).findLast(Boolean);
  return { answer: { candidates, usage: usageOf(figures) } };
}

function wholeCandidate({ index, message, finish_reason: word }: RawChoice, raw: Raw): ExpectedCandidate {
  const calls = (message.tool_calls ?? []).map((call) => {
    const id = call.id ?? "";
    if (call.type === "custom" && call.custom) return { id, name: call.custom.name, input: call.custom.input };
    return { id, name: call.function?.name ?? "", input: call.function?.arguments ?? "" };
  });
  const legacy = message.function_call;
  if (legacy?.name) calls.push({ id: "", name: legacy.name, input: legacy.arguments });
  return {
    index,
    text: textOf(message),
    reasoning: reasoningOf(message),
    refusal: message.refusal ?? "",
    calls,
    finish: finishOf(word ?? "", calls.length > 0),
    citedUrls: message.content ? [...annotatedUrls(message), ...listedUrls(raw)] : [],
  };
}

function streamedCandidate(index: number, all: readonly RawChoice[], chunks: readonly Raw[]): ExpectedCandidate {
  const choices = all.filter((choice) => choice.index === index);
  const deltas = choices.map(({ delta }) => delta ?? {});
  const calls = new Map<number, { id: string; name: string; input: string }>();
  for (const fragment of deltas.flatMap((delta) => delta.tool_calls ?? [])) {
    const place = fragment.index ?? 0;
    const call = calls.get(place) ?? { id: "", name: "", input: "" };
    calls.set(place, call);
    call.id ||= fragment.id ?? "";
    call.name ||= fragment.function?.name ?? fragment.custom?.name ?? "";
    call.input += fragment.function?.arguments ?? fragment.custom?.input ?? "";
  }
  const word = choices.map((choice) => choice.finish_reason).findLast(Boolean) ?? "";
  const text = deltas.map(textOf).join("");
  const listed = chunks.findLast((chunk) => chunk.citations ?? chunk.search_results) ?? {};
  return {
    index,
    text,
    reasoning: deltas.map(reasoningOf).join(""),
    refusal: deltas.map(({ refusal }) => refusal ?? "").join(""),
    calls: [...calls.values()],
    finish: word === "" ? "" : finishOf(word, calls.size > 0),
    citedUrls: text === "" ? [] : [...deltas.flatMap(annotatedUrls), ...listedUrls(listed)],
  };
}

function textOf({ content }: RawMessage): string {
  if (typeof content !== "object") return content ?? "";
  return (content ?? []).map(({ type, text }) => (type === "text" ? (text ?? "") : "")).join("");
}

function thoughtsOf({ content }: RawMessage): string {
  const pieces = typeof content === "object" ? (content ?? []) : [];
  return pieces.flatMap(({ thinking }) => (thinking ?? []).map(({ text }) => text ?? "")).join("");
}

function reasoningOf(message: RawMessage): string {
  const plain = message.reasoning_content || message.reasoning || thoughtsOf(message);
  return plain || (message.reasoning_details ?? []).map(({ text }) => text ?? "").join("");
}

function annotatedUrls(message: RawMessage): string[] {
  return (message.annotations ?? []).map((annotation) => annotation.url_citation.url);
}

function listedUrls(raw: Raw): readonly string[] {
  return raw.search_results?.map(({ url }) => url) ?? raw.citations ?? [];
}

function finishOf(word: string, calls: boolean): string {
  if (word === "length") return "MAX_TOKENS";
  if (word === "content_filter") return "CONTENT_FILTER";
  if (word === "tool_calls" || word === "function_call") return "TOOL_CALLS";
  if (["stop", "eos"].includes(word)) return calls ? "TOOL_CALLS" : "STOP";
  if (word === "" && calls) return "TOOL_CALLS";
  throw new Error(`the reader has no rule for the finish reason ${JSON.stringify(word)}`);
}

function usageOf(usage: RawUsage | null | undefined): ExpectedUsage | undefined {
  if (!usage) return undefined;
  const { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total } = usage;
  const details = usage.prompt_tokens_details;
  const cacheRead =
    details?.cached_tokens ?? usage.cached_tokens ?? usage.num_cached_tokens ?? usage.cache_read_input_tokens;
  const cacheWrite = details?.cache_write_tokens ?? usage.cache_creation_input_tokens ?? 0;
  const reasoning = usage.completion_tokens_details?.reasoning_tokens ?? usage.reasoning_tokens;
  const thought = reasoning ?? 0;
  const apart = thought > (completion ?? 0) || (thought > 0 && (prompt ?? 0) + (completion ?? 0) + thought === total);
  const visible = completion === undefined ? undefined : completion - (apart ? 0 : thought);
  // A cache read above the prompt cannot be part of it: then the figures contradict each other.
  // Sound is not among the prompt's tokens where only its sum with them is the total.
  const sound = details?.audio_tokens ?? 0;
  const heard = (prompt ?? 0) + sound + (completion ?? 0) === total ? sound : 0;
  const inputSide = prompt === undefined ? undefined : Math.max(prompt + heard, (cacheRead ?? 0) + cacheWrite);
  const sum = (inputSide ?? 0) + (visible ?? 0) + thought;
  return { cacheRead, cacheWrite, reasoning, inputSide, visible, total, sums: total === undefined || sum === total };
}

const ERRORS: Readonly<Record<string, string>> = {
  context_length_exceeded: "CONTEXT_TOO_LONG",
  content_filter: "PROVIDER_CONTENT_BLOCKED",
  DeploymentNotFound: "MODEL_NOT_FOUND",
  model_not_found: "MODEL_NOT_FOUND",
  invalid_api_key: "PROVIDER_CREDENTIAL",
  tool_use_failed: "PROVIDER_BAD_OUTPUT",
  decimal_above_max_value: "INVALID_REQUEST",
  empty_array: "INVALID_REQUEST",
  invalid_value: "INVALID_REQUEST",
  test: "INVALID_REQUEST",
  unsupported_value: "UNSUPPORTED_PARAMETER",
  invalid_image_url: "INVALID_MEDIA",
};

function errorOf(httpStatus: number, raw: Raw): string {
  const error = typeof raw.error === "object" ? raw.error : raw;
  const { code } = error;
  // The gateway chose max_tokens for this model, not the caller.
  if (code === "unsupported_parameter" && error.param === "max_tokens") return "TRANSLATION_DEFECT";
  const known = typeof code === "string" ? ERRORS[code] : undefined;
  if (known) return known;
  if (error.type === "invalid_model") return "MODEL_NOT_FOUND";
  const generic = code === undefined || code === null || code === "invalid_request_error" || /^\d+$/.test(`${code}`);
  if (!generic) throw new Error(`the reader has no rule for the error code ${JSON.stringify(code)}`);
  const status = httpStatus === 200 ? Number(error.status_code ?? code) : httpStatus;
  if (status === 401) return "PROVIDER_CREDENTIAL";
  if (status === 404) return "MODEL_NOT_FOUND";
  if (status === 429) return "PROVIDER_RATE_LIMITED";
  if (status === 500) return "PROVIDER_ERROR";
  if (error.message?.includes("maximum context length")) return "CONTEXT_TOO_LONG";
  if (error.message?.includes("supported API model names")) return "MODEL_NOT_FOUND";
  if (status === 400) return "INVALID_REQUEST";
  throw new Error(`the reader has no rule for the status ${status}`);
}
