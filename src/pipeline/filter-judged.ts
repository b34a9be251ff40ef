import {
  blockDelta,
  blockFinished,
  isJson,
  isTerminal,
  type BlockDelta,
  type Part,
  type StreamEvent,
} from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { ContentHook, HookText } from "../policy/content/hook.ts";
import { visitPart } from "../policy/content/visit-texts.ts";
import { judge, type AskHook, type Judged } from "./ask-hook.ts";
import { contentBlocked, type ContentReport } from "./content-report.ts";
import type { Filtered, ResumedText } from "./filter.ts";
import { TEXT_FIELDS, type TextDeltaName } from "./text-deltas.ts";

/** A text that the waiting events say: of deltas that belong together, or of a part that came whole. */
interface Waiting extends HookText {
  text: string;
  /** Of deltas: what they continue. */
  readonly channel?: Channel;
}

interface Channel {
  readonly field: string;
  readonly delta: BlockDelta;
  /** What has left of it. */
  passed: string;
  masked: boolean;
}

// What waits for the end of its block is bounded, too: longer arguments are judged in parts.
const MAX_HELD_UNITS = 1024 * 1024;

/**
 * Holds events back until hooks have judged what they say: a chunk of so many characters, or the rest of a block. Where
 * nothing is said nothing waits.
 */
export class JudgedEvents {
  readonly #hooks: readonly ContentHook[];
  readonly #ask: AskHook;
  readonly #report: ContentReport;
  readonly #chunkChars: number;
  readonly #channels = new Map<string, Channel>();
  #queue: StreamEvent[] = [];
  #seen = notSeen();
  #judging = false;

  constructor(hooks: readonly ContentHook[], ask: AskHook, report: ContentReport) {
    this.#hooks = hooks;
    this.#ask = ask;
    this.#report = report;
    this.#chunkChars = Math.min(...hooks.map(({ chunkChars }) => chunkChars));
  }

  push(events: readonly StreamEvent[]): Filtered {
    this.#queue.push(...events);
    if (this.#judging) return { events: [], blocked: undefined, waits: true };
    return this.#step();
  }

  /** The text of a block goes on behind what was delivered. */
  resumeText({ block, text }: ResumedText): void {
    const [event] = [blockDelta(0, block, { case: "text", value: "" }).event];
    if (event.case === "blockDelta") this.#channel(event.value).passed = text;
  }

  /** What was judged has been delivered: lets out what follows and says nothing. */
  resume(): Filtered {
    this.#judging = false;
    return this.#step();
  }

  /** Asks about what is due, and lets it out; what comes meanwhile waits for `resume`. */
  async next(): Promise<Filtered> {
    const due = this.#shift(this.#dueUntil());
    this.#judging = true;
    try {
      const waiting = this.#texts(due);
      const { blocked, ...judged } = await judge(this.#hooks, waiting, this.#ask);
      if (blocked) return refused(contentBlocked("output", blocked.rule, blocked.field, blocked.why));
      const events = this.#released(due, waiting, judged);
      if (events instanceof ParleyError) return refused(events);
      return { events, blocked: undefined, waits: true };
    } catch (thrown) {
      // Nobody waits for the verdict any more.
      return refused(ParleyError.from(thrown));
    }
  }

  /** Lets out what says nothing, up to what does. */
  #step(): Filtered {
    const until = this.#dueUntil();
    if (until > 0) return { events: [], blocked: undefined, waits: true };
    const first = this.#queue.findIndex(says);
    if (first === 0) return { events: [], blocked: undefined, waits: false };
    const events = this.#shift(first < 0 ? this.#queue.length : first);
    return { events, blocked: undefined, waits: false };
  }

  /** How many of the waiting events are to be judged now; 0: none. Looks at no event twice. */
  #dueUntil(): number {
    const seen = this.#seen;
    while (seen.due === 0 && seen.count < this.#queue.length) {
      const event = this.#queue[seen.count]!;
      seen.count += 1;
      seen.says ||= says(event);
      if (!seen.says) continue;
      seen.chars += streamedChars(event);
      seen.held += heldUnits(event);
      const isEnd = event.event.case === "blockFinished" || isTerminal(event);
      if (isEnd || seen.chars >= this.#chunkChars || seen.held >= MAX_HELD_UNITS) seen.due = seen.count;
    }
    return seen.due;
  }

  /** Takes the first events out of the queue. */
  #shift(count: number): StreamEvent[] {
    this.#seen = notSeen();
    return this.#queue.splice(0, count);
  }

  #texts(events: readonly StreamEvent[]): Waiting[] {
    const waiting = new Map<string, Waiting>();
    for (const { event } of events) {
      if (event.case === "blockDelta") {
        const text = textOf(event.value);
        if (text === undefined) continue;
        const channel = this.#channel(event.value);
        const one = waiting.get(channel.field) ?? { field: channel.field, text: "", channel };
        one.text += text;
        waiting.set(channel.field, one);
      } else if ((event.case === "blockStarted" || event.case === "blockFinished") && event.value.part) {
        const { part } = event.value;
        this.#visit(part, event.value, (text, field) => (waiting.set(field, { field, text }), text));
      }
    }
    return [...waiting.values()];
  }

  /** Calls back for the texts of a part that did not come in deltas. */
  #visit(part: Part, at: { candidate: number; block: number }, visit: (text: string, field: string) => string): Part {
    const field = fieldOf(at);
    return visitPart(
      part,
      field,
      (text, path) => (text === "" || this.#channels.has(path) ? text : visit(text, path)),
      () => {},
    );
  }

  #released(
    events: readonly StreamEvent[],
    waiting: readonly Waiting[],
    { texts, masked }: Omit<Judged, "blocked">,
  ): StreamEvent[] | ParleyError {
    const changed = new Map<string, string>();
    for (const [index, rules] of masked) {
      const { field, channel } = waiting[index]!;
      changed.set(field, texts[index]!);
      if (channel) channel.masked = true;
      this.#report.masked(field, rules);
    }
    for (const [index, { channel }] of waiting.entries()) if (channel) channel.passed += texts[index]!;
    const out: StreamEvent[] = [];
    for (const event of events) {
      const kind = event.event;
      if (kind.case === "blockDelta") {
        const field = textOf(kind.value) === undefined ? undefined : this.#channel(kind.value).field;
        const text = field === undefined ? undefined : changed.get(field);
        if (field === undefined || !this.#channels.get(field)?.masked) out.push(event);
        else if (text === undefined) out.push(event);
        else if (text !== "") {
          // One delta says it all; those behind it have nothing left to say.
          changed.set(field, "");
          out.push(saying(kind.value, text));
        }
      } else if (kind.case === "blockFinished" && kind.value.part) {
        const finished = this.#finished(kind.value.part, kind.value, changed);
        if (finished instanceof ParleyError) return finished;
        out.push(
          finished === kind.value.part ? event : blockFinished(kind.value.candidate, kind.value.block, finished),
        );
      } else if (kind.case === "blockStarted" && kind.value.part) {
        const part = this.#visit(kind.value.part, kind.value, (text, field) => changed.get(field) ?? text);
        const value = { ...kind.value, part };
        out.push(part === kind.value.part ? event : { ...event, event: { case: "blockStarted", value } });
      } else out.push(event);
    }
    return out;
  }

  #finished(part: Part, at: { candidate: number; block: number }, changed: ReadonlyMap<string, string>) {
    let broken: string | undefined;
    const visited = visitPart(
      part,
      fieldOf(at),
      (text, field, kind) => {
        const channel = this.#channels.get(field);
        const now = channel ? (channel.masked ? channel.passed : text) : (changed.get(field) ?? text);
        if (kind === "json" && now !== text && isJson(text) && !isJson(now)) broken = field;
        return now;
      },
      (field) => this.#report.dropped(field, "state of a part that was masked is left out"),
    );
    if (broken !== undefined) {
      const why = `masks what the JSON of ${broken} cannot do without`;
      return contentBlocked("output", this.#hooks[0]?.rule ?? "", broken, why);
    }
    if (visited === part || visited.kind.case !== "text") return visited;
    // What belongs to the text as it was tells what was masked.
    return { ...visited, kind: { ...visited.kind, value: { ...visited.kind.value, citations: [], logprobs: [] } } };
  }

  #channel(delta: BlockDelta): Channel {
    const name = TEXT_FIELDS[delta.delta.case as TextDeltaName];
    const piece = name.startsWith("reasoning.") ? `[${delta.piece}]` : "";
    const field = `${fieldOf(delta)}.${name}${piece}`;
    let channel = this.#channels.get(field);
    if (!channel) this.#channels.set(field, (channel = { field, delta, passed: "", masked: false }));
    return channel;
  }
}

/** What is known of the waiting events that were looked at. */
function notSeen() {
  return { count: 0, says: false, chars: 0, held: 0, due: 0 };
}

function fieldOf({ candidate, block }: { readonly candidate: number; readonly block: number }): string {
  return `candidates[${candidate}].message.parts[${block}]`;
}

function refused(blocked: ParleyError): Filtered {
  return { events: [], blocked, waits: false };
}

/** Whether an event may say something. */
function says({ event }: StreamEvent): boolean {
  if (event.case === "blockDelta") return true;
  return event.case === "blockFinished" || (event.case === "blockStarted" && event.value.part?.kind.case !== "text");
}

function textOf({ delta }: BlockDelta): string | undefined {
  return typeof delta.value === "string" ? delta.value : undefined;
}

/** Characters that count for a chunk: arguments are judged whole, so that they can be masked as JSON. */
function streamedChars({ event }: StreamEvent): number {
  if (event.case !== "blockDelta" || event.value.delta.case === "argumentsJson") return 0;
  return textOf(event.value)?.length ?? 0;
}

/** About how much memory an event that waits holds. */
function heldUnits({ event }: StreamEvent): number {
  if (event.case !== "blockDelta") return 0;
  const { value } = event.value.delta;
  return 64 + (typeof value === "string" || value instanceof Uint8Array ? value.length : 0);
}

function saying({ candidate, block, delta, piece }: BlockDelta, text: string): StreamEvent {
  return blockDelta(candidate, block, { ...delta, value: text } as BlockDelta["delta"], piece);
}
