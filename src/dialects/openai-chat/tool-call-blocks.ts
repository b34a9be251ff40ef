import { create } from "@bufbuild/protobuf";
import { isJson, toolCallPart, type OpaqueState, type Part, PartSchema } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import type { CandidateBlocks } from "./candidate-blocks.ts";
import type { JsonObject, ReceivedToolCall } from "./wire.ts";

const MAX_CALLS = 1024;

/** The index under which the deprecated `function_call` is kept; the wire's own indexes are not negative. */
const LEGACY_INDEX = -1;

interface Call {
  id: string;
  name: string;
  custom: boolean;
  /** What came before the name was known. */
  buffered: string;
  /** -1 until the block is open. */
  block: number;
  extraContent: JsonObject | undefined;
}

/**
 * The tool calls of one candidate. Tolerates what vendors do: indexes that interleave, have gaps, are missing or are the
 * same for several calls; ids that are missing; names after ids; calls that come whole.
 */
export class ToolCallBlocks {
  readonly #blocks: CandidateBlocks;
  readonly #newId: (prefix: string) => string;
  readonly #calls: Call[] = [];
  readonly #byIndex = new Map<number, Call>();

  constructor(blocks: CandidateBlocks, newId: (prefix: string) => string) {
    this.#blocks = blocks;
    this.#newId = newId;
  }

  /** How many calls the caller is to run. */
  get count(): number {
    return this.#calls.length;
  }

  /** Takes fragments in; in a whole message every entry is a call of its own. */
  take(fragments: readonly ReceivedToolCall[], whole: boolean): void {
    for (const fragment of fragments) {
      if (isEmpty(fragment)) continue;
      const call = whole ? this.#add(undefined) : this.#find(fragment);
      this.#apply(call, fragment);
    }
  }

  /** Takes the deprecated form in. */
  takeLegacy(call: ReceivedToolCall["function"]): void {
    this.take([{ index: LEGACY_INDEX, function: call }], false);
  }

  /** Adds what is due before the blocks are closed. `stateOf` wraps what the provider wants back. */
  finish(stateOf: (extraContent: JsonObject) => OpaqueState): void {
    for (const call of this.#calls) {
      if (call.block < 0) {
        throw new ParleyError("PROVIDER_BAD_OUTPUT", "Cannot read the answer: a tool call has no name");
      }
      if (call.extraContent) this.#blocks.delta(call.block, { case: "state", value: stateOf(call.extraContent) });
      const { kind } = this.#blocks.part(call.block);
      // Nothing written is no arguments, not invalid ones.
      if (kind.case === "toolCall" && kind.value.input.value === "") kind.value.input = { case: undefined };
    }
  }

  #find(fragment: ReceivedToolCall): Call {
    const { index, id } = fragment;
    if (typeof index === "number") {
      const known = this.#byIndex.get(index);
      return known && !startsAnother(known, fragment, this.#blocks) ? known : this.#add(index);
    }
    const last = this.#calls.at(-1);
    if (id) return this.#calls.find((call) => call.id === id) ?? this.#add(undefined);
    return last && !(nameOf(fragment) && last.name) ? last : this.#add(undefined);
  }

  #add(index: number | undefined): Call {
    if (this.#calls.length >= MAX_CALLS) {
      throw new ParleyError("PROVIDER_BAD_OUTPUT", `Cannot read the answer: it has more than ${MAX_CALLS} tool calls`);
    }
    const call: Call = { id: "", name: "", custom: false, buffered: "", block: -1, extraContent: undefined };
    this.#calls.push(call);
    if (index !== undefined) this.#byIndex.set(index, call);
    return call;
  }

  #apply(call: Call, fragment: ReceivedToolCall): void {
    if (typeof fragment.id === "string" && call.id === "") call.id = fragment.id;
    if (fragment.extra_content) call.extraContent = fragment.extra_content;
    call.buffered += inputOf(fragment);
    if (call.block < 0) {
      const name = nameOf(fragment);
      if (name === "") return;
      call.name = name;
      call.custom = isCustom(fragment);
      if (call.id === "") call.id = this.#newId("call");
      call.block = this.#blocks.open(call.custom ? customCallPart(call.id, name) : toolCallPart(call.id, name, ""));
    }
    if (call.buffered === "") return;
    this.#blocks.text(call.block, call.custom ? "toolText" : "argumentsJson", call.buffered);
    call.buffered = "";
  }
}

// Some vendors give every call of an answer index 0: a fragment that names a tool anew, with another id or after
// complete arguments, begins the next call.
function startsAnother(known: Call, fragment: ReceivedToolCall, blocks: CandidateBlocks): boolean {
  if (known.name === "" || nameOf(fragment) === "") return false;
  if (fragment.id) return fragment.id !== known.id;
  if (inputOf(fragment) === "") return false;
  const { kind } = blocks.part(known.block);
  return kind.case === "toolCall" && kind.value.input.case === "argumentsJson" && isJson(kind.value.input.value);
}

function isEmpty(fragment: ReceivedToolCall): boolean {
  return !fragment.id && nameOf(fragment) === "" && inputOf(fragment) === "" && !fragment.extra_content;
}

function isCustom(fragment: ReceivedToolCall): boolean {
  return fragment.type === "custom" || (!fragment.function?.name && Boolean(fragment.custom?.name));
}

function nameOf(fragment: ReceivedToolCall): string {
  const name = fragment.function?.name || fragment.custom?.name;
  return typeof name === "string" ? name : "";
}

function inputOf(fragment: ReceivedToolCall): string {
  const input = fragment.function?.arguments || fragment.custom?.input;
  if (typeof input === "string") return input;
  return typeof input === "object" && input !== null ? JSON.stringify(input) : "";
}

function customCallPart(callId: string, name: string): Part {
  return create(PartSchema, {
    kind: { case: "toolCall", value: { callId, name, input: { case: "text", value: "" } } },
  });
}
