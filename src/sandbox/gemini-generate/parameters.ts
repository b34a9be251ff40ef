import { anything, decimal, flag, list, object, type Shape, text, whole, word } from "../shape.ts";

// Which parameters the API has, and what each must look like. Source: https://ai.google.dev/api/generate-content,
// checked 2026-11.

const blob = object({ mimeType: text, data: text, displayName: text }, "mimeType", "data");
const fileData = object({ mimeType: text, fileUri: text, displayName: text }, "fileUri");

/** Members of a part that hold its data; each part has one of them. */
export const DATA_MEMBERS = [
  "text",
  "inlineData",
  "fileData",
  "functionCall",
  "functionResponse",
  "executableCode",
  "codeExecutionResult",
  "toolCall",
  "toolResponse",
] as const;

const part = object({
  text,
  inlineData: blob,
  fileData,
  functionCall: object({ id: text, name: text, args: object() }, "name"),
  functionResponse: object(
    { id: text, name: text, response: object(), parts: list(object({ inlineData: blob, fileData })), scheduling: text },
    "name",
    "response",
  ),
  executableCode: object(),
  codeExecutionResult: object(),
  toolCall: object(),
  toolResponse: object(),
  thought: flag,
  thoughtSignature: text,
  videoMetadata: object(),
  partMetadata: object(),
  mediaResolution: anything,
});

const content = object({ role: text, parts: list(part) });

const declaration = object(
  {
    name: text,
    description: text,
    parameters: object(),
    parametersJsonSchema: object(),
    response: object(),
    responseJsonSchema: object(),
    behavior: text,
  },
  "name",
);

const tool = object({
  functionDeclarations: list(declaration, 512),
  googleSearch: object(),
  googleSearchRetrieval: object(),
  googleMaps: object(),
  codeExecution: object(),
  urlContext: object(),
  fileSearch: object(),
  computerUse: object(),
});

const generationConfig = object({
  candidateCount: whole(1, 8),
  stopSequences: list(text, 5),
  maxOutputTokens: whole(1, 2_147_483_647),
  temperature: decimal(0, 2),
  topP: decimal(0, 1),
  topK: whole(1, 2_147_483_647),
  seed: whole(-2_147_483_648, 2_147_483_647),
  presencePenalty: decimal(-2, 2),
  frequencyPenalty: decimal(-2, 2),
  responseMimeType: word("text/plain", "application/json", "text/x.enum"),
  responseSchema: object(),
  responseJsonSchema: anything,
  responseLogprobs: flag,
  logprobs: whole(0, 20),
  responseModalities: list(text),
  speechConfig: object(),
  imageConfig: object(),
  mediaResolution: text,
  enableEnhancedCivicAnswers: flag,
  thinkingConfig: object({
    includeThoughts: flag,
    thinkingBudget: whole(-1, 65_536),
    thinkingLevel: word(
      "THINKING_LEVEL_UNSPECIFIED",
      "MINIMAL",
      "LOW",
      "MEDIUM",
      "HIGH",
      "minimal",
      "low",
      "medium",
      "high",
    ),
  }),
});

/** The body of a request. */
export const request: Shape = object(
  {
    model: text,
    contents: list(content),
    systemInstruction: content,
    tools: list(tool),
    toolConfig: object({
      functionCallingConfig: object({
        mode: word("MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"),
        allowedFunctionNames: list(text),
      }),
      retrievalConfig: object(),
      includeServerSideToolInvocations: flag,
    }),
    generationConfig,
    safetySettings: list(object()),
    cachedContent: text,
    serviceTier: text,
    store: flag,
  },
  "contents",
);
