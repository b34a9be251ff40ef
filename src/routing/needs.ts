import type { Capability } from "../catalog/facts.ts";
import { Effort, Modality, type ChatRequest, type Part } from "../contract/index.ts";

const INPUTS = new Map<Modality, Capability>([
  [Modality.IMAGE, "image_input"],
  [Modality.AUDIO, "audio_input"],
  [Modality.VIDEO, "video_input"],
  [Modality.DOCUMENT, "document_input"],
]);

/** The capabilities that a request's binding fields ask for, each once: what a person wants to know of a decision. */
export function needsOf(request: ChatRequest): Capability[] {
  const needs = new Set<Capability>();
  for (const message of request.messages) {
    addParts(needs, message.parts);
    if (message.prefill === true) needs.add("prefill");
  }
  for (const { kind } of request.tools) {
    if (kind.case === "function") needs.add("tools");
    if (kind.case === "custom") needs.add("custom_tools");
  }
  const format = request.output?.format.case;
  if (format === "jsonObject") needs.add("json_object");
  if (format === "jsonSchema") needs.add("json_schema");
  if (format === "grammar") needs.add("grammar");
  const { reasoning, sampling } = request;
  if (reasoning?.enabled === true || (reasoning && reasoning.effort > Effort.NONE)) needs.add("reasoning");
  if (reasoning?.budgetTokens !== undefined) needs.add("reasoning_budget");
  if (sampling?.topK !== undefined) needs.add("top_k");
  if (sampling?.minP !== undefined) needs.add("min_p");
  if (sampling?.logprobs === true) needs.add("logprobs");
  if (sampling && sampling.stop.length > 0) needs.add("stop");
  if (sampling?.candidates !== undefined && sampling.candidates > 1) needs.add("candidates");
  return [...needs];
}

function addParts(needs: Set<Capability>, parts: readonly Part[]): void {
  for (const { kind } of parts) {
    if (kind.case === "toolResult") addParts(needs, kind.value.content);
    if (kind.case !== "media") continue;
    const need = INPUTS.get(kind.value.modality);
    if (need) needs.add(need);
  }
}
