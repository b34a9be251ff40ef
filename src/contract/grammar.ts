import type { StreamEvent } from "./gen/parley/v1/stream_pb.ts";

interface CandidateState {
  /** For each block that has started, whether it is open. */
  readonly open: boolean[];
  openCount: number;
  finished: boolean;
}

/**
 * The order in which events may follow each other: started first, blocks numbered from 0 without gaps, a delta only in
 * an open block, blocks closed before their candidate finishes, one terminal, nothing after it. After a reset all begins
 * anew.
 */
export class EventGrammar {
  #state: "before" | "open" | "ended" = "before";
  // Nearly every answer has one candidate: a map is made for others only.
  #first: CandidateState | undefined;
  #others: Map<number, CandidateState> | undefined;

  /** What is wrong with `event` coming next, or undefined where it may. */
  check(event: StreamEvent): string | undefined {
    const kind = event.event;
    if (kind.case === "keptAlive") return this.#state === "ended" ? "kept_alive after the terminal" : undefined;
    if (this.#state === "ended") return `${kind.case ?? "an empty event"} after the terminal`;
    if (this.#state === "before") return this.#checkFirst(kind.case);
    switch (kind.case) {
      case "blockStarted":
        return this.#checkBlockStarted(kind.value.candidate, kind.value.block);
      case "blockDelta":
        return this.#isOpen(kind.value) ? undefined : `block_delta for block ${kind.value.block}, which is not open`;
      case "blockFinished":
        if (!this.#isOpen(kind.value)) return `block_finished for block ${kind.value.block}, which is not open`;
        this.#close(kind.value.candidate, kind.value.block);
        return undefined;
      case "candidateFinished":
        return this.#checkCandidateFinished(kind.value.candidate);
      case "completed":
        return this.#checkCompleted();
      case "failed":
        this.#state = "ended";
        return undefined;
      case "usageUpdated":
      case "continued":
        return undefined;
      case "reset":
        this.#state = "before";
        this.#first = undefined;
        this.#others = undefined;
        return undefined;
      case "started":
        return "a second started";
      default:
        return "an empty event";
    }
  }

  /** True once a terminal has passed. */
  get ended(): boolean {
    return this.#state === "ended";
  }

  #checkFirst(kind: StreamEvent["event"]["case"]): string | undefined {
    if (kind === "started") {
      this.#state = "open";
      return undefined;
    }
    if (kind === "failed") {
      this.#state = "ended";
      return undefined;
    }
    return `${kind ?? "an empty event"} before started`;
  }

  #isOpen(at: { candidate: number; block: number }): boolean {
    return this.#known(at.candidate)?.open[at.block] ?? false;
  }

  #close(index: number, block: number): void {
    const candidate = this.#candidate(index);
    candidate.open[block] = false;
    candidate.openCount -= 1;
  }

  #known(index: number): CandidateState | undefined {
    return index === 0 ? this.#first : this.#others?.get(index);
  }

  #candidate(index: number): CandidateState {
    const known = this.#known(index);
    if (known) return known;
    const candidate = { open: [], openCount: 0, finished: false };
    if (index === 0) this.#first = candidate;
    else (this.#others ??= new Map()).set(index, candidate);
    return candidate;
  }

  #checkBlockStarted(index: number, block: number): string | undefined {
    const candidate = this.#candidate(index);
    if (candidate.finished) return `block_started in candidate ${index}, which has finished`;
    const nextBlock = candidate.open.length;
    if (block !== nextBlock) return `block_started with block ${block}, ${nextBlock} is next`;
    candidate.open.push(true);
    candidate.openCount += 1;
    return undefined;
  }

  #checkCandidateFinished(index: number): string | undefined {
    const candidate = this.#candidate(index);
    if (candidate.finished) return `a second candidate_finished for candidate ${index}`;
    if (candidate.openCount > 0) return `candidate_finished for candidate ${index} with open blocks`;
    candidate.finished = true;
    return undefined;
  }

  #checkCompleted(): string | undefined {
    if (this.#first?.finished === false) return "completed before candidate 0 has finished";
    for (const [index, candidate] of this.#others ?? []) {
      if (!candidate.finished) return `completed before candidate ${index} has finished`;
    }
    if (!this.#first && !this.#others) return "completed without a candidate";
    this.#state = "ended";
    return undefined;
  }
}
