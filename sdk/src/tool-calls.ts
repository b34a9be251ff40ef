import { checkedEvents, type EventSource } from "./checked-events.ts";
import { Executor, type Part, type ToolCallPart } from "./contract.ts";
import { partsOf, type HasParts } from "./parts.ts";
import { startsOver } from "./text-stream.ts";

/** A tool call that the caller is to run: complete, and its arguments are a JSON object or, for custom tools, a text. */
export interface ToolCall {
  /** Identity of the call; the result refers to it. */
  readonly callId: string;
  /** Name of the tool. */
  readonly name: string;
  /** Arguments, parsed when first read. Numbers beyond 2^53 lose digits here; `argumentsText` has them. */
  readonly arguments: Readonly<Record<string, unknown>>;
  /** Arguments word for word: JSON text of a function, free text of a custom tool. Empty: the call has none. */
  readonly argumentsText: string;
  /** Whether the tool takes free text, which is then in `argumentsText`, and `arguments` is empty. */
  readonly isText: boolean;
}

/** A tool call that must not be run, and why. */
export interface InvalidToolCall {
  readonly callId: string;
  readonly name: string;
  readonly argumentsText: string;
  /** What is wrong with it, in a sentence. */
  readonly why: string;
}

/**
 * The tool calls that the caller is to run, in order. Calls that the provider has run itself are left out, and so are
 * those with arguments that are not a JSON object, which `invalidToolCallsOf` has.
 */
export function toolCallsOf(from: HasParts): ToolCall[] {
  return ownCallsOf(from).flatMap((call) => toolCallFrom(call) ?? []);
}

/** The tool calls that are the caller's to run but cannot be, for example because the output limit cut them. */
export function invalidToolCallsOf(from: HasParts): InvalidToolCall[] {
  return ownCallsOf(from).flatMap((call) => {
    const why = faultOf(call);
    const { callId, name } = call;
    return why === undefined ? [] : [{ callId, name, argumentsText: call.input.value ?? "", why }];
  });
}

/**
 * Tool calls of a stream, each as soon as its block has finished, all candidates alike; the same ones that `toolCallsOf`
 * gives. Throws where the stream fails, as `collect` does: calls given before stay given.
 */
export async function* toolCalls(source: EventSource): AsyncGenerator<ToolCall, void, undefined> {
  let given = 0;
  for await (const { event } of checkedEvents(source)) {
    if (event.case === "reset" && given > 0) throw startsOver("tool calls");
    if (event.case !== "blockFinished") continue;
    const call = event.value.part && ownCall(event.value.part);
    const valid = call && toolCallFrom(call);
    if (!valid) continue;
    given += 1;
    yield valid;
  }
}

function ownCallsOf(from: HasParts): ToolCallPart[] {
  return partsOf(from).flatMap((part) => ownCall(part) ?? []);
}

// An executor that this SDK does not know is not the caller either.
function ownCall({ kind }: Part): ToolCallPart | undefined {
  if (kind.case !== "toolCall") return undefined;
  const { executor } = kind.value;
  return executor === Executor.UNSPECIFIED || executor === Executor.CALLER ? kind.value : undefined;
}

function toolCallFrom(call: ToolCallPart): ToolCall | undefined {
  if (faultOf(call) !== undefined) return undefined;
  const { callId, name, input } = call;
  const argumentsText = input.value ?? "";
  const isText = input.case === "text";
  let parsed: Readonly<Record<string, unknown>> | undefined;
  return {
    callId,
    name,
    argumentsText,
    isText,
    get arguments() {
      return (parsed ??= isText ? {} : (objectFrom(argumentsText) ?? {}));
    },
  };
}

function faultOf({ callId, name, input, argumentsInvalid }: ToolCallPart): string | undefined {
  if (callId === "" || name === "") return "it has no call id or no name";
  if (input.case === "text") return undefined;
  if (argumentsInvalid) return "its arguments are not valid JSON";
  return objectFrom(input.value ?? "") ? undefined : "its arguments are not a JSON object";
}

// Models send empty text for tools without parameters.
function objectFrom(text: string): Readonly<Record<string, unknown>> | undefined {
  if (text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
