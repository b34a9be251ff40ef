import { ResponseFold, type ChatResponse, type StreamEvent } from "../../contract/index.ts";
import type { EventSink } from "../../pipeline/call.ts";

/** Folds an answer's events into the whole answer. */
export class UnarySink implements EventSink {
  onDrain: (() => void) | undefined;
  readonly #fold = new ResponseFold();

  write(events: StreamEvent[]): boolean {
    for (const event of events) this.#fold.add(event);
    return true;
  }

  /** The whole answer, once the pipeline has said that it is complete. */
  response(): ChatResponse {
    return this.#fold.response();
  }
}
