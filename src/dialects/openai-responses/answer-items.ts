import { objectMembers } from "../json-text.ts";
import { arrayItems } from "../json-slices.ts";
import { CallItem } from "./call-item.ts";
import { tooMany, type ItemContext, type ItemReader } from "./item-context.ts";
import { isKnownItem, nativeCall, nativeResult } from "./item-kinds.ts";
import { ITEM_MEMBERS } from "./known-members.ts";
import { MessageItem } from "./message-item.ts";
import { NativeItem, opaquePart, resultItemPart } from "./native-item.ts";
import { ReasoningItem } from "./reasoning-item.ts";
import type { OutputItem, ResponseEvent } from "./wire.ts";

const MAX_ITEMS = 4096;

interface Entry {
  readonly index: number | undefined;
  readonly id: string | undefined;
  item: OutputItem;
  /** Undefined until it is known what the item is, and for items that come whole. */
  reader: ItemReader | undefined;
  finished: boolean;
}

/** The items of one answer, streamed or whole. */
export class AnswerItems {
  readonly #context: ItemContext;
  readonly #entries: Entry[] = [];
  /** Those of them that are not finished. */
  #open: readonly Entry[] = [];
  readonly #counts = new Map<string, number>();

  constructor(context: ItemContext) {
    this.#context = context;
  }

  /** Whether there is a call that the caller is to run. */
  get hasCalls(): boolean {
    return this.#entries.some(({ reader }) => reader?.isCall === true);
  }

  get hasRefusal(): boolean {
    return this.#entries.some(({ reader }) => reader?.isRefusal === true);
  }

  /** Whether the provider waits to be told that it may call a tool. */
  get awaitsApproval(): boolean {
    return this.#entries.some(({ item }) => item.type === "mcp_approval_request");
  }

  /** How many searches the provider made, by the type of their items. */
  get searches(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** An item begins. */
  begin(index: number | undefined, received: OutputItem): void {
    const item = withTypeAsText(received);
    const entry = this.#unfinished(index, idOf(item)) ?? this.#add(index, item);
    entry.item = { ...entry.item, ...item };
    entry.reader ??= readerOf(this.#context, item);
  }

  /** An event about a part of an item. */
  take(type: string, event: ResponseEvent): void {
    const index = event.output_index ?? undefined;
    const id = event.item_id ?? undefined;
    let entry = this.#unfinished(index, id);
    if (!entry && index === undefined && id === undefined) entry = this.#open.at(-1);
    if (!entry && !this.#isFinished(index, id)) {
      const item = impliedItem(type, id);
      if (!item) return;
      entry = this.#add(index, item);
      entry.reader = readerOf(this.#context, item);
    }
    entry?.reader?.take(type, event);
  }

  /** An item is whole; `raw` gives its JSON text as received. */
  finish(index: number | undefined, received: OutputItem, raw: () => string): void {
    const item = withTypeAsText(received);
    const id = idOf(item);
    const begun = this.#unfinished(index, id) ?? this.#unnamed(item);
    if (!begun && index !== undefined && this.#entries.some((entry) => entry.index === index && entry.id === id))
      return;
    const entry = begun ?? this.#add(index, item);
    entry.finished = true;
    this.#open = this.#open.filter((one) => one !== entry);
    entry.item = item;
    const { drift, blocks } = this.#context;
    const type = item.type ?? "";
    drift.members(item, ITEM_MEMBERS, `output[].${type}.`);
    if (!isKnownItem(type)) drift.note(`output[].type=${type}`);
    this.#count(item);
    entry.reader ??= readerOf(this.#context, item);
    if (entry.reader) {
      entry.reader.finish(item, raw);
      return;
    }
    const name = nativeResult(type);
    blocks.whole(
      name === undefined ? opaquePart(this.#context, type, raw()) : resultItemPart(this.#context, name, item, raw()),
    );
  }

  /** The answer is whole: items that were never streamed, or never finished, are taken from it. */
  finishAll(output: readonly OutputItem[], outputText: () => string): void {
    let texts: readonly string[] | undefined;
    const textAt = (place: number): string => {
      texts ??= (arrayItems(outputText()) ?? []).map(({ text }) => text);
      return texts[place] ?? JSON.stringify(output[place]);
    };
    const streamed = this.#entries.length;
    for (const [place, item] of output.entries()) {
      if (!isItem(item)) continue;
      const id = idOf(item);
      const isOpen = this.#unfinished(place, id) !== undefined;
      // Servers that number their items differently repeat here what was streamed.
      if (!isOpen && streamed > 0 && (streamed >= output.length || this.#isFinished(place, id))) continue;
      this.finish(place, item, () => textAt(place));
    }
    for (const entry of this.#open) this.finish(entry.index, entry.item, () => JSON.stringify(entry.item));
  }

  // Some servers use an id twice, some name items anew in every event, some number all of them 0: an item is known by
  // both, else by its place, else by its id, and only while it is not finished.
  #unfinished(index: number | undefined, id: string | undefined): Entry | undefined {
    const open = this.#open;
    return (
      open.find((entry) => index !== undefined && entry.index === index && entry.id === id) ??
      open.find((entry) => index !== undefined && entry.index === index) ??
      open.find((entry) => id !== undefined && entry.id === id)
    );
  }

  #isFinished(index: number | undefined, id: string | undefined): boolean {
    return this.#entries.some(
      (entry) =>
        entry.finished && ((index !== undefined && entry.index === index) || (id !== undefined && entry.id === id)),
    );
  }

  // Servers without places and stable ids: the item that is whole is the one of its type that is open.
  #unnamed(item: OutputItem): Entry | undefined {
    return this.#open.find((entry) => entry.index === undefined && entry.item.type === item.type);
  }

  #add(index: number | undefined, item: OutputItem): Entry {
    if (this.#entries.length >= MAX_ITEMS) throw tooMany(this.#context, "items", MAX_ITEMS);
    const entry: Entry = { index, id: idOf(item), item, reader: undefined, finished: false };
    this.#entries.push(entry);
    this.#open = [...this.#open, entry];
    return entry;
  }

  #count({ type, action }: OutputItem): void {
    // Opening a page that a search has found is part of that search.
    const kind = (action as { readonly type?: unknown } | null | undefined)?.type;
    if (kind !== undefined && kind !== "search") return;
    this.#counts.set(type ?? "", (this.#counts.get(type ?? "") ?? 0) + 1);
  }
}

/** The text of a member of a member of a JSON object, for example of `response.output`. */
export function memberText(json: string, ...path: readonly string[]): string {
  let text = json;
  for (const name of path) text = objectMembers(text)?.get(name)?.text ?? "";
  return text;
}

/** Whether a value of the wire is an item. */
export function isItem(value: unknown): value is OutputItem {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readerOf(context: ItemContext, item: OutputItem): ItemReader | undefined {
  switch (item.type) {
    case "message":
      return new MessageItem(context, item);
    case "reasoning":
      return new ReasoningItem(context, item);
    case "function_call":
    case "custom_tool_call":
      return new CallItem(context, item);
    default: {
      const kind = nativeCall(item.type ?? "");
      return kind && new NativeItem(context, kind, item);
    }
  }
}

// Servers that send pieces without having begun the item: what they are pieces of follows from the event.
function impliedItem(type: string, id: string | undefined): OutputItem | undefined {
  const named = id === undefined ? {} : { id };
  if (/^response\.(output_text|refusal|content_part)\./.test(type)) return { ...named, type: "message" };
  if (type.startsWith("response.reasoning")) return { ...named, type: "reasoning" };
  if (type.startsWith("response.function_call_arguments.")) return { ...named, type: "function_call" };
  if (type.startsWith("response.custom_tool_call_input.")) return { ...named, type: "custom_tool_call" };
  return undefined;
}

// What is no text names no type, also where an item began as one of a known type.
function withTypeAsText(item: OutputItem): OutputItem {
  const type: unknown = item.type;
  return typeof type === "string" || type === undefined ? item : { ...item, type: "" };
}

function idOf({ id }: OutputItem): string | undefined {
  return typeof id === "string" && id !== "" ? id : undefined;
}
