import type { StreamEvent } from "../../contract/index.ts";
import type { EventSink } from "../../pipeline/call.ts";

interface Batch {
  readonly events: readonly StreamEvent[];
  readonly bytes: number;
}

/** Between the pipeline, which pushes events, and a caller who pulls them: a queue with a bound on its bytes. */
export class StreamSink implements EventSink {
  onDrain: (() => void) | undefined;
  readonly #highBytes: number;
  readonly #queue: Batch[] = [];
  #bytes = 0;
  #full = false;
  #closed = false;
  #wake: (() => void) | undefined;

  /** `highBytes`: above it `write` asks the pipeline to pause; at half of it the pipeline may go on. */
  constructor(highBytes: number) {
    this.#highBytes = highBytes;
  }

  write(events: StreamEvent[]): boolean {
    if (this.#closed) return true;
    const bytes = events.reduce((sum, event) => sum + approximateBytes(event), 0);
    this.#queue.push({ events, bytes });
    this.#bytes += bytes;
    this.wake();
    if (this.#bytes > this.#highBytes) this.#full = true;
    return !this.#full;
  }

  /** Everything in order, until `isOver` says that nothing more comes and the queue is empty. */
  async *events(isOver: () => boolean): AsyncGenerator<StreamEvent, void, undefined> {
    try {
      for (;;) {
        const batch = this.#queue.shift();
        if (batch) {
          yield* batch.events;
          this.#taken(batch.bytes);
        } else if (isOver()) return;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      this.#closed = true;
      this.#queue.length = 0;
    }
  }

  /** Looks again whether there is something to take, or whether all is over. */
  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  #taken(bytes: number): void {
    this.#bytes -= bytes;
    if (!this.#full || this.#bytes > this.#highBytes / 2) return;
    this.#full = false;
    this.onDrain?.();
  }
}

const SMALL_EVENT_BYTES = 128;

// Exact sizes would cost an encoding; what can be large is text and media, and both tell their length.
function approximateBytes({ event }: StreamEvent): number {
  switch (event.case) {
    case "blockDelta": {
      const { value } = event.value.delta;
      return SMALL_EVENT_BYTES + (typeof value === "string" || value instanceof Uint8Array ? value.length : 0);
    }
    case "blockFinished": {
      const kind = event.value.part?.kind;
      if (kind?.case === "text" || kind?.case === "refusal") return SMALL_EVENT_BYTES + kind.value.text.length;
      if (kind?.case === "toolCall") return SMALL_EVENT_BYTES + (kind.value.input.value?.length ?? 0);
      if (kind?.case === "media" && kind.value.source.case === "inline")
        return SMALL_EVENT_BYTES + kind.value.source.value.length;
      return SMALL_EVENT_BYTES;
    }
    default:
      return SMALL_EVENT_BYTES;
  }
}
