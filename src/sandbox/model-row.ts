import type { Answer } from "./answer.ts";
import type { Ask } from "./ask.ts";
import type { Exchange } from "./exchange.ts";
import type { Settings } from "./model-name.ts";
import type { Step } from "./steps.ts";

/** One model of the sandbox: what it does, in words and in deeds. */
export interface ModelRow {
  readonly name: string;
  readonly group: "answer" | "fault";
  /** What it is, in a sentence. */
  readonly summary: string;
  /** What a unary request sees, and a streamed one. */
  readonly unary: string;
  readonly stream: string;
  /** What one attempt should come to, in the eyes of a gateway with default settings. */
  readonly expected: { readonly unary: ExpectedOutcome; readonly stream: ExpectedOutcome };
  /** Where a wire format says it in a way that comes to something else, by its id. */
  readonly unlike?: Deviations;
  /** Settings that its suffix may hold, beyond those that all models of its group have, with their defaults. */
  readonly settings: Partial<Settings>;
  /** What it says. Faults without it break the answer of the model named by the setting `answer`. */
  readonly answer?: (question: Question) => Answer;
  /** What it does on the wire. */
  readonly play: (exchange: Exchange) => Iterable<Step>;
}

/** By the id of a wire format: what an attempt comes to there instead. */
export type Deviations = Readonly<Record<string, Partial<ModelRow["expected"]>>>;

/** What an answer is made from. */
export interface Question {
  readonly ask: Ask;
  readonly settings: Settings;
  /** 24 hexadecimal characters, unique. */
  readonly newId: () => string;
}

/** What one attempt should come to. */
export interface ExpectedOutcome {
  /**
   * `answer`: whole and good. `fails_before_content`: a typed failure, and another target can rescue the request.
   * `fails_after_content`: content was delivered before the failure showed. `caller_error`: a typed failure that no other
   * target is asked to hide (a larger context window apart). `answer_or_failure`: both are honest.
   */
  readonly class: "answer" | "fails_before_content" | "fails_after_content" | "caller_error" | "answer_or_failure";
  /** Error reason of the attempt, as a name of the gateway's error catalogue. */
  readonly reason?: string;
}

/** A row for those who only read: documentation, model lists, tests. */
export interface SandboxModel {
  /** Model id at the upstream. */
  readonly name: string;
  readonly group: "answer" | "fault";
  readonly summary: string;
  readonly unary: string;
  readonly stream: string;
  /** Whether a single attempt gets a good answer. */
  readonly answersWell: { readonly unary: boolean; readonly stream: boolean };
  readonly expected: ModelRow["expected"];
  /** Where that differs, by wire format. */
  readonly unlike: Deviations;
  /** Every setting that its suffix may hold, and the default; undefined: off. */
  readonly settings: Partial<Settings>;
}

/** The outcome of a model that answers well. */
export const ANSWER: ExpectedOutcome = { class: "answer" };

/** The same outcome for unary and streamed requests. */
export function both(outcome: ExpectedOutcome): ModelRow["expected"] {
  return { unary: outcome, stream: outcome };
}

/** Another target can rescue it. */
export function before(reason: string): ExpectedOutcome {
  return { class: "fails_before_content", reason };
}

/** Content was delivered before the failure showed. */
export function after(reason: string): ExpectedOutcome {
  return { class: "fails_after_content", reason };
}

/** The request is at fault, or its refusal must stand. */
export function callerError(reason: string): ExpectedOutcome {
  return { class: "caller_error", reason };
}
