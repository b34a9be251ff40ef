import { EventGrammar, type Part, type StreamEvent } from "../contract/index.ts";
import type { AnswerFacts, AnswerHooks } from "./answer-facts.ts";
import { FilterGate } from "./filter-gate.ts";
import type { Filtered } from "./filter.ts";
import type { TakeOver } from "./take-over.ts";
import { Produced } from "./weigh.ts";

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
}
