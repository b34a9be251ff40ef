import { clone, create } from "@bufbuild/protobuf";
import {
  Modality,
  UsageSchema,
  UsageSource,
  type ChatRequest,
  type MediaPart,
  type Part,
  type Tool,
  type Usage,
} from "../contract/index.ts";

/**
 * Characters (UTF-16 units) of delivered text per output token, when a provider tells no usage. English prose has about
 * four and code about three; three does not fall short of either. Scripts without spaces have one to two: there the
 * figure is too low, and it is flagged as an estimate like every other.
 */
const OUTPUT_CHARS_PER_TOKEN = 3;

// Bytes of input per token where a likely figure and not a bound is wanted: English has about four, code, JSON and CJK
// about three.
const LIKELY_BYTES_PER_TOKEN = 3;

// No tokenizer gets more out of a token over a whole text: prose has four to five, and words of 16 bytes are rare.
const MOST_BYTES_PER_TOKEN = 16;

// What chat templates put around a message, a part and a tool: markers of role, kind and end.
const TOKENS_PER_REQUEST = 64;
const TOKENS_PER_MESSAGE = 16;
const TOKENS_PER_PART = 8;
const TOKENS_PER_TOOL = 64;
// What providers tell a model of how to call tools or to follow a schema: up to some 800 tokens that are billed.
const TOKENS_OF_HIDDEN_PROMPT = 1_024;

/**
 * Tokens of media by what is known of it. `most` covers the dearest published rule: 48,169 tokens for an image of the
 * highest detail where small models count images dearly; 32 a second of sound at 8 kbit/s; 1 per byte of a document,
 * whose text and page images are both read. `likely` is a usual figure. `unknown` stands for what lies behind an address.
 */
const MEDIA = {
  [Modality.IMAGE]: { most: 49_152, likely: 1_500 },
  [Modality.AUDIO]: { mostPerByte: 1 / 32, likelyPerByte: 1 / 500, unknown: 120_000, likely: 2_000 },
  [Modality.VIDEO]: { mostPerByte: 1 / 32, likelyPerByte: 1 / 1_000, unknown: 1_000_000, likely: 20_000 },
  [Modality.DOCUMENT]: { mostPerByte: 1, likelyPerByte: 1 / 20, unknown: 1_000_000, likely: 10_000 },
} as const;

/** Input tokens of a request, without having read it as a tokenizer would. */
export interface InputSize {
  /** Never less than what a byte-level tokenizer makes of the text, since every token covers at least one byte. */
  readonly upperBound: number;
  /** About what it will be. */
  readonly likely: number;
  /** Surely not less, but for runs of one repeated sign: what is larger than this does not fit, whatever the tokenizer. */
  readonly least: number;
}

/** Upper bound of a request's input tokens. Cheap enough for every request: it adds up lengths. */
export function inputTokensUpperBound(request: ChatRequest): number {
  return inputSize(request).upperBound;
}

/** Bound and likely figure of a request's input tokens. */
export function inputSize(request: ChatRequest): InputSize {
  const size = { bytes: 0, untoldBytes: 0, overhead: TOKENS_PER_REQUEST, mediaMost: 0, mediaLikely: 0 };
  for (const message of request.messages) {
    size.overhead += TOKENS_PER_MESSAGE;
    size.bytes += bytesOf(message.name);
    addParts(size, message.parts);
  }
  for (const tool of request.tools) {
    size.overhead += TOKENS_PER_TOOL;
    size.bytes += toolBytes(tool);
  }
  const format = request.output?.format;
  if (format?.case === "jsonSchema") size.bytes += bytesOf(format.value.schemaJson) + bytesOf(format.value.description);
  if (format?.case === "grammar") size.bytes += bytesOf(format.value.definition);
  const certainBytes = size.bytes - size.untoldBytes;
  for (const { json } of request.rawParams) size.bytes += bytesOf(json);
  addParts(size, request.prediction);
  return {
    upperBound: Math.ceil(size.bytes + size.overhead + size.mediaMost + hiddenTokens(request)),
    likely: Math.ceil(size.bytes / LIKELY_BYTES_PER_TOKEN + size.overhead / 4 + size.mediaLikely),
    least: Math.floor(certainBytes / MOST_BYTES_PER_TOKEN),
  };
}

function hiddenTokens({ tools, output }: ChatRequest): number {
  return tools.length > 0 || output?.format.case === "jsonSchema" ? TOKENS_OF_HIDDEN_PROMPT : 0;
}

/** What is known of an attempt that ended without its final usage. */
export interface BrokenAttempt {
  /** What the provider told before the end. */
  readonly reported: Usage | undefined;
  /** UTF-16 units of text, reasoning, arguments and refusals that arrived. */
  readonly outputChars: number;
  readonly inputTokensUpperBound: number;
  /** `inputSize(request).likely`; undefined: a third of the bound. */
  readonly likelyInputTokens?: number;
}

/**
 * Usage of a cancelled or broken attempt. Final figures are kept as they are; figures of a moment before the end
 * (`PARTIAL`) are completed, output by what arrived; without any, everything is estimated (`ESTIMATED`).
 */
export function estimateUsage(attempt: BrokenAttempt): Usage {
  const { reported } = attempt;
  if (reported?.source === UsageSource.REPORTED || reported?.source === UsageSource.RECONCILED) return reported;
  const arrived = Math.ceil(attempt.outputChars / OUTPUT_CHARS_PER_TOKEN);
  const input = attempt.likelyInputTokens ?? Math.ceil(attempt.inputTokensUpperBound / LIKELY_BYTES_PER_TOKEN);
  if (!reported) {
    const source = UsageSource.ESTIMATED;
    return create(UsageSchema, { inputTokens: input, outputTokens: arrived, source, balanced: true });
  }
  const usage = clone(UsageSchema, reported);
  usage.source = UsageSource.PARTIAL;
  // The provider's sum was that of an earlier moment.
  delete usage.reportedTotalTokens;
  usage.balanced = true;
  const knowsInput =
    usage.inputTokens !== undefined || usage.cacheReadTokens !== undefined || usage.cacheWrites.length > 0;
  if (!knowsInput) usage.inputTokens = input;
  const reasoning = usage.reasoningTokens ?? 0;
  usage.outputTokens = Math.max(usage.outputTokens ?? 0, arrived - reasoning, 0);
  return usage;
}

interface SizeSoFar {
  bytes: number;
  /** Of them, those of which nobody outside the provider knows how they count. */
  untoldBytes: number;
  overhead: number;
  mediaMost: number;
  mediaLikely: number;
}

function addParts(size: SizeSoFar, parts: readonly Part[]): void {
  for (const { kind, state } of parts) {
    size.overhead += TOKENS_PER_PART;
    for (const { payload } of state) {
      size.bytes += bytesOf(payload.value);
      size.untoldBytes += bytesOf(payload.value);
    }
    switch (kind.case) {
      case "text":
      case "refusal":
        size.bytes += bytesOf(kind.value.text);
        break;
      case "reasoning":
        for (const text of kind.value.text) size.bytes += bytesOf(text);
        for (const text of kind.value.summary) size.bytes += bytesOf(text);
        break;
      case "toolCall":
        size.bytes += bytesOf(kind.value.name) + bytesOf(kind.value.callId) + bytesOf(kind.value.input.value);
        break;
      case "toolResult":
        size.bytes += bytesOf(kind.value.name) + bytesOf(kind.value.callId) + bytesOf(kind.value.nativeJson);
        addParts(size, kind.value.content);
        break;
      case "searchResult":
        size.bytes += bytesOf(kind.value.source) + bytesOf(kind.value.title);
        addParts(size, kind.value.content);
        break;
      case "opaque":
        size.bytes += bytesOf(kind.value.json);
        size.untoldBytes += bytesOf(kind.value.json);
        break;
      case "media":
        addMedia(size, kind.value);
        break;
      default:
        break;
    }
  }
}

function addMedia(size: SizeSoFar, media: MediaPart): void {
  size.bytes += bytesOf(media.filename) + bytesOf(media.title);
  if (media.source.case === "text") {
    size.bytes += bytesOf(media.source.value);
    return;
  }
  const rule = MEDIA[media.modality as keyof typeof MEDIA] ?? MEDIA[Modality.DOCUMENT];
  const bytes = media.source.case === "inline" ? media.source.value.length : undefined;
  if (!("mostPerByte" in rule)) {
    size.mediaMost += rule.most;
    size.mediaLikely += rule.likely;
  } else {
    size.mediaMost += bytes === undefined ? rule.unknown : bytes * rule.mostPerByte;
    size.mediaLikely += bytes === undefined ? rule.likely : bytes * rule.likelyPerByte;
  }
}

function toolBytes({ kind }: Tool): number {
  switch (kind.case) {
    case "function":
      return bytesOf(kind.value.name) + bytesOf(kind.value.description) + bytesOf(kind.value.parametersJson);
    case "custom":
      return bytesOf(kind.value.name) + bytesOf(kind.value.description) + bytesOf(kind.value.grammar?.definition);
    case "native":
      return bytesOf(kind.value.definitionJson);
    default:
      return 0;
  }
}

function bytesOf(value: string | Uint8Array | undefined): number {
  if (value === undefined) return 0;
  return typeof value === "string" ? Buffer.byteLength(value) : value.length;
}
