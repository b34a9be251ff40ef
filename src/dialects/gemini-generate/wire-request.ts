import type { Content, JsonObject, Nullable } from "./wire-common.ts";

// The request of models/…:generateContent.

/** Body of a request. */
export interface GenerateContentRequest {
  contents: Content[];
  systemInstruction?: Nullable<Content>;
  tools?: Nullable<Tool[]>;
  toolConfig?: Nullable<ToolConfig>;
  generationConfig?: Nullable<GenerationConfig>;
  safetySettings?: Nullable<JsonObject[]>;
  /** Name of a cache resource. */
  cachedContent?: Nullable<string>;
  /** `flex`, `standard` or `priority`. */
  serviceTier?: Nullable<string>;
  /** Whether the request may be logged. */
  store?: Nullable<boolean>;
  labels?: Nullable<Record<string, string>>;
  /** Base64; the same request with it goes on where an answer stopped with `CONTINUATION`. */
  continuationToken?: Nullable<string>;
}

/** Functions, or one tool that the provider runs. */
export interface Tool {
  functionDeclarations?: Nullable<FunctionDeclaration[]>;
  googleSearch?: Nullable<JsonObject>;
  codeExecution?: Nullable<JsonObject>;
  urlContext?: Nullable<JsonObject>;
  fileSearch?: Nullable<JsonObject>;
  [other: string]: unknown;
}

/** A function that the caller runs. */
export interface FunctionDeclaration {
  name: string;
  description?: Nullable<string>;
  /** A subset of OpenAPI's schema. */
  parameters?: Nullable<JsonObject>;
  /** JSON Schema; instead of `parameters`. */
  parametersJsonSchema?: Nullable<JsonObject>;
}

/** Which tools may or must be called. */
export interface ToolConfig {
  functionCallingConfig?: Nullable<{
    mode?: Nullable<"AUTO" | "ANY" | "NONE" | "VALIDATED">;
    allowedFunctionNames?: Nullable<string[]>;
  }>;
  includeServerSideToolInvocations?: Nullable<boolean>;
}

/** How to answer. */
export interface GenerationConfig {
  candidateCount?: Nullable<number>;
  stopSequences?: Nullable<string[]>;
  /** Thoughts included. */
  maxOutputTokens?: Nullable<number>;
  temperature?: Nullable<number>;
  topP?: Nullable<number>;
  topK?: Nullable<number>;
  seed?: Nullable<number>;
  presencePenalty?: Nullable<number>;
  frequencyPenalty?: Nullable<number>;
  responseMimeType?: Nullable<string>;
  responseSchema?: Nullable<JsonObject>;
  responseJsonSchema?: Nullable<JsonObject>;
  responseLogprobs?: Nullable<boolean>;
  logprobs?: Nullable<number>;
  responseModalities?: Nullable<string[]>;
  speechConfig?: Nullable<JsonObject>;
  thinkingConfig?: Nullable<{
    includeThoughts?: Nullable<boolean>;
    /** 0: off, -1: as the model likes. */
    thinkingBudget?: Nullable<number>;
    thinkingLevel?: Nullable<string>;
  }>;
}
