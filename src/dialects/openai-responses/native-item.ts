import { create } from "@bufbuild/protobuf";
import { Executor, PartSchema, type Part } from "../../contract/index.ts";
import {
  identify,
  missingRest,
  stateDelta,
  stateOf,
  usableId,
  usableName,
  type ItemContext,
  type ItemReader,
} from "./item-context.ts";
import type { NativeCall } from "./item-kinds.ts";
import { addResult } from "./native-results.ts";
import { ITEM_FORMAT, originOf } from "./provider-state.ts";
import type { OutputItem, ResponseEvent } from "./wire.ts";

/** A call of one of the provider's own tools. What the provider ran never looks like a call that the caller is to run. */
export class NativeItem implements ItemReader {
  readonly isRefusal = false;
  readonly isCall: boolean;
  readonly #context: ItemContext;
  readonly #kind: NativeCall;
  readonly #callId: string;
  readonly #block: number;
  #received = "";

  constructor(context: ItemContext, kind: NativeCall, item: OutputItem) {
    this.#context = context;
    this.#kind = kind;
    this.#callId = usableId(item.call_id) ?? usableId(item.id) ?? context.newId("call");
    const executor = kind.executor(item);
    this.isCall = executor === Executor.CALLER;
    const part = create(PartSchema, {
      kind: {
        case: "toolCall",
        value: {
          callId: this.#callId,
          name: kind.name ?? (usableName(item.name) || (item.type ?? "tool")),
          executor,
          nativeType: item.type ?? "",
        },
      },
    });
    identify(part, item);
    this.#block = context.blocks.open(part);
  }

  take(type: string, event: ResponseEvent): void {
    if (type === "response.mcp_call_arguments.delta" || type === "response.code_interpreter_call_code.delta") {
      if (typeof event.delta === "string") this.#append(event.delta);
    } else if (type === "response.mcp_call_arguments.done") this.#complete(event.arguments);
    else if (type === "response.code_interpreter_call_code.done") this.#complete(event.code);
  }

  finish(item: OutputItem, raw: () => string): void {
    const { blocks } = this.#context;
    this.#complete(this.#inputOf(item));
    identify(blocks.part(this.#block), item);
    blocks.delta(this.#block, stateDelta(this.#context, ITEM_FORMAT, itemText(item, raw)));
    blocks.close(this.#block);
    if (this.#kind.holdsResult) addResult(this.#context, item, this.#callId, this.#nameOfTool(item));
  }

  #nameOfTool(item: OutputItem): string {
    return this.#kind.name ?? (usableName(item.name) || (item.type ?? "tool"));
  }

  #inputOf(item: OutputItem): unknown {
    if (item.type === "image_generation_call") return pictureRequest(item);
    const { input } = this.#kind;
    if (input === undefined) return undefined;
    // One action, or several at once; some servers write arguments as for functions.
    const value = item[input] ?? (item as { readonly actions?: unknown }).actions ?? item.arguments;
    if (typeof value === "string" || value === undefined || value === null) return value;
    return JSON.stringify(input === "queries" ? { queries: value } : value);
  }

  #complete(whole: unknown): void {
    if (typeof whole !== "string") return;
    const rest = missingRest(this.#received, whole);
    if (rest === undefined) this.#context.drift.note("output[].input differs from its deltas");
    else this.#append(rest);
  }

  #append(text: string): void {
    if (text === "") return;
    this.#received += text;
    this.#context.blocks.text(this.#block, this.#kind.inputIsText ? "toolText" : "argumentsJson", text);
  }
}

// What the picture was made from; the wire has no other member for it.
function pictureRequest({ revised_prompt: prompt }: OutputItem): string | undefined {
  return typeof prompt === "string" && prompt !== "" ? JSON.stringify({ revised_prompt: prompt }) : undefined;
}

// A picture stands in a part of its own, which is large enough; everything else is kept as received.
function itemText(item: OutputItem, raw: () => string): string {
  if (item.type !== "image_generation_call") return raw();
  const { result: _, ...rest } = item;
  return JSON.stringify(rest);
}

/** A part for an item that is none of the contract's kinds. */
export function opaquePart(context: ItemContext, type: string, json: string): Part {
  const value = { origin: originOf(context.target), nativeType: type.slice(0, 256), json };
  return create(PartSchema, { kind: { case: "opaque", value } });
}

/** A part for an item that is nothing but the result of one of the provider's own tools. */
export function resultItemPart(context: ItemContext, name: string, item: OutputItem, json: string): Part {
  const callId = usableId(item.call_id) ?? usableId(item.id) ?? context.newId("call");
  const type = item.type ?? "";
  const texts = resultTexts(item);
  const isClients = item.execution === "client";
  const value = {
    callId,
    name,
    executor: isClients ? Executor.CALLER : Executor.PROVIDER,
    nativeType: type,
    content: texts.map((text) => create(PartSchema, { kind: { case: "text", value: { text } } })),
    ...(texts.length > 0 ? {} : { nativeJson: json }),
  };
  const part = create(PartSchema, {
    kind: { case: "toolResult", value },
    state: [stateOf(context, ITEM_FORMAT, json)],
  });
  identify(part, item);
  return part;
}

function resultTexts({ result, output }: OutputItem): string[] {
  if (typeof result === "string") return result === "" ? [] : [result];
  if (!Array.isArray(output)) return [];
  return output.flatMap((entry: unknown) => {
    const { stdout, stderr } = (entry ?? {}) as { readonly stdout?: unknown; readonly stderr?: unknown };
    return [stdout, stderr].filter((text): text is string => typeof text === "string" && text !== "");
  });
}
