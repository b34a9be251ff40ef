import {
  EventGrammar,
  type Adaptation,
  type Completed,
  type Delivery as DeliveryMode,
  type Origin,
  type Part,
  type StreamEvent,
} from "../contract/index.ts";
import type { TakeOver } from "./take-over.ts";
import { Produced } from "./weigh.ts";

/** What the gateway knows of an answer that its codec does not. */
export interface AnswerFacts {
  readonly requestId: string;
  /** From 1. */
  readonly attempt: number;
  readonly origin: Origin;
  readonly createdAtMs: number;
  readonly adaptations: readonly Adaptation[];
  /** What the caller is to get when an upstream breaks; never unspecified. */
  readonly mode: DeliveryMode;
}

/** What an attempt does with its answer besides delivering it. */
export interface AnswerHooks {
  /** Completes the terminal of the answer: figures, cost, attempts. */
  readonly close: (completed: Completed) => void;
  /** Hears once of the first content, or of the end of an answer without any, before the caller has any of it. */
  readonly onContent?: (() => void) | undefined;
}

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

  constructor(facts: AnswerFacts, hooks: AnswerHooks, takeOver: TakeOver | undefined) {
    this.facts = facts;
    this.hooks = hooks;
    this.takeOver = takeOver;
  }

  /** Whether its events go out as they come. */
  get flowing(): boolean {
    return this.held === undefined;
  }
}
