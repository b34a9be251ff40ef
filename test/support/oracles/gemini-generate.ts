import { ApiError, GoogleGenAI, type GenerateContentParameters, type GenerateContentResponse } from "@google/genai";
import { geminiGenerate } from "../../../src/dialects/gemini-generate/index.ts";
import type { CandidateReading, Oracle, Reading, Wire } from "./oracle.ts";

/** `@google/genai`, against the Gemini API or Vertex AI. */
export const geminiGenerateOracle: Oracle = {
  name: "@google/genai models.generateContent",
  apis: ["gemini.generateContent"],
  goldens: "gemini",
  adds: { generationConfig: {} },
  dialect: geminiGenerate,
  smallestBody: { contents: [{ role: "user", parts: [{ text: "Hi" }] }] },
  async call(url, body, { stream, model, provider }) {
    const httpOptions = { baseUrl: url, apiVersion: "v1beta" };
    const client = new GoogleGenAI({ apiKey: "key", vertexai: provider === "vertexai", httpOptions });
    const params = parametersOf(body, model);
    if (!stream) return readingOf([await client.models.generateContent(params)]);
    const answers: GenerateContentResponse[] = [];
    for await (const answer of await client.models.generateContentStream(params)) answers.push(answer);
    return readingOf(answers);
  },
  statusOf: (thrown) => (thrown instanceof ApiError ? thrown.status : undefined),
};

// The client takes in one `config` what the wire has beside the contents and in `generationConfig`.
function parametersOf(body: Wire, model: string): GenerateContentParameters {
  const { contents, generationConfig, ...rest } = body;
  return { model, contents: contents as never, config: { ...generationConfig, ...rest } };
}

function readingOf(answers: readonly GenerateContentResponse[]): Reading {
  const pieces = answers.flatMap(({ candidates }) => candidates ?? []);
  const indexes = [...new Set(pieces.map(({ index }) => index ?? 0))].toSorted((a, b) => a - b);
  const usage = answers.at(-1)?.usageMetadata;
  const reasoning = usage?.thoughtsTokenCount ?? 0;
  return {
    candidates: indexes.map((index) => candidateOf(pieces.filter((piece) => (piece.index ?? 0) === index))),
    usage:
      usage?.totalTokenCount === undefined
        ? undefined
        : {
            input: (usage.promptTokenCount ?? 0) + (usage.toolUsePromptTokenCount ?? 0),
            cacheRead: usage.cachedContentTokenCount ?? 0,
            output: (usage.candidatesTokenCount ?? 0) + reasoning,
            reasoning,
          },
  };
}

function candidateOf(pieces: NonNullable<GenerateContentResponse["candidates"]>): CandidateReading {
  const parts = pieces.flatMap(({ content }) => content?.parts ?? []);
  return {
    text: parts.map(({ text, thought }) => (thought ? "" : (text ?? ""))).join(""),
    refusal: "",
    reasoning: parts.map(({ text, thought }) => (thought ? (text ?? "") : "")).join(""),
    calls: parts.flatMap(({ functionCall: call }) =>
      call ? [{ name: call.name ?? "", input: call.args ? JSON.stringify(call.args) : "" }] : [],
    ),
    finish: pieces.map(({ finishReason }) => finishReason).findLast(Boolean) ?? "",
  };
}
