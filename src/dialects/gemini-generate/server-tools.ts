import { create } from "@bufbuild/protobuf";
import { Executor, PartSchema, textPart, type OpaqueState, type Part } from "../../contract/index.ts";
import { jsonText } from "../json-text.ts";
import { scalarOf, type JsonObjectTree } from "../json-tree.ts";
import { objectAt } from "./parse-answer.ts";

/** Members of parts in which the provider tells of a tool that it runs. */
export const SERVER_CALLS: ReadonlySet<string> = new Set(["toolCall", "executableCode"]);

/** Members of parts in which the provider tells what became of it. */
export const SERVER_RESULTS: ReadonlySet<string> = new Set(["toolResponse", "codeExecutionResult"]);

const MAX_ID_CHARS = 512;
const MAX_NAME_CHARS = 256;

/** What names a step of a tool that the provider runs. */
export interface ServerStep {
  readonly callId: string;
  readonly name: string;
  /** The wire's member, for example `executableCode`. */
  readonly nativeType: string;
}

/** The id in a wire object, where it has one. */
export function wireId(object: JsonObjectTree): string | undefined {
  const id = scalarOf(object.get("id"));
  return typeof id === "string" && id !== "" ? id.slice(0, MAX_ID_CHARS) : undefined;
}

/** The name of a tool that the provider runs. */
export function serverToolName(nativeType: string, object: JsonObjectTree): string {
  const name = scalarOf(object.get("name")) ?? scalarOf(object.get("toolType"));
  if (typeof name === "string" && name !== "") return name.slice(0, MAX_NAME_CHARS);
  return nativeType === "executableCode" || nativeType === "codeExecutionResult" ? "code_execution" : "tool";
}

/** A call of such a tool. It never looks like one that the caller is to run. */
export function serverCallPart(step: ServerStep, part: JsonObjectTree, state: OpaqueState): Part {
  const object = objectAt(part, step.nativeType);
  const args = step.nativeType === "executableCode" ? object : object.get("args");
  const input =
    args instanceof Map ? ({ case: "argumentsJson", value: jsonText(args) } as const) : ({ case: undefined } as const);
  const value = { ...step, executor: Executor.PROVIDER, input };
  return create(PartSchema, { kind: { case: "toolCall", value }, state: [state] });
}

/** The result of such a tool. */
export function serverResultPart(step: ServerStep, part: JsonObjectTree, state: OpaqueState): Part {
  const object = objectAt(part, step.nativeType);
  const output = scalarOf(object.get("output"));
  const outcome = scalarOf(object.get("outcome"));
  const value = {
    ...step,
    executor: Executor.PROVIDER,
    content: typeof output === "string" && output !== "" ? [textPart(output)] : [],
    nativeJson: jsonText(object),
    ...(outcome === undefined ? {} : { isError: outcome !== "OUTCOME_OK" && outcome !== 1 }),
  };
  return create(PartSchema, { kind: { case: "toolResult", value }, state: [state] });
}
