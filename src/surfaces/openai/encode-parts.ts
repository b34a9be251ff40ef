import {
  Executor,
  Modality,
  OffsetUnit,
  type Citation,
  type MediaPart,
  type Part,
  type TokenLogprob,
  type ToolCallPart,
} from "../../contract/index.ts";
import type { ReceivedToolCall } from "../../dialects/openai-chat/wire.ts";

// Pieces that whole answers and streams have in common.

/** Whether a call is the caller's to run. Calls that the provider has run are never shown as such. */
export function isCallersCall(call: ToolCallPart): boolean {
  return call.executor !== Executor.PROVIDER;
}

/** A call's input as text. A call of a function without arguments has an empty object: clients parse what they get. */
export function callInput({ input }: ToolCallPart): string {
  if (input.case === "text") return input.value;
  return input.value === undefined || input.value === "" ? "{}" : input.value;
}

/** A tool call of a whole answer. */
export function encodeToolCall(call: ToolCallPart): ReceivedToolCall {
  const { callId: id, name } = call;
  return call.input.case === "text"
    ? { id, type: "custom", custom: { name, input: callInput(call) } }
    : { id, type: "function", function: { name, arguments: callInput(call) } };
}

/** A token's log probability as OpenAI writes it. */
export interface LogprobOut {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: number[] | null;
}

// JSON has no infinity; this is what OpenAI sends for a token that is out of the question.
const LEAST_LOGPROB = -9999;

/** Log probabilities of tokens. */
export function encodeLogprobs(
  tokens: readonly TokenLogprob[],
): (LogprobOut & { readonly top_logprobs: LogprobOut[] })[] {
  return tokens.map((token) => ({ ...encodeLogprob(token), top_logprobs: token.top.map(encodeLogprob) }));
}

function encodeLogprob({ token, logprob, bytes }: TokenLogprob): LogprobOut {
  return { token, logprob: Number.isFinite(logprob) ? logprob : LEAST_LOGPROB, bytes: bytes ? [...bytes] : null };
}

/** A citation with an address, as OpenAI writes it; offsets count characters (code points) of the message's content. */
export interface AnnotationOut {
  readonly type: "url_citation";
  readonly url_citation: {
    readonly url: string;
    readonly title: string;
    readonly start_index: number;
    readonly end_index: number;
  };
}

/**
 * Citations of one text part. `before` is the content that precedes it in the message. Citations without an address have
 * no form in this format and are left out.
 */
export function encodeAnnotations(
  text: string,
  citations: readonly Citation[],
  before: readonly string[],
): AnnotationOut[] {
  const cited = citations.filter(({ url }) => url !== undefined && url !== "");
  if (cited.length === 0) return [];
  const base = before.reduce((sum, one) => sum + codePoints(one), 0);
  const length = codePoints(text);
  return cited.map(({ url = "", title, outputStart, outputEnd, offsetUnit }) => ({
    type: "url_citation",
    url_citation: {
      url,
      title: title ?? "",
      start_index: base + inCodePoints(text, outputStart ?? 0, offsetUnit),
      end_index: base + (outputEnd === undefined ? length : inCodePoints(text, outputEnd, offsetUnit)),
    },
  }));
}

function inCodePoints(text: string, offset: number, unit: OffsetUnit): number {
  if (unit === OffsetUnit.UTF8_BYTES) return codePoints(Buffer.from(text, "utf8").subarray(0, offset).toString("utf8"));
  if (unit === OffsetUnit.UTF16) return codePoints(text.slice(0, offset));
  return offset;
}

function codePoints(text: string): number {
  let count = text.length;
  for (let index = 0; index < text.length; index++) if ((text.charCodeAt(index) & 0xfc00) === 0xd800) count -= 1;
  return count;
}

/** A spoken answer. */
export interface AudioOut {
  readonly id: string;
  readonly data: string;
  readonly expires_at: number;
  readonly transcript: string;
}

/** Sound that a model made. */
export function encodeAudio(media: MediaPart): AudioOut {
  return {
    id: media.generatedId ?? "",
    data: media.source.case === "inline" ? base64(media.source.value) : "",
    expires_at: Number(media.expiresAt?.seconds ?? 0n),
    transcript: media.transcript ?? "",
  };
}

/** An image that a model made, in the shape that OpenRouter's clients know. */
export interface ImageOut {
  readonly type: "image_url";
  readonly image_url: { readonly url: string };
}

/** Images of a message; media of other kinds have no form in this format. */
export function encodeImage(media: MediaPart): ImageOut | undefined {
  if (media.modality !== Modality.IMAGE) return undefined;
  const { source } = media;
  if (source.case === "url") return { type: "image_url", image_url: { url: source.value } };
  if (source.case !== "inline") return undefined;
  return {
    type: "image_url",
    image_url: { url: `data:${media.mimeType ?? "image/png"};base64,${base64(source.value)}` },
  };
}

/** Bytes as base64. */
export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/** Whether a part is sound. */
export function isAudio(part: Part): boolean {
  return part.kind.case === "media" && part.kind.value.modality === Modality.AUDIO;
}
