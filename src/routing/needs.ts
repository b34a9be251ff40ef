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
  const needs: Capability[] = [];
  for (const message of request.messages) {
    addParts(needs, message.parts);
    if (message.prefill === true) add(needs, "prefill");
  }
  for (const { kind } of request.tools) {
    if (kind.case === "function") add(needs, "tools");
    if (kind.case === "custom") add(needs, "custom_tools");
  }
  const format = request.output?.format.case;
  if (format === "jsonObject") needs.push("json_object");
  if (format === "jsonSchema") needs.push("json_schema");
  if (format === "grammar") needs.push("grammar");
  const { reasoning, sampling } = request;
  if (reasoning?.enabled === true || (reasoning && reasoning.effort > Effort.NONE)) needs.push("reasoning");
  if (reasoning?.budgetTokens !== undefined) needs.push("reasoning_budget");
  if (sampling?.topK !== undefined) needs.push("top_k");
  if (sampling?.minP !== undefined) needs.push("min_p");
  if (sampling?.logprobs === true) needs.push("logprobs");
  if (sampling && sampling.stop.length > 0) needs.push("stop");
  if (sampling?.candidates !== undefined && sampling.candidates > 1) needs.push("candidates");
  return needs;
}

function add(needs: Capability[], need: Capability): void {
  if (!needs.includes(need)) needs.push(need);
}

function addParts(needs: Capability[], parts: readonly Part[]): void {
  for (const { kind } of parts) {
    if (kind.case === "toolResult") addParts(needs, kind.value.content);
    if (kind.case !== "media") continue;
    const need = INPUTS.get(kind.value.modality);
    if (need) add(needs, need);
  }
}
