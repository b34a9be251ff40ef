import type { Part, StreamEvent } from "../contract/index.ts";

/** UTF-16 units of output in an event's delta. */
export function deltaChars(event: StreamEvent): number {
  const kind = event.event;
  return kind.case === "blockDelta" && typeof kind.value.delta.value === "string" ? kind.value.delta.value.length : 0;
}

/** UTF-16 units of a part that came whole, as a unary answer's do. */
export function partChars(part: Part | undefined): number {
  switch (part?.kind.case) {
    case "text":
    case "refusal":
      return part.kind.value.text.length;
    case "reasoning":
      return [...part.kind.value.text, ...part.kind.value.summary].reduce((sum, text) => sum + text.length, 0);
    case "toolCall":
      return part.kind.value.input.value?.length ?? 0;
    default:
      return 0;
  }
}

/** About how much memory an event holds: exact where it can be large. */
export function roughBytes(event: StreamEvent): number {
  const kind = event.event;
  if (kind.case === "blockFinished") return 256 + partChars(kind.value.part);
  if (kind.case !== "blockDelta") return 256;
  const { delta } = kind.value;
  if (delta.case === "state") return 256 + (delta.value.payload.value?.length ?? 0);
  const { value } = delta;
  return 128 + (typeof value === "string" || value instanceof Uint8Array ? value.length : 0);
}
