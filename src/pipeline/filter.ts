import type { ChatRequest, StreamEvent } from "../contract/index.ts";
import type { ParleyError } from "../errors/index.ts";
import type { ContentRules } from "../policy/content/content-policy.ts";
import type { TextKind } from "../policy/content/text-stream.ts";
import type { AskHook } from "./ask-hook.ts";
import { ContentReport, contentBlocked } from "./content-report.ts";
import { BlockFilter, type Block } from "./filter-block.ts";
import { JudgedEvents } from "./filter-judged.ts";

/** What became of events that came to be filtered. */
export interface Filtered {
  /** What may be delivered, in order. */
  readonly events: StreamEvent[];
  /** The answer ends here: a rule blocks it. */
  readonly blocked: ParleyError | undefined;
  /** Whether more waits for a hook's verdict, which `next` brings. */
  readonly waits: boolean;
}

const NOTHING: Filtered = { events: [], blocked: undefined, waits: false };

/** The text that another attempt goes on with: the caller has it. */
export interface ResumedText {
  readonly block: number;
  readonly text: string;
}

/**
 * Applies the content rules of the way out to the events of one attempt, between the decoder and the delivery: what leaves
 * here is all that the caller, the fold and another attempt ever know of the answer. Rules over texts decide at once and
 * hold back a bounded stretch; where there are hooks, all that says something waits for their verdict.
 */
export class AnswerFilter {
  readonly #rules: ContentRules;
  readonly #textKind: TextKind;
  readonly #report = new ContentReport();
  readonly #blocks = new Map<string, BlockFilter>();
  readonly #judged: JudgedEvents | undefined;

  constructor(rules: ContentRules, request: ChatRequest, ask: AskHook, resumed?: ResumedText) {
    this.#rules = rules;
    const format = request.output?.format.case;
    this.#textKind = format === "jsonObject" || format === "jsonSchema" ? "json" : "plain";
    if (rules.hooks.length > 0) this.#judged = new JudgedEvents(rules.hooks, ask, this.#report);
    if (!resumed) return;
    this.#block({ candidate: 0, block: resumed.block }).resume(resumed.text);
    this.#judged?.resumeText(resumed);
  }

  /**
   * Whether another target must not go on behind what was delivered: a rule has changed it, or could still match across
   * the seam, so that a part of the match had left before.
   */
  bars(delivered: string | undefined): boolean {
    if (this.#report.changed || [...this.#blocks.values()].some(({ hit }) => hit)) return true;
    return delivered !== undefined && !this.#block({ candidate: 0, block: -1 }).isWholeAfter(delivered);
  }

  /** Takes events that were decoded, in order. */
  push(events: readonly StreamEvent[]): Filtered {
    const out: StreamEvent[] = [];
    for (const event of events) {
      const block = this.#take(event, out);
      if (!block) continue;
      const blocked = contentBlocked("output", block.rule, block.field);
      // What waits for a verdict was not allowed to leave.
      return { events: this.#judged ? [] : out, blocked, waits: false };
    }
    return this.#told(this.#judged?.push(out) ?? { events: out, blocked: undefined, waits: false });
  }

  /** What the verdict that is waited for lets out; `resume` follows. Never rejects. */
  async next(): Promise<Filtered> {
    return this.#told((await this.#judged?.next()) ?? NOTHING);
  }

  /** What of the events that came meanwhile may leave. */
  resume(): Filtered {
    return this.#told(this.#judged?.resume() ?? NOTHING);
  }

  /** The end tells what was changed. */
  #told(filtered: Filtered): Filtered {
    for (const { event } of filtered.events) {
      if (event.case === "completed" && this.#report.changed)
        event.value.adaptations.push(...this.#report.adaptations());
    }
    return filtered;
  }

  #take(event: StreamEvent, out: StreamEvent[]): Block | undefined {
    const kind = event.event;
    switch (kind.case) {
      case "blockStarted":
        return this.#block(kind.value).start(event, kind.value, out);
      case "blockDelta":
        return this.#block(kind.value).delta(event, kind.value, out);
      case "blockFinished":
        return this.#block(kind.value).finish(event, kind.value, out);
      default:
        return void out.push(event);
    }
  }

  #block({ candidate, block }: { readonly candidate: number; readonly block: number }): BlockFilter {
    const key = `${candidate}:${block}`;
    let filter = this.#blocks.get(key);
    if (!filter) {
      filter = new BlockFilter(this.#rules.texts, this.#textKind, { candidate, block }, this.#report);
      this.#blocks.set(key, filter);
    }
    return filter;
  }
}
