import { Drift, wordSet } from "../drift.ts";
import type { GenerateContentResponse } from "./wire.ts";

// Members that are documented somewhere or that recordings show. A new one is counted as drift, once per answer.
const ANSWER = wordSet(`candidates promptFeedback usageMetadata modelVersion responseId createTime turnToken modelStatus
  error`);
const CANDIDATE = wordSet(`index content finishReason finishMessage safetyRatings citationMetadata tokenCount
  groundingAttributions groundingMetadata avgLogprobs logprobsResult urlContextMetadata urlRetrievalMetadata
  continuationToken`);
const CONTENT = wordSet("role parts");
const PART = wordSet(`text inlineData fileData functionCall functionResponse executableCode codeExecutionResult toolCall
  toolResponse videoMetadata thought thoughtSignature partMetadata mediaResolution mediaProcessing speechMetadata
  audioTranscription`);
const USAGE = wordSet(`promptTokenCount cachedContentTokenCount candidatesTokenCount toolUsePromptTokenCount
  thoughtsTokenCount totalTokenCount promptTokensDetails cacheTokensDetails candidatesTokensDetails
  toolUsePromptTokensDetails thoughtsTokensDetails trafficType serviceTier billablePromptUsage
  initialPromptTokenCount`);

/** Tells of members that this codec does not know. */
export class UnknownMembers {
  readonly #drift: Drift;

  constructor(report: (path: string) => void) {
    this.#drift = new Drift(report);
  }

  check(answer: GenerateContentResponse): void {
    this.#drift.members(answer, ANSWER, "");
    this.#drift.members(answer.usageMetadata, USAGE, "usageMetadata.");
    if (!Array.isArray(answer.candidates)) return;
    for (const candidate of answer.candidates) {
      this.#drift.members(candidate, CANDIDATE, "candidates[].");
      const content = candidate?.content;
      this.#drift.members(content, CONTENT, "candidates[].content.");
      if (!Array.isArray(content?.parts)) continue;
      for (const part of content.parts) this.#drift.members(part, PART, "candidates[].content.parts[].");
    }
  }
}
