import { Buffer } from "node:buffer";
import type {
  InputContent,
  InputItem,
  InputMessage,
  RequestTool,
  ResponsesRequest,
} from "../../dialects/openai-responses/wire.ts";
import type { Ask, AskedOutput, AskedTool } from "../ask.ts";
import { refuse } from "../openai-service/errors.ts";
import { check, isObject } from "../shape.ts";
import { estimateTokens } from "../tokens.ts";
import { complain } from "./errors.ts";
import { checkItems } from "./messages.ts";
import { items as itemShapes, request as requestShape, untypedItem } from "./parameters.ts";

/** Reads and checks a request. Throws `Refusal`. */
export function readRequest(body: string): { request: ResponsesRequest; ask: Ask } {
  const request = parse(body);
  const items = itemsOf(request);
  const parts = [request.instructions ?? "", items, request.tools ?? []];
  return {
    request,
    ask: {
      model: request.model ?? "",
      stream: request.stream === true,
      lastUserText: lastUserText(items),
      prefill: prefillOf(items),
      toolResults: toolResultsOf(items),
      tools: (request.tools ?? []).flatMap(askedTool),
      toolChoice: toolChoiceOf(request.tool_choice),
      parallelToolCalls: request.parallel_tool_calls ?? true,
      reasons: request.reasoning?.effort !== "none",
      output: outputOf(request),
      candidates: 1,
      maxOutputTokens: request.max_output_tokens ?? undefined,
      stop: [],
      inputTokens: estimateTokens(Buffer.byteLength(JSON.stringify(parts))),
    },
  };
}

function parse(body: string): ResponsesRequest {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    const hint = "This likely means you aren't using your HTTP library correctly.";
    refuse(null, null, `We could not parse the JSON body of your request. (HINT: ${hint})`);
  }
  if (!isObject(parsed)) refuse(null, null, "Invalid type for request body: expected an object.");
  check(requestShape, parsed, [], complain);
  const request = parsed as ResponsesRequest;
  if (Array.isArray(request.input)) {
    request.input.forEach((item, index) => {
      const shape = item.type === undefined || item.type === null ? untypedItem : itemShapes;
      check(shape, item, ["input", index], complain);
    });
  }
  checkItems(itemsOf(request));
  checkCombinations(request);
  return request;
}

function checkCombinations(request: ResponsesRequest): void {
  const { previous_response_id: previous, text, tools, tool_choice: choice } = request;
  if (previous) {
    const message = `Previous response with id '${previous}' not found.`;
    refuse("previous_response_not_found", "previous_response_id", message);
  }
  if (request.stream_options && request.stream !== true) {
    refuse(null, "stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled.");
  }
  if (isObject(choice) && (tools ?? []).length === 0) {
    refuse(null, "tool_choice", "Tool choice 'function' not found in 'tools' parameter.");
  }
  const bad = (tools ?? []).findIndex(({ type, name }) => {
    return (type === "function" || type === "custom") && !/^[a-zA-Z0-9_-]+$/.test(String(name));
  });
  if (bad >= 0) {
    const words = "string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.";
    refuse("invalid_value", `tools[${bad}].name`, `Invalid 'tools[${bad}].name': ${words}`);
  }
  if (text?.format?.type === "json_object" && !/json/i.test(JSON.stringify(request.input))) {
    const words = "must contain the word 'json' in some form to use 'text.format' of type 'json_object'.";
    refuse(null, "input", `Response input messages ${words}`);
  }
}

function itemsOf({ input }: ResponsesRequest): readonly InputItem[] {
  return typeof input === "string" ? [{ type: "message", role: "user", content: input }] : (input ?? []);
}

function isMessage(item: InputItem): item is InputMessage {
  return item.type === "message" || item.type === undefined || item.type === null;
}

function lastUserText(items: readonly InputItem[]): string {
  const message = items.filter(isMessage).findLast(({ role }) => role === "user");
  const content = message?.content ?? "";
  if (typeof content === "string") return content;
  const words = textOf(content);
  return words === "" ? `(${content.map(({ type }) => type).join(", ")})` : words;
}

function prefillOf(items: readonly InputItem[]): string | undefined {
  const last = items.at(-1);
  return last && isMessage(last) && last.role === "assistant" ? textOf(last.content) : undefined;
}

function toolResultsOf(items: readonly InputItem[]): string[] {
  const isResult = (item: InputItem) => /^(function_call|custom_tool_call)_output$/.test(item.type ?? "");
  const lastOther = items.findLastIndex((item) => !isResult(item));
  return items.slice(lastOther + 1).map((item) => textOf((item as { output: string | InputContent[] }).output));
}

function textOf(content: string | readonly InputContent[]): string {
  if (typeof content === "string") return content;
  return content.map((part) => ("text" in part ? part.text : "")).join("");
}

function askedTool(tool: RequestTool): AskedTool[] {
  const { type, name, parameters } = tool as { type: string; name?: string; parameters?: unknown };
  if (type !== "function" && type !== "custom") return [];
  return [{ name: name ?? "", schema: parameters ?? undefined, freeText: type === "custom" }];
}

function toolChoiceOf(choice: ResponsesRequest["tool_choice"]): Ask["toolChoice"] {
  if (choice === undefined || choice === null) return "auto";
  if (typeof choice === "string") return choice as "none" | "auto" | "required";
  if ("tools" in choice) return { name: choice.tools?.[0]?.name ?? "" };
  return "name" in choice && choice.name !== undefined ? { name: choice.name } : "auto";
}

function outputOf({ text }: ResponsesRequest): AskedOutput {
  const format = text?.format;
  if (format?.type === "json_schema") return { kind: "json_schema", schema: format.schema };
  return { kind: format?.type === "json_object" ? "json_object" : "text" };
}
