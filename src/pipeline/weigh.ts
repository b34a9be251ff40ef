import type { Part, StreamEvent, Usage } from "../contract/index.ts";

/** What an attempt has produced, whether or not the caller sees it. */
export class Produced {
  #sawDeltas = false;
  /** Usage it has reported so far. */
  usage: Usage | undefined;
  /** UTF-16 units of output. */
  outputChars = 0;
  /** Whether a tool call was written whose arguments are no JSON. */
  brokenCall = false;

  /** Counts an event. */
  add(event: StreamEvent): void {
    const kind = event.event;
    if (kind.case === "blockDelta") {
      this.#sawDeltas = true;
      this.outputChars += deltaChars(event);
    } else if (kind.case === "blockFinished") {
      const { part } = kind.value;
      if (!this.#sawDeltas) this.outputChars += partChars(part);
      if (part?.kind.case === "toolCall") this.brokenCall ||= part.kind.value.argumentsInvalid;
    } else if (kind.case === "usageUpdated") this.usage = kind.value.usage;
    else if (kind.case === "completed" && kind.value.usage) this.usage = kind.value.usage;
  }
}

/** UTF-16 units of output in an event's delta. */
function deltaChars(event: StreamEvent): number {
  const kind = event.event;
  return kind.case === "blockDelta" && typeof kind.value.delta.value === "string" ? kind.value.delta.value.length : 0;
}

/** UTF-16 units of a part that came whole, as a unary answer's do. */
function partChars(part: Part | undefined): number {
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
