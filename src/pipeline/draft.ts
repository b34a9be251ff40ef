import { Delivery as DeliveryMode, EventGrammar, type Part, type StreamEvent } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { AnswerFacts, AnswerHooks, DeliveryLimits } from "./answer-facts.ts";
import { FilterGate } from "./filter-gate.ts";
import type { Filtered } from "./filter.ts";
import type { MemoryPort } from "./parts.ts";
import type { TakeOver } from "./take-over.ts";
import { Produced, roughBytes } from "./weigh.ts";

/** What one attempt has said so far: held back until its first content, and nobody's before that. */
export class Draft {
  readonly facts: AnswerFacts;
  readonly hooks: AnswerHooks;
  readonly takeOver: TakeOver | undefined;
  readonly grammar = new EventGrammar();
  /** What it has produced, for its books. */
  readonly produced = new Produced();
  /** The parts of the first answer that are whole so far. */
  readonly finishedParts: Part[] = [];
  /** Events that the caller has not had yet; undefined: they go out as they come. */
  held: StreamEvent[] | undefined = [];
  heldBytes = 0;
  /** Of them, those that are taken from the memory of all requests. */
  takenBytes = 0;
  hasContent = false;
  /** The model version that the target says it serves. */
  servedModel: string | undefined;

  /** Where the caller's content rules stand; undefined: it has none. */
  readonly gate: FilterGate | undefined;
  /** Whether the caller could take more when something of it was last delivered. */
  writable = true;

  /** `deliver` is handed what the caller's content rules have let pass; it throws what they end the answer with. */
  constructor(
    facts: AnswerFacts,
    hooks: AnswerHooks,
    takeOver: TakeOver | undefined,
    deliver: (draft: Draft, filtered: Filtered) => void,
  ) {
    this.facts = facts;
    this.hooks = hooks;
    this.takeOver = takeOver;
    this.gate = facts.filter && new FilterGate(facts.filter, (filtered) => deliver(this, filtered));
  }

  /** Whether its events go out as they come. */
  get flowing(): boolean {
    return this.held === undefined;
  }

  /** It has content, or has ended without any: whoever runs beside it has lost. */
  noteContent(): void {
    if (this.hasContent) return;
    this.hasContent = true;
    this.hooks.onContent?.();
  }

  /**
   * Holds events back. Returns whether they have become more than may wait for content. Throws `PROVIDER_BAD_OUTPUT` or
   * `GATEWAY_OVERLOADED` where an answer that must be whole first is too large to be held.
   */
  holdBack(events: readonly StreamEvent[], limits: DeliveryLimits, memory: MemoryPort): boolean {
    const held = (this.held ??= []);
    held.push(...events);
    const bytes = events.reduce((sum, event) => sum + roughBytes(event), 0);
    this.heldBytes += bytes;
    const { startupEvents, startupBytes, upstreamResponseBytes } = limits;
    if (this.facts.mode !== DeliveryMode.HOLD) return held.length > startupEvents || this.heldBytes > startupBytes;
    if (this.heldBytes > upstreamResponseBytes) {
      const message = `Cannot hold the answer until it is whole: it is larger than ${upstreamResponseBytes} bytes`;
      throw new ParleyError("PROVIDER_BAD_OUTPUT", message);
    }
    // What waits for the end of its answer is as large as the answer: it counts like requests do.
    if (!memory.tryTake(bytes)) {
      throw new ParleyError(
        "GATEWAY_OVERLOADED",
        "Cannot hold the answer until it is whole: the gateway's memory for requests in flight is used up",
      );
    }
    this.takenBytes += bytes;
    return false;
  }

  /** Gives the memory back that it took. */
  giveBack(memory: MemoryPort): void {
    memory.give(this.takenBytes);
    this.takenBytes = 0;
  }
}
