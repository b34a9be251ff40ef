import { ReasoningVisibility, reasoningPart, type Part } from "../../contract/index.ts";
import { wordSet } from "../drift.ts";
import { badOutput } from "../received-json.ts";
import {
  identify,
  keepMembers,
  missingRest,
  stateDelta,
  tooMany,
  type ItemContext,
  type ItemReader,
} from "./item-context.ts";
import { ENCRYPTED_CONTENT_FORMAT } from "./provider-state.ts";
import type { Nullable, OutputItem, ResponseEvent } from "./wire.ts";

const MAX_PIECES = 1024;
const MODELLED = wordSet("id type status summary content encrypted_content created_by");

type Kind = "reasoningText" | "reasoningSummary";

/** Reasoning: texts, summaries and encrypted state of one item are one block. */
export class ReasoningItem implements ItemReader {
  readonly isCall = false;
  readonly isRefusal = false;
  readonly #context: ItemContext;
  readonly #block: number;
  readonly #received: Readonly<Record<Kind, string[]>> = { reasoningText: [], reasoningSummary: [] };

  constructor(context: ItemContext, item: OutputItem) {
    this.#context = context;
    const part = reasoningPart("");
    setVisibility(part, ReasoningVisibility.UNSPECIFIED);
    identify(part, item);
    this.#block = context.blocks.open(part);
  }

  take(type: string, event: ResponseEvent): void {
    switch (type) {
      case "response.reasoning_summary_text.delta":
      case "response.reasoning_summary.delta":
        this.#append("reasoningSummary", event.summary_index ?? 0, event.delta);
        return;
      case "response.reasoning_text.delta":
      case "response.reasoning.delta":
        this.#append("reasoningText", event.content_index ?? 0, event.delta);
        return;
      case "response.reasoning_summary_text.done":
      case "response.reasoning_summary.done":
        this.#complete("reasoningSummary", event.summary_index ?? 0, event.text);
        return;
      case "response.reasoning_text.done":
      case "response.reasoning.done":
        this.#complete("reasoningText", event.content_index ?? 0, event.text);
        return;
      case "response.reasoning_summary_part.done":
        this.#complete("reasoningSummary", event.summary_index ?? 0, event.part?.text);
        return;
      case "response.content_part.added":
      case "response.content_part.done":
        this.#complete("reasoningText", event.content_index ?? 0, event.part?.text);
        return;
      default:
        return;
    }
  }

  finish(item: OutputItem): void {
    const { summary, content, encrypted_content: encrypted } = item;
    if (Array.isArray(summary)) {
      for (const [index, piece] of summary.entries()) this.#complete("reasoningSummary", index, piece?.text);
    }
    if (Array.isArray(content)) {
      for (const [index, piece] of content.entries()) this.#complete("reasoningText", index, piece?.text);
    }
    const { blocks } = this.#context;
    if (typeof encrypted === "string" && encrypted !== "") {
      blocks.delta(this.#block, stateDelta(this.#context, ENCRYPTED_CONTENT_FORMAT, encrypted));
    }
    keepMembers(this.#context, this.#block, item, MODELLED);
    const part = blocks.part(this.#block);
    identify(part, item);
    setVisibility(part, visibilityOf(part));
    blocks.close(this.#block);
  }

  #append(kind: Kind, index: number, text: unknown): void {
    if (typeof text !== "string" || text === "") return;
    if (!Number.isInteger(index) || index < 0)
      throw badOutput(this.#context.target, "a piece of reasoning has no place");
    if (index >= MAX_PIECES) throw tooMany(this.#context, "pieces of reasoning", MAX_PIECES);
    this.#received[kind][index] = (this.#received[kind][index] ?? "") + text;
    this.#context.blocks.text(this.#block, kind, text, undefined, index);
  }

  #complete(kind: Kind, index: number, whole: Nullable<string>): void {
    if (typeof whole !== "string") return;
    const rest = missingRest(this.#received[kind][index] ?? "", whole);
    if (rest === undefined) this.#context.drift.note("output[].reasoning differs from its deltas");
    else this.#append(kind, index, rest);
  }
}

function setVisibility(part: Part, visibility: ReasoningVisibility): void {
  if (part.kind.case === "reasoning") part.kind.value.visibility = visibility;
}

function visibilityOf({ kind }: Part): ReasoningVisibility {
  if (kind.case !== "reasoning") return ReasoningVisibility.UNSPECIFIED;
  if (kind.value.text.length > 0) return ReasoningVisibility.FULL;
  return kind.value.summary.length > 0 ? ReasoningVisibility.SUMMARY : ReasoningVisibility.OMITTED;
}
