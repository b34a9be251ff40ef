import { Effort, ToolMode, type ChatRequest } from "../../contract/index.ts";

// Fields that some models refuse, or accept and pass over, while they reason: whether a request asks for one. A value
// that says what its absence says asks for nothing.
const ASKED: Readonly<Record<string, (request: ChatRequest) => boolean>> = {
  tool_choice: ({ toolChoice, tools }) =>
    toolChoice !== undefined && tools.length > 0 && toolChoice.mode === ToolMode.REQUIRED,
  "output.json_object": ({ output }) => output?.format.case === "jsonObject",
  "output.json_schema": ({ output }) => output?.format.case === "jsonSchema",
  "sampling.temperature": ({ sampling }) => sampling?.temperature !== undefined && sampling.temperature !== 1,
  "sampling.top_p": ({ sampling }) => sampling?.topP !== undefined && sampling.topP !== 1,
  "sampling.frequency_penalty": ({ sampling }) => (sampling?.frequencyPenalty ?? 0) !== 0,
  "sampling.presence_penalty": ({ sampling }) => (sampling?.presencePenalty ?? 0) !== 0,
  "sampling.candidates": ({ sampling }) => (sampling?.candidates ?? 1) !== 1,
  "sampling.stop": ({ sampling }) => (sampling?.stop.length ?? 0) > 0,
  "sampling.logprobs": ({ sampling }) => sampling?.logprobs === true || (sampling?.topLogprobs ?? 0) > 0,
  "messages.prefill": ({ messages }) => messages.at(-1)?.prefill === true,
};

/** The fields of a list with commas. */
export function fieldsIn(list: string): readonly string[] {
  return list === "" ? [] : list.split(",");
}

/** Whether the switch `rejects_while_reasoning` may name the field. */
export function isFieldOfReasoning(field: string): boolean {
  return Object.hasOwn(ASKED, field);
}

/** The fields of the list that the request asks for. */
export function askedFields(request: ChatRequest, list: string): readonly string[] {
  return fieldsIn(list).filter((field) => ASKED[field]?.(request) === true);
}

/** What a request says about reasoning as such: off, on, or nothing. */
export function reasoningState({ reasoning }: ChatRequest): "off" | "on" | "unset" {
  if (!reasoning) return "unset";
  if (reasoning.enabled === false || reasoning.effort === Effort.NONE) return "off";
  const asked = reasoning.enabled === true || reasoning.effort !== Effort.UNSPECIFIED;
  return asked || reasoning.budgetTokens !== undefined ? "on" : "unset";
}

/** Whether a model that reasons when `reasons` says will reason about the request. */
export function willReason(request: ChatRequest, reasons: "asked" | "default" | "always"): boolean {
  const state = reasoningState(request);
  if (reasons === "always") return true;
  return reasons === "default" ? state !== "off" : state === "on";
}
