import type { BlockDelta } from "../contract/index.ts";

/** A delta that continues a text. */
export type TextDelta = Exclude<
  BlockDelta["delta"],
  { case: "citation" | "state" | "media" | "logprobsOnly" | undefined }
>;

/** Which text a delta continues. */
export type TextDeltaName = TextDelta["case"];

/** The field of a part that a delta continues; reasoning comes in numbered pieces. */
export const TEXT_FIELDS: Readonly<Record<TextDeltaName, string>> = {
  text: "text.text",
  refusal: "refusal.text",
  reasoningText: "reasoning.text",
  reasoningSummary: "reasoning.summary",
  argumentsJson: "tool_call.arguments_json",
  toolText: "tool_call.text",
  transcript: "media.transcript",
};

const NAMES = new Map(Object.entries(TEXT_FIELDS).map(([name, field]) => [field, name as TextDeltaName]));

/** Which delta continues a field of a part, such as `reasoning.text[0]`; undefined: none does. */
export function textDeltaOf(field: string): { readonly name: TextDeltaName; readonly piece: number } | undefined {
  const [, path = "", piece = "0"] = /^([a-z_.]+)(?:\[(\d+)\])?$/.exec(field) ?? [];
  const name = NAMES.get(path);
  return name && { name, piece: Number(piece) };
}
