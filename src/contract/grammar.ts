import type { StreamEvent } from "./gen/parley/v1/stream_pb.ts";

/**
 * The order in which events may follow each other: started first, blocks numbered from 0 without gaps, a delta only in
 * an open block, blocks closed before their candidate finishes, one terminal, nothing after it. After a reset all begins
 * anew.
 */
export class EventGrammar {
  #state: "before" | "open" | "ended" = "before";
  readonly #candidates = new Map<number, { nextBlock: number; readonly open: Set<number>; finished: boolean }>();

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
        this.#candidates.get(kind.value.candidate)?.open.delete(kind.value.block);
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
        this.#candidates.clear();
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
    return this.#candidates.get(at.candidate)?.open.has(at.block) ?? false;
  }

  #candidate(index: number): { nextBlock: number; readonly open: Set<number>; finished: boolean } {
    let candidate = this.#candidates.get(index);
    if (!candidate) this.#candidates.set(index, (candidate = { nextBlock: 0, open: new Set(), finished: false }));
    return candidate;
  }

  #checkBlockStarted(index: number, block: number): string | undefined {
    const candidate = this.#candidate(index);
    if (candidate.finished) return `block_started in candidate ${index}, which has finished`;
    if (block !== candidate.nextBlock) return `block_started with block ${block}, ${candidate.nextBlock} is next`;
    candidate.nextBlock += 1;
    candidate.open.add(block);
    return undefined;
  }

  #checkCandidateFinished(index: number): string | undefined {
    const candidate = this.#candidate(index);
    if (candidate.finished) return `a second candidate_finished for candidate ${index}`;
    if (candidate.open.size > 0) return `candidate_finished for candidate ${index} with open blocks`;
    candidate.finished = true;
    return undefined;
  }

  #checkCompleted(): string | undefined {
    for (const [index, candidate] of this.#candidates) {
      if (!candidate.finished) return `completed before candidate ${index} has finished`;
    }
    if (this.#candidates.size === 0) return "completed without a candidate";
    this.#state = "ended";
    return undefined;
  }
}
