/** What came back through a door, reduced to what every door can tell. */
export interface Outcome {
  /** `completed`, or the reason of the failure. */
  readonly end: string;
  readonly text: string;
  readonly reasoning: string;
  readonly refusal: string;
  readonly calls: readonly { readonly name: string; readonly arguments: string }[];
  readonly finish: string;
  readonly provider: string;
  readonly model: string;
  readonly attempts: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** How many terminals the stream had; 1 for unary answers. */
  readonly terminals: number;
  /** Whether content came before a failure. */
  readonly contentSeen: boolean;
  /** What a stream said of attempts that took over, in order: `reset`, or `continued` and by whom. */
  readonly marks: readonly string[];
}

/** Nothing came back. */
export const EMPTY: Outcome = {
  end: "",
  text: "",
  reasoning: "",
  refusal: "",
  calls: [],
  finish: "",
  provider: "",
  model: "",
  attempts: 0,
  inputTokens: 0,
  outputTokens: 0,
  terminals: 0,
  contentSeen: false,
  marks: [],
};
