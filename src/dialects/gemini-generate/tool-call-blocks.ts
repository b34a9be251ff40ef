import { toolCallPart, type OpaqueState } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import { jsonText } from "../json-text.ts";
import { jsonObjectTree, scalarOf, type JsonObjectTree } from "../json-tree.ts";
import type { AnswerBlocks } from "../answer-blocks.ts";
import { objectAt } from "./parse-answer.ts";
import { PartialArguments } from "./partial-arguments.ts";
import { PART_FORMAT, SIGNATURE_FORMAT } from "./provider-state.ts";
import { serverCallPart, serverResultPart, serverToolName, wireId } from "./server-tools.ts";

const MAX_CALLS = 1024;
const MAX_NAME_CHARS = 256;

interface HeldCall {
  readonly id: string;
  readonly name: string;
  /** The whole wire part. */
  part: JsonObjectTree;
  args: string;
  readonly signature: string | undefined;
  /** Set while more of the call follows. */
  partial: PartialArguments | undefined;
}

type StateOf = (format: string, text: string) => OpaqueState;

/**
 * The function calls of one candidate. Functions that the provider itself can reach look the same as the caller's until
 * their result follows: hence calls wait until something else comes, or the end.
 */
export class ToolCallBlocks {
  readonly #blocks: AnswerBlocks;
  readonly #newId: (prefix: string) => string;
  readonly #stateOf: StateOf;
  #held: HeldCall[] = [];
  #seen = 0;
  #count = 0;

  constructor(blocks: AnswerBlocks, newId: (prefix: string) => string, stateOf: StateOf) {
    this.#blocks = blocks;
    this.#newId = newId;
    this.#stateOf = stateOf;
  }

  /** How many calls the caller is to run; final after `flush`. */
  get count(): number {
    return this.#count;
  }

  /** Takes a part with a call, or with a piece of one, in. */
  take(part: JsonObjectTree, signature: string | undefined): void {
    const call = objectAt(part, "functionCall");
    const open = this.#held.at(-1);
    const name = scalarOf(call.get("name"));
    if (typeof name === "string" && name !== "") this.#begin(part, call, name.slice(0, MAX_NAME_CHARS), signature);
    else if (open?.partial) continueCall(open, call);
    else if (call.size > 0)
      throw new ParleyError("PROVIDER_BAD_OUTPUT", "Cannot read the answer: a tool call has no name");
  }

  /** Takes a part with the result of a function that the provider itself has run in. */
  takeResult(part: JsonObjectTree): void {
    const object = objectAt(part, "functionResponse");
    const id = wireId(object);
    const name = serverToolName("functionResponse", object);
    const place = this.#held.findIndex((call) => (id === undefined ? call.name === name : call.id === id));
    const [call] = place < 0 ? [] : this.#held.splice(place, 1);
    const callId = call?.id ?? id ?? this.#newId("call");
    if (call) {
      const step = { callId, name, nativeType: "functionCall" };
      this.#blocks.whole(serverCallPart(step, call.part, this.#stateOf(PART_FORMAT, jsonText(call.part))));
    }
    const step = { callId, name, nativeType: "functionResponse" };
    this.#blocks.whole(serverResultPart(step, part, this.#stateOf(PART_FORMAT, jsonText(part))));
  }

  /** Writes the calls that wait: the caller is to run them. */
  flush(): void {
    const held = this.#held;
    if (held.length === 0) return;
    this.#held = [];
    for (const call of held) this.#write(call);
  }

  #begin(part: JsonObjectTree, call: JsonObjectTree, name: string, signature: string | undefined): void {
    if ((this.#seen += 1) > MAX_CALLS) {
      throw new ParleyError("PROVIDER_BAD_OUTPUT", `Cannot read the answer: it has more than ${MAX_CALLS} tool calls`);
    }
    const args = call.get("args");
    // Text where an object should be is what is left of one: nobody is to run a call with no arguments instead.
    if (args !== undefined && scalarOf(args) !== null && !(args instanceof Map)) {
      throw new ParleyError("PROVIDER_BAD_OUTPUT", "Cannot read the answer: a tool call's arguments are not an object");
    }
    const isPartial = scalarOf(call.get("willContinue")) === true || call.has("partialArgs");
    const held: HeldCall = {
      id: wireId(call) ?? this.#newId("call"),
      name,
      part,
      args: args instanceof Map ? jsonText(args) : "",
      signature,
      partial: isPartial ? new PartialArguments() : undefined,
    };
    this.#held.push(held);
    if (isPartial) continueCall(held, call);
  }

  #write({ id, name, args, signature, partial }: HeldCall): void {
    this.#count += 1;
    const block = this.#blocks.open(toolCallPart(id, name, ""));
    const text = partial ? partial.json(false) : args;
    if (text !== "") this.#blocks.text(block, "argumentsJson", text);
    if (signature !== undefined) {
      this.#blocks.delta(block, { case: "state", value: this.#stateOf(SIGNATURE_FORMAT, signature) });
    }
    const { kind } = this.#blocks.part(block);
    // Nothing written is no arguments, not invalid ones.
    if (kind.case === "toolCall" && kind.value.input.value === "") kind.value.input = { case: undefined };
    this.#blocks.close(block);
  }
}

function continueCall(held: HeldCall, call: JsonObjectTree): void {
  const { partial } = held;
  const pieces = call.get("partialArgs");
  if (Array.isArray(pieces)) for (const piece of pieces) if (piece instanceof Map) partial?.take(piece);
  if (!partial || scalarOf(call.get("willContinue")) === true) return;
  held.args = partial.json(true);
  held.partial = undefined;
  // As if it had come whole.
  const whole: JsonObjectTree = new Map(objectAt(held.part, "functionCall"));
  whole.delete("partialArgs");
  whole.delete("willContinue");
  whole.set("args", jsonObjectTree(held.args) ?? new Map());
  held.part = new Map(held.part).set("functionCall", whole);
}
