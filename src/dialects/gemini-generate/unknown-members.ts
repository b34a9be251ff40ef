import { words } from "./words.ts";
import type { GenerateContentResponse } from "./wire.ts";

// Members that are documented somewhere or that recordings show. A new one is counted as drift, once per answer.
const ANSWER = words(`candidates promptFeedback usageMetadata modelVersion responseId createTime turnToken modelStatus
  error`);
const CANDIDATE = words(`index content finishReason finishMessage safetyRatings citationMetadata tokenCount
  groundingAttributions groundingMetadata avgLogprobs logprobsResult urlContextMetadata urlRetrievalMetadata
  continuationToken`);
const CONTENT = words("role parts");
const PART = words(`text inlineData fileData functionCall functionResponse executableCode codeExecutionResult toolCall
  toolResponse videoMetadata thought thoughtSignature partMetadata mediaResolution mediaProcessing speechMetadata
  audioTranscription`);
const USAGE = words(`promptTokenCount cachedContentTokenCount candidatesTokenCount toolUsePromptTokenCount
  thoughtsTokenCount totalTokenCount promptTokensDetails cacheTokensDetails candidatesTokensDetails
  toolUsePromptTokensDetails thoughtsTokensDetails trafficType serviceTier billablePromptUsage
  initialPromptTokenCount`);

const MAX_REPORTS = 32;

/** Tells of members that this codec does not know. */
export class UnknownMembers {
  readonly #report: (path: string) => void;
  readonly #reported = new Set<string>();

  constructor(report: (path: string) => void) {
    this.#report = report;
  }

  check(answer: GenerateContentResponse): void {
    this.#checkObject(answer, ANSWER, "");
    this.#checkObject(answer.usageMetadata, USAGE, "usageMetadata.");
    if (!Array.isArray(answer.candidates)) return;
    for (const candidate of answer.candidates) {
      this.#checkObject(candidate, CANDIDATE, "candidates[].");
      const content = candidate?.content;
      this.#checkObject(content, CONTENT, "candidates[].content.");
      if (!Array.isArray(content?.parts)) continue;
      for (const part of content.parts) this.#checkObject(part, PART, "candidates[].content.parts[].");
    }
  }

  #checkObject(value: unknown, known: ReadonlySet<string>, prefix: string): void {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return;
    for (const member in value) {
      if (known.has(member) || this.#reported.size >= MAX_REPORTS) continue;
      const path = prefix + member.slice(0, 64);
      if (this.#reported.has(path)) continue;
      this.#reported.add(path);
      this.#report(path);
    }
  }
}
