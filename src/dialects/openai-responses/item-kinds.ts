import { Executor } from "../../contract/index.ts";
import type { OutputItem } from "./wire.ts";

// Items of an answer that are calls of tools with a shape of their own. What is not here, is no message, no reasoning
// and no call of a function or custom tool is kept as it is, in an opaque part.

/** How calls of one of the provider's own types are read and written. */
export interface NativeCall {
  /** Name of the tool; undefined: the item tells. */
  readonly name: string | undefined;
  /** Who runs it. */
  readonly executor: (item: OutputItem) => Executor;
  /** The member with what the tool is called with. */
  readonly input: keyof OutputItem | undefined;
  /** Whether that member is text in no format, as a program is. */
  readonly inputIsText?: true;
  /** Whether the item also holds the result. */
  readonly holdsResult?: true;
  /** Whether the format wants the item's id back; where it does not, an id would make the provider look for it. */
  readonly needsId?: true;
}

const byProvider = (): Executor => Executor.PROVIDER;
const byCaller = (): Executor => Executor.CALLER;

const CALLS: ReadonlyMap<string, NativeCall> = new Map<string, NativeCall>([
  ["web_search_call", { name: "web_search", executor: byProvider, input: "action", holdsResult: true }],
  [
    "file_search_call",
    { name: "file_search", executor: byProvider, input: "queries", holdsResult: true, needsId: true },
  ],
  [
    "code_interpreter_call",
    {
      name: "code_interpreter",
      executor: byProvider,
      input: "code",
      inputIsText: true,
      holdsResult: true,
      needsId: true,
    },
  ],
  [
    "image_generation_call",
    { name: "image_generation", executor: byProvider, input: undefined, holdsResult: true, needsId: true },
  ],
  ["mcp_call", { name: undefined, executor: byProvider, input: "arguments", holdsResult: true, needsId: true }],
  [
    "program",
    { name: "programmatic_tool_calling", executor: byProvider, input: "code", inputIsText: true, needsId: true },
  ],
  ["computer_call", { name: "computer", executor: byCaller, input: "action", needsId: true }],
  ["local_shell_call", { name: "local_shell", executor: byCaller, input: "action" }],
  ["apply_patch_call", { name: "apply_patch", executor: byCaller, input: "operation" }],
  [
    "shell_call",
    {
      name: "shell",
      executor: ({ environment }) =>
        environment?.type === "container_reference" ? Executor.PROVIDER : Executor.CALLER,
      input: "action",
    },
  ],
  [
    "tool_search_call",
    {
      name: "tool_search",
      executor: ({ execution }) => (execution === "client" ? Executor.CALLER : Executor.PROVIDER),
      input: "arguments",
    },
  ],
]);

// Results that the provider gives in items of their own, by the type of the call.
const RESULTS: ReadonlyMap<string, string> = new Map([
  ["shell_call_output", "shell"],
  ["tool_search_output", "tool_search"],
  ["program_output", "programmatic_tool_calling"],
]);

/** How calls of a type are read and written; undefined where the type is no call of the provider's own. */
export function nativeCall(type: string): NativeCall | undefined {
  return CALLS.get(type);
}

/** The name of the tool whose results items of a type are; undefined where they are none. */
export function nativeResult(type: string): string | undefined {
  return RESULTS.get(type);
}

/** The type of the item that answers a call of a type which the caller runs; undefined where there is none. */
export function answeringType(callType: string): string | undefined {
  if (callType === "tool_search_call") return "tool_search_output";
  return CALLS.has(callType) ? `${callType}_output` : undefined;
}

// Types that are known and kept as they are.
const OPAQUE: ReadonlySet<string> = new Set([
  "mcp_list_tools",
  "mcp_approval_request",
  "mcp_approval_response",
  "compaction",
  "additional_tools",
  "function_call_output",
  "custom_tool_call_output",
  "computer_call_output",
  "local_shell_call_output",
  "apply_patch_call_output",
  "item_reference",
]);

// Items that stay themselves without their id.
const ID_IS_FREE: ReadonlySet<string> = new Set([
  "compaction",
  "additional_tools",
  "shell_call_output",
  "tool_search_output",
  "function_call_output",
  "custom_tool_call_output",
  "computer_call_output",
  "apply_patch_call_output",
]);

/** Whether the codec knows the type of an item. */
export function isKnownItem(type: string): boolean {
  const ours = type === "message" || type === "reasoning" || type === "function_call" || type === "custom_tool_call";
  return ours || CALLS.has(type) || RESULTS.has(type) || OPAQUE.has(type);
}

/** Whether an item of the type goes back without its id. */
export function goesBackWithoutId(type: string): boolean {
  const call = CALLS.get(type);
  return call ? call.needsId !== true : ID_IS_FREE.has(type);
}
