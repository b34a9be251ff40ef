/** What a limit asks its source for. */
export interface PermitDraw {
  /** What is counted together. */
  readonly account: string;
  /** Most permits in any window of `windowMs`; 0 milliseconds: most at once, each until it is given back. */
  readonly limit: number;
  readonly windowMs: number;
  /** What would be useful, and the least that is of any use; 0: what is left is counted, to record what was used already. */
  readonly wanted: number;
  readonly least: number;
}

/** What a source granted. */
export interface PermitGrant {
  /** 0, or at least what was of use. */
  readonly granted: number;
  /** Milliseconds from the answer on for which they may be used: longer would let a window have too many. 0: in this turn. */
  readonly validForMs: number;
  /** Where they were counted: goes back with what is not used. */
  readonly slot: number;
  /** What is left for everybody. */
  readonly left: number;
  /** Milliseconds until the least may be granted, as far as can be told; 0 where it was. */
  readonly retryInMs: number;
  /** Milliseconds until all is left again, if nothing comes. Unset: the length of the window. */
  readonly resetInMs?: number;
}

/** Where limits get permits. Never grants more than a limit in any window, over all replicas. */
export interface PermitSource {
  /** Answers at once where it can. */
  draw(draw: PermitDraw): PermitGrant | Promise<PermitGrant>;
  /** Permits that were not used, or whose request used less, or, of those at once, whose request is over. */
  giveBack(account: string, slot: number, count: number): void;
  /** What `draw` would say, without drawing. Unset: it cannot tell at once. */
  peek?(draw: PermitDraw): PermitGrant;
}
