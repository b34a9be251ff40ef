import type { Content, JsonObject, JsonValue, Nullable } from "./wire-common.ts";

// What models/…:generateContent answers: whole, or one of these per event of a stream.

/** A whole answer, or what one event adds to it. */
export interface GenerateContentResponse {
  candidates?: Nullable<Candidate[]>;
  /** Why the prompt was refused, instead of candidates. */
  promptFeedback?: Nullable<{
    blockReason?: Nullable<string>;
    blockReasonMessage?: Nullable<string>;
    safetyRatings?: Nullable<SafetyRating[]>;
  }>;
  /** Cumulative. */
  usageMetadata?: Nullable<UsageMetadata>;
  modelVersion?: Nullable<string>;
  responseId?: Nullable<string>;
  /** In a 200: the call failed after all. */
  error?: Nullable<ErrorObject>;
}

/** One answer of several. */
export interface Candidate {
  /** 0 where it is missing. */
  index?: Nullable<number>;
  content?: Nullable<Content>;
  finishReason?: Nullable<string | number>;
  finishMessage?: Nullable<string>;
  safetyRatings?: Nullable<SafetyRating[]>;
  citationMetadata?: Nullable<{ citationSources?: Nullable<CitationSource[]>; citations?: Nullable<CitationSource[]> }>;
  groundingMetadata?: Nullable<GroundingMetadata>;
  urlContextMetadata?: Nullable<JsonObject>;
  logprobsResult?: Nullable<LogprobsResult>;
  /** Base64; with the finish reason `CONTINUATION`. */
  continuationToken?: Nullable<string>;
}

/** What a filter thought of one category. */
export interface SafetyRating {
  category?: Nullable<string | number>;
  probability?: Nullable<string | number>;
  blocked?: Nullable<boolean>;
}

/** Protected text that the answer recites. Offsets count UTF-8 bytes of the answer. */
export interface CitationSource {
  startIndex?: Nullable<number>;
  endIndex?: Nullable<number>;
  uri?: Nullable<string>;
  title?: Nullable<string>;
  license?: Nullable<string>;
}

/** Where an answer's statements come from. */
export interface GroundingMetadata {
  groundingChunks?: Nullable<GroundingChunk[]>;
  groundingSupports?: Nullable<GroundingSupport[]>;
  webSearchQueries?: Nullable<string[]>;
  /** HTML that applications have to show. */
  searchEntryPoint?: Nullable<JsonObject>;
}

/** A source: a page, a document or a place. */
export interface GroundingChunk {
  web?: Nullable<GroundingSource>;
  retrievedContext?: Nullable<GroundingSource>;
  maps?: Nullable<GroundingSource>;
  image?: Nullable<GroundingSource>;
}

/** What is told of a source. */
export interface GroundingSource {
  uri?: Nullable<string>;
  sourceUri?: Nullable<string>;
  title?: Nullable<string>;
  text?: Nullable<string>;
}

/** A statement and its sources. */
export interface GroundingSupport {
  segment?: Nullable<Segment>;
  groundingChunkIndices?: Nullable<number[]>;
}

/** A stretch of a part's text. Offsets count UTF-8 bytes; a missing start is 0. */
export interface Segment {
  partIndex?: Nullable<number>;
  startIndex?: Nullable<number>;
  endIndex?: Nullable<number>;
  text?: Nullable<string>;
}

/** Log probabilities of an answer's tokens. */
export interface LogprobsResult {
  chosenCandidates?: Nullable<LogprobEntry[]>;
  topCandidates?: Nullable<{ candidates?: Nullable<LogprobEntry[]> }[]>;
}

/** A token with its log probability. */
export interface LogprobEntry {
  token?: Nullable<string>;
  tokenId?: Nullable<number>;
  logProbability?: Nullable<number>;
}

/** Tokens used. The prompt includes cached tokens; candidates exclude thoughts. */
export interface UsageMetadata {
  promptTokenCount?: Nullable<number>;
  cachedContentTokenCount?: Nullable<number>;
  candidatesTokenCount?: Nullable<number>;
  toolUsePromptTokenCount?: Nullable<number>;
  thoughtsTokenCount?: Nullable<number>;
  /** Prompt, tool use, candidates and thoughts. */
  totalTokenCount?: Nullable<number>;
  promptTokensDetails?: Nullable<ModalityTokenCount[]>;
  candidatesTokensDetails?: Nullable<ModalityTokenCount[]>;
  toolUsePromptTokensDetails?: Nullable<ModalityTokenCount[]>;
  /** The tier that served the answer. */
  serviceTier?: Nullable<string>;
  /** Vertex: how the answer was paid for. */
  trafficType?: Nullable<string>;
}

/** Tokens of one modality. */
export interface ModalityTokenCount {
  modality?: Nullable<string | number>;
  tokenCount?: Nullable<number>;
}

/** What went wrong: `google.rpc.Status`. */
export interface ErrorObject {
  /** The HTTP status. */
  code?: Nullable<number>;
  message?: Nullable<string>;
  /** The status's name, for example `RESOURCE_EXHAUSTED`. */
  status?: Nullable<string>;
  /** `google.rpc.ErrorInfo`, `RetryInfo`, `QuotaFailure`, `BadRequest` and others. */
  details?: Nullable<JsonValue[]>;
}
