import { ReasoningVisibility, type OpaqueState, type Part, type ReasoningPart } from "../../contract/index.ts";
import { isCallersCall } from "./encode-parts.ts";

/** A piece of `reasoning_details`, as OpenRouter has them, with what replaying it needs. */
export type ReasoningDetailOut = Record<string, unknown>;

/** Between pieces of reasoning in `reasoning_content`, which has no order or parts of its own. */
export const PIECE_SEPARATOR = "\n\n";

/** Reasoning as one text; empty where only state is left. */
export function reasoningText(reasoning: ReasoningPart): string {
  return [...reasoning.text, ...reasoning.summary].filter((piece) => piece !== "").join(PIECE_SEPARATOR);
}

// Calls that the provider ran are not in the message, so that nothing could be attached to them when it comes back.
function ownerOf(part: Part): string | undefined {
  if (part.kind.case === "text") return "content";
  return part.kind.case === "toolCall" && isCallersCall(part.kind.value) ? part.kind.value.callId : undefined;
}

/**
 * Numbers the pieces of one message's `reasoning_details`. They are sent only for what `reasoning_content` cannot carry:
 * state, summaries, several pieces. Sent back unchanged they become the same parts again.
 */
export class DetailEncoder {
  #part = 0;
  #index = 0;

  /** The pieces of a part: of reasoning, or of another part that has state. Empty: nothing needs them. */
  encode(part: Part): ReasoningDetailOut[] {
    if (part.kind.case === "reasoning") return this.#reasoning(part, part.kind.value);
    if (part.state.length === 0) return [];
    const owner = ownerOf(part);
    if (owner === undefined) return [];
    return part.state.map((state) => ({ ...this.#state(state), attached_to: owner }));
  }

  #reasoning(part: Part, reasoning: ReasoningPart): ReasoningDetailOut[] {
    const { text, summary } = reasoning;
    const isPlain = text.length <= 1 && summary.length === 0 && part.state.length === 0 && part.id === undefined;
    if (isPlain && reasoning.visibility !== ReasoningVisibility.REDACTED) return [];
    const common = { part: this.#part++, ...(part.id === undefined ? {} : { id: part.id }) };
    return [
      ...text.map((piece) => ({ type: "reasoning.text", text: piece, index: this.#index++, ...common })),
      ...summary.map((piece) => ({ type: "reasoning.summary", summary: piece, index: this.#index++, ...common })),
      ...part.state.map((state) => ({ ...this.#state(state), ...common })),
    ];
  }

  #state(state: OpaqueState): ReasoningDetailOut {
    const { origin, payload, format } = state;
    const data =
      payload.case === "raw"
        ? { data: Buffer.from(payload.value).toString("base64"), encoding: "base64" }
        : { data: payload.value ?? "" };
    return {
      type: "reasoning.encrypted",
      ...data,
      format,
      index: this.#index++,
      ...(origin ? { origin: { provider: origin.provider, dialect: origin.dialect, model: origin.model } } : {}),
    };
  }
}
