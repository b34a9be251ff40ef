import { create } from "@bufbuild/protobuf";
import { Executor, PartSchema, toolCallPart, type Part } from "../../contract/index.ts";
import { badOutput } from "../received-json.ts";
import { wordSet } from "../drift.ts";
import {
  identify,
  keepMembers,
  missingRest,
  stateDelta,
  usableId,
  usableName,
  type ItemContext,
  type ItemReader,
} from "./item-context.ts";
import { ITEM_FORMAT } from "./provider-state.ts";
import type { OutputItem, ResponseEvent } from "./wire.ts";

const MODELLED = wordSet("id type status call_id name arguments input created_by");

/** A call of a function or of a custom tool, which the caller runs unless the provider is known to run it itself. */
export class CallItem implements ItemReader {
  readonly isRefusal = false;
  readonly #context: ItemContext;
  readonly #isCustom: boolean;
  #block = -1;
  #received = "";
  /** What came before the name was known. */
  #waiting = "";
  #byProvider = false;

  constructor(context: ItemContext, item: OutputItem) {
    this.#context = context;
    this.#isCustom = item.type === "custom_tool_call";
    this.#open(item);
    this.#complete(inputOf(item));
  }

  get isCall(): boolean {
    return !this.#byProvider;
  }

  take(type: string, event: ResponseEvent): void {
    switch (type) {
      case "response.function_call_arguments.delta":
      case "response.custom_tool_call_input.delta":
        if (typeof event.delta === "string") this.#append(event.delta);
        return;
      case "response.function_call_arguments.done":
        this.#complete(textOf(event.arguments));
        return;
      case "response.custom_tool_call_input.done":
        this.#complete(textOf(event.input));
        return;
      default:
        return;
    }
  }

  finish(item: OutputItem, raw: () => string): void {
    this.#open(item);
    if (this.#block < 0) throw badOutput(this.#context.target, "a tool call has no name");
    this.#complete(inputOf(item));
    const { blocks } = this.#context;
    const part = blocks.part(this.#block);
    identify(part, item);
    // Nothing written is no arguments, not invalid ones.
    if (part.kind.case === "toolCall" && part.kind.value.input.value === "")
      part.kind.value.input = { case: undefined };
    if (this.#byProvider) blocks.delta(this.#block, stateDelta(this.#context, ITEM_FORMAT, raw()));
    else keepMembers(this.#context, this.#block, item, MODELLED);
    blocks.close(this.#block);
  }

  #open(item: OutputItem): void {
    const name = usableName(item.name);
    if (this.#block >= 0 || name === "") return;
    const { rules, newId, blocks } = this.#context;
    const callId = usableId(item.call_id) ?? usableId(item.id) ?? newId("call");
    this.#byProvider = rules.providerRunTools.has(name);
    const part = this.#isCustom ? customCallPart(callId, name) : toolCallPart(callId, name, "");
    if (this.#byProvider && part.kind.case === "toolCall") {
      part.kind.value.executor = Executor.PROVIDER;
      part.kind.value.nativeType = item.type ?? "";
    }
    identify(part, item);
    this.#block = blocks.open(part);
    const waiting = this.#waiting;
    this.#waiting = "";
    this.#write(waiting);
  }

  #append(text: string): void {
    this.#received += text;
    if (this.#block < 0) this.#waiting += text;
    else this.#write(text);
  }

  #write(text: string): void {
    if (text !== "") this.#context.blocks.text(this.#block, this.#isCustom ? "toolText" : "argumentsJson", text);
  }

  // Arguments that are not what the model wrote must not be run.
  #complete(whole: string): void {
    const rest = missingRest(this.#received, whole);
    if (rest === undefined) {
      throw badOutput(this.#context.target, "the input of a tool call is not what its pieces add up to");
    }
    this.#append(rest);
  }
}

function customCallPart(callId: string, name: string): Part {
  return create(PartSchema, {
    kind: { case: "toolCall", value: { callId, name, input: { case: "text", value: "" } } },
  });
}

function inputOf(item: OutputItem): string {
  return textOf(item.type === "custom_tool_call" ? item.input : item.arguments);
}

/** Text as it is; an object, which some servers send instead, as its JSON text. */
function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return typeof value === "object" && value !== null ? JSON.stringify(value) : "";
}
