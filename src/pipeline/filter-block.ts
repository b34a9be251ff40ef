import {
  blockDelta,
  blockFinished,
  type BlockDelta,
  type BlockFinished,
  type BlockStarted,
  type Citation,
  type Part,
  type StreamEvent,
  type TokenLogprob,
} from "../contract/index.ts";
import type { TextRule } from "../policy/content/text-filter.ts";
import { passText, textStream, type Passed, type TextKind, type TextStream } from "../policy/content/text-stream.ts";
import { visitPart, type VisitText } from "../policy/content/visit-texts.ts";
import type { ContentReport } from "./content-report.ts";
import { TEXT_FIELDS, textDeltaOf, type TextDelta, type TextDeltaName } from "./text-deltas.ts";
import { citationBeside, saysForbidden } from "./filter-citation.ts";

/** A rule blocks, in this field. */
export interface Block {
  readonly rule: string;
  readonly field: string;
}

/** One text of the block, as it comes and as it leaves. */
interface Channel {
  readonly case: TextDeltaName;
  readonly piece: number;
  readonly stream: TextStream;
  raw: string;
  passed: string;
  /** Tokens that wait for their text, by their places in it. */
  readonly tokens: { readonly token: TokenLogprob; readonly start: number; readonly end: number; masked: boolean }[];
  tokensUntil: number;
  readonly masked: { readonly start: number; readonly end: number }[];
}

/**
 * Applies rules to one block of an answer: text leaves as soon as no rule can match it any more, and what belongs to the
 * block as a whole (citations, state, log probabilities apart from text) at its end, when it is known what was masked.
 */
export class BlockFilter {
  readonly #rules: readonly TextRule[];
  readonly #textKind: TextKind;
  readonly #report: ContentReport;
  readonly #at: { readonly candidate: number; readonly block: number };
  readonly #field: string;
  readonly #channels = new Map<string, Channel>();
  readonly #late: StreamEvent[] = [];
  readonly #lateTokens: TokenLogprob[] = [];
  readonly #passedTokens: TokenLogprob[] = [];
  #droppedTokens = false;

  constructor(
    rules: readonly TextRule[],
    textKind: TextKind,
    at: { readonly candidate: number; readonly block: number },
    report: ContentReport,
  ) {
    this.#rules = rules;
    this.#textKind = textKind;
    this.#at = at;
    this.#report = report;
    this.#field = `candidates[${at.candidate}].message.parts[${at.block}]`;
  }

  /** Whether a rule has matched in it. */
  get hit(): boolean {
    return [...this.#channels.values()].some(({ stream }) => stream.hits.size > 0);
  }

  /** Whether `delivered`, the block's text so far, leaves no match open. */
  isWholeAfter(delivered: string): boolean {
    return textStream(this.#rules, this.#textKind).push(delivered).text === delivered;
  }

  /** The block goes on behind a text that has been delivered. */
  resume(delivered: string): void {
    const channel = this.#channel("text", 0);
    channel.raw = delivered;
    channel.passed = channel.stream.push(delivered).text;
    channel.tokensUntil = delivered.length;
  }

  start(event: StreamEvent, value: BlockStarted, out: StreamEvent[]): Block | undefined {
    const { part } = value;
    if (!part) return void out.push(event);
    const begun: [channel: Channel, text: string][] = [];
    let blocked: Block | undefined;
    const visited = visitPart(
      part,
      this.#field,
      (text, field, kind) => {
        const channel = text === "" ? undefined : this.#channelOf(field);
        if (!channel) return this.#whole(text, field, kind, (found) => (blocked ??= found));
        begun.push([channel, text]);
        return "";
      },
      () => {},
    );
    if (blocked) return blocked;
    const tokens = part.kind.case === "text" ? part.kind.value.logprobs : [];
    out.push(
      visited === part
        ? event
        : { ...event, event: { case: "blockStarted", value: { ...value, part: bare(visited) } } },
    );
    for (const [channel, text] of begun) blocked ??= this.#push(channel, text, tokens, out);
    return blocked;
  }

  delta(event: StreamEvent, value: BlockDelta, out: StreamEvent[]): Block | undefined {
    const { delta, piece, logprobs } = value;
    switch (delta.case) {
      case undefined:
      case "media":
        return void out.push(event);
      case "citation":
      case "state":
        return void this.#late.push(event);
      case "logprobsOnly":
        return void this.#lateTokens.push(...logprobs);
      default:
        return this.#push(this.#channel(delta.case, piece), delta.value, logprobs, out);
    }
  }

  finish(event: StreamEvent, value: BlockFinished, out: StreamEvent[]): Block | undefined {
    let blocked = this.#takeRest(value.part, out);
    for (const channel of this.#channels.values()) blocked ??= this.#emit(channel, channel.stream.end(), out);
    if (blocked) return blocked;
    const { part } = value;
    if (!part) return void out.push(event);
    const visit: VisitText = (text, field, kind) => {
      const channel = this.#channelOf(field, false);
      if (channel?.raw === text) return channel.passed;
      return this.#whole(text, field, kind, (found) => (blocked ??= found));
    };
    const visited = visitPart(part, this.#field, visit, (field) => {
      this.#report.dropped(field, "state of a part that was masked is left out, since it is sealed over the part");
    });
    if (blocked) return blocked;
    const whole = this.#completed(visited, part, (found) => (blocked ??= found));
    if (blocked) return blocked;
    this.#emitLate(whole, visited !== part, out);
    out.push(whole === part ? event : blockFinished(this.#at.candidate, this.#at.block, whole));
    return undefined;
  }

  /** Reads what a part says that came in no delta: its finish tells it whole. */
  #takeRest(part: Part | undefined, out: StreamEvent[]): Block | undefined {
    const tokens = part?.kind.case === "text" ? part.kind.value.logprobs : [];
    const rest: [channel: Channel, text: string][] = [];
    const visit: VisitText = (text, field) => {
      const channel = text === "" ? undefined : this.#channelOf(field);
      if (channel && text !== channel.raw && text.startsWith(channel.raw)) rest.push([channel, text]);
      return text;
    };
    if (part) visitPart(part, this.#field, visit, () => {});
    let blocked: Block | undefined;
    for (const [channel, text] of rest) {
      blocked ??= this.#push(channel, text.slice(channel.raw.length), channel.raw === "" ? tokens : [], out);
    }
    return blocked;
  }

  /** The part with the citations and log probabilities that may stay. */
  #completed(visited: Part, part: Part, onBlock: (block: Block) => void): Part {
    if (visited.kind.case !== "text" || part.kind.case !== "text") return visited;
    const { citations, logprobs } = part.kind.value;
    const isMasked = visited !== part;
    const kept = citations.flatMap((citation) => this.#citation(citation, isMasked, onBlock) ?? []);
    const areSame = kept.length === citations.length && kept.every((one, index) => one === citations[index]);
    if (!areSame) {
      const why = "citations of what was masked are left out, and places behind it are not told";
      this.#report.dropped(`${this.#field}.text.citations`, why);
    }
    if (!isMasked && areSame) return visited;
    const tokens = isMasked ? [...this.#passedTokens] : logprobs;
    if (tokens.length < logprobs.length || this.#droppedTokens) {
      this.#report.dropped(`${this.#field}.text.logprobs`, "log probabilities of what was masked are left out");
    }
    return { ...visited, kind: { case: "text", value: { ...visited.kind.value, citations: kept, logprobs: tokens } } };
  }

  #citation(citation: Citation, isMasked: boolean, onBlock: (block: Block) => void): Citation | undefined {
    const field = `${this.#field}.text.citations`;
    const said = saysForbidden(citation, this.#rules);
    if (said?.blockedBy !== undefined) onBlock({ rule: said.blockedBy, field });
    if (said) return undefined;
    const channel = this.#channels.get("text:0");
    return isMasked ? channel && citationBeside(citation, channel.raw, channel.masked) : citation;
  }

  #emitLate(whole: Part, isMasked: boolean, out: StreamEvent[]): void {
    const { candidate, block } = this.#at;
    const citations = new Set(whole.kind.case === "text" ? whole.kind.value.citations : []);
    for (const event of this.#late) {
      const delta = event.event.case === "blockDelta" ? event.event.value.delta : undefined;
      if (delta?.case === "citation") {
        if (citations.delete(delta.value)) out.push(event);
      } else if (!isMasked) out.push(event);
    }
    // Those whose places are not told any more go out as they are now.
    if (this.#late.length > 0 && isMasked) {
      for (const value of citations) out.push(blockDelta(candidate, block, { case: "citation", value }));
    }
    if (isMasked || this.#lateTokens.length === 0) return;
    const only = { case: "logprobsOnly", value: { $typeName: "parley.v1.LogprobsOnly" } } as const;
    out.push(blockDelta(candidate, block, only, 0, this.#lateTokens));
  }

  /** A text that does not come in deltas. */
  #whole(text: string, field: string, kind: TextKind, onBlock: (block: Block) => void): string {
    const { text: passed, blockedBy, hits } = passText(this.#rules, kind, text);
    if (blockedBy !== undefined) onBlock({ rule: blockedBy, field });
    if (hits.size > 0) this.#report.masked(field, hits);
    return passed;
  }

  #channelOf(field: string, make = true): Channel | undefined {
    const named = textDeltaOf(field.slice(this.#field.length + 1));
    if (!named) return undefined;
    return make ? this.#channel(named.name, named.piece) : this.#channels.get(`${named.name}:${named.piece}`);
  }

  #channel(name: TextDeltaName, piece: number): Channel {
    const key = `${name}:${piece}`;
    let channel = this.#channels.get(key);
    if (!channel) {
      const kind: TextKind = name === "argumentsJson" ? "json" : name === "text" ? this.#textKind : "plain";
      const stream = textStream(this.#rules, kind);
      channel = { case: name, piece, stream, raw: "", passed: "", tokens: [], tokensUntil: 0, masked: [] };
      this.#channels.set(key, channel);
    }
    return channel;
  }

  #push(channel: Channel, text: string, logprobs: readonly TokenLogprob[], out: StreamEvent[]): Block | undefined {
    const areAligned =
      channel.case === "text" && this.#textKind === "plain" && logprobs.map(({ token }) => token).join("") === text;
    if (!areAligned) this.#lateTokens.push(...logprobs);
    channel.raw += text;
    if (areAligned) {
      let at = channel.raw.length - text.length;
      for (const token of logprobs) {
        channel.tokens.push({ token, start: at, end: at + token.token.length, masked: false });
        at += token.token.length;
      }
    }
    return this.#emit(channel, channel.stream.push(text), out);
  }

  #emit(channel: Channel, { text, blockedBy, pieces }: Passed, out: StreamEvent[]): Block | undefined {
    channel.passed += text;
    for (const { start, end, replacement } of pieces) {
      channel.tokensUntil = end;
      if (replacement === undefined) continue;
      channel.masked.push({ start, end });
      for (const token of channel.tokens) token.masked ||= token.start < end && start < token.end;
    }
    const tokens: TokenLogprob[] = [];
    while (channel.tokens.length > 0 && channel.tokens[0]!.end <= channel.tokensUntil) {
      const { token, masked } = channel.tokens.shift()!;
      if (masked) this.#droppedTokens = true;
      else tokens.push(token);
    }
    this.#passedTokens.push(...tokens);
    if (text !== "" || tokens.length > 0) {
      const delta = { case: channel.case, value: text } as TextDelta;
      out.push(blockDelta(this.#at.candidate, this.#at.block, delta, channel.piece, tokens));
    }
    const field = `${this.#field}.${TEXT_FIELDS[channel.case]}`;
    if (channel.stream.hits.size > 0) this.#report.masked(field, channel.stream.hits);
    return blockedBy === undefined ? undefined : { rule: blockedBy, field };
  }
}

/** A part that begins: what belongs to its text comes with it. */
function bare(part: Part): Part {
  if (part.kind.case !== "text") return part;
  return { ...part, kind: { case: "text", value: { ...part.kind.value, citations: [], logprobs: [] } } };
}
