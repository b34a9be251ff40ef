import { create } from "@bufbuild/protobuf";
import { Executor, PartSchema, textPart, toolCallPart, type Part } from "../../contract/index.ts";
import { wordSet } from "../drift.ts";
import { jsonText } from "../json-text.ts";
import { badOutput } from "../received-json.ts";
import { membersOf, type BlockReader, type BlockScope, type BlockStart } from "./block-reader.ts";
import { TOOL_USE_FORMAT, stateOf } from "./provider-state.ts";
import type { JsonObject, ReceivedBlock, ReceivedDelta } from "./wire.ts";

const MODELLED = wordSet("type id name input cache_control");
const MAX_NAME_CHARS = 256;

/** A call: of the caller's tools by `tool_use`, else of a tool that the provider runs. */
export class ToolUseReader implements BlockReader {
  readonly #scope: BlockScope;
  readonly #start: BlockStart;
  readonly #block: number;
  #written = false;

  constructor(scope: BlockScope, start: BlockStart) {
    const { type, id, name } = start.block;
    if (typeof name !== "string" || name === "") throw badOutput(scope.target, "a tool call has no name");
    this.#scope = scope;
    this.#start = start;
    const callId = typeof id === "string" && id !== "" ? id : scope.newId("call");
    const short = name.slice(0, MAX_NAME_CHARS);
    scope.toolNames.set(callId, short);
    this.#block = scope.blocks.open(callPart(callId, short, String(type)));
    const more = furtherMembers(start);
    if (more !== undefined) {
      scope.blocks.delta(this.#block, { case: "state", value: stateOf(scope.target, TOOL_USE_FORMAT, more) });
    }
  }

  take(delta: ReceivedDelta): boolean {
    if (delta.type !== "input_json_delta") return false;
    if (typeof delta.partial_json === "string" && delta.partial_json !== "") this.#write(delta.partial_json);
    return true;
  }

  finish(): void {
    const { blocks } = this.#scope;
    // In a stream the block begins with an empty input, which stands where no piece of another one follows.
    if (!this.#written) this.#write(inputText(this.#start));
    const { kind } = blocks.part(this.#block);
    // Nothing written is no arguments, not invalid ones.
    if (kind.case === "toolCall" && kind.value.input.value === "") kind.value.input = { case: undefined };
    blocks.close(this.#block);
  }

  #write(text: string): void {
    this.#written ||= text !== "";
    this.#scope.blocks.text(this.#block, "argumentsJson", text);
  }
}

function callPart(callId: string, name: string, type: string): Part {
  const part = toolCallPart(callId, name, "");
  if (type !== "tool_use" && part.kind.case === "toolCall") {
    part.kind.value.executor = Executor.PROVIDER;
    part.kind.value.nativeType = type;
  }
  return part;
}

// Some servers send the arguments as a text.
function inputText(start: BlockStart): string {
  const { input } = start.block;
  if (typeof input === "string") return input;
  return input === undefined || input === null ? "" : (membersOf(start).get("input")?.text ?? "");
}

// A direct call is what is meant where nothing is said.
function furtherMembers(start: BlockStart): string | undefined {
  const { block } = start;
  const isDirect = block.caller === null || block.caller?.type === "direct";
  const isMore = (member: string): boolean => !MODELLED.has(member) && !(member === "caller" && isDirect);
  if (!Object.keys(block).some(isMore)) return undefined;
  return jsonText(new Map([...membersOf(start)].filter(([member]) => isMore(member))));
}

/** Whether a block is the result of a tool that the provider has run. */
export function isServerResult({ type, tool_use_id: callId }: ReceivedBlock): boolean {
  return typeof type === "string" && type.endsWith("_tool_result") && typeof callId === "string" && callId !== "";
}

/** The result of a tool that the provider has run; such blocks always come whole. */
export class ToolResultReader implements BlockReader {
  readonly #scope: BlockScope;
  readonly #block: number;

  constructor(scope: BlockScope, { block, json }: BlockStart) {
    this.#scope = scope;
    const callId = block.tool_use_id ?? "";
    const name = scope.toolNames.get(callId);
    const isError = errorFlag(block);
    const part = create(PartSchema, {
      kind: {
        case: "toolResult",
        value: {
          callId,
          ...(name === undefined ? {} : { name }),
          content: readableContent(block.content),
          ...(isError === undefined ? {} : { isError }),
          executor: Executor.PROVIDER,
          nativeType: String(block.type).slice(0, MAX_NAME_CHARS),
          nativeJson: json(),
        },
      },
    });
    this.#block = scope.blocks.open(part);
  }

  take(): boolean {
    return false;
  }

  finish(): void {
    this.#scope.blocks.close(this.#block);
  }
}

function errorFlag({ is_error: flag, content }: ReceivedBlock): boolean | undefined {
  if (typeof flag === "boolean") return flag;
  const { type } = objectOrEmpty(content);
  return typeof type === "string" && type.endsWith("_error") ? true : undefined;
}

// What people can read of a result; the whole of it is in the native JSON.
function readableContent(content: unknown): Part[] {
  if (typeof content === "string") return content === "" ? [] : [textPart(content)];
  const pieces: readonly unknown[] = Array.isArray(content) ? content : [content];
  return pieces.map(objectOrEmpty).flatMap(readablePiece);
}

function readablePiece(piece: JsonObject): Part[] {
  if (piece["type"] === "web_search_result" || piece["type"] === "web_fetch_result") {
    const title = piece["title"] ?? objectOrEmpty(piece["content"])["title"];
    const value = { source: textOr(piece["url"]), title: textOr(title) };
    return [create(PartSchema, { kind: { case: "searchResult", value } })];
  }
  const texts = [piece["text"], piece["stdout"], piece["stderr"], piece["error_code"]];
  return texts.flatMap((text) => (typeof text === "string" && text !== "" ? [textPart(text)] : []));
}

function textOr(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function objectOrEmpty(value: unknown): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
