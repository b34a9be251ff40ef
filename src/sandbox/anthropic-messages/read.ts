import { Buffer } from "node:buffer";
import type { IncomingHttpHeaders } from "node:http";
import type { ContentParam, MessageParam, MessagesRequest, ToolParam } from "../../dialects/anthropic-messages/wire.ts";
import type { Ask, AskedTool } from "../ask.ts";
import { check } from "../shape.ts";
import { estimateTokens } from "../tokens.ts";
import { Refusal } from "../wire-format.ts";
import { complain, failure, refuse } from "./errors.ts";
import { blocksOf, checkMessages } from "./messages.ts";
import { functionTool, request as requestShape } from "./parameters.ts";

/** Throws `Refusal` unless the request carries a version, and a key that is not `invalid`. */
export function authorise(headers: IncomingHttpHeaders): void {
  const bearer = headers.authorization?.replace(/^bearer\s+/i, "");
  const key = headers["x-api-key"] ?? bearer;
  if (key === undefined || key === "") refuse("x-api-key header is required", 401, "authentication_error");
  if (key === "invalid") throw new Refusal(failure("invalid_key", { model: "" }));
  if (headers["anthropic-version"] === undefined) refuse("anthropic-version: header is required");
}

/** Reads and checks a request. Throws `Refusal`. */
export function readRequest(body: string): { request: MessagesRequest; ask: Ask } {
  const request = parse(body);
  const { messages, tools, tool_choice: choice, output_config: output } = request;
  const schema = output?.format?.schema;
  return {
    request,
    ask: {
      model: request.model ?? "",
      stream: request.stream === true,
      lastUserText: lastUserText(messages),
      prefill: prefillOf(messages),
      toolResults: toolResultsOf(messages),
      tools: (tools ?? []).flatMap(askedTool),
      toolChoice: toolChoiceOf(choice),
      parallelToolCalls: !(choice && "disable_parallel_tool_use" in choice && choice.disable_parallel_tool_use),
      reasons: request.thinking?.type !== "disabled",
      output: schema ? { kind: "json_schema", schema } : { kind: "text" },
      candidates: 1,
      maxOutputTokens: request.max_tokens,
      stop: request.stop_sequences ?? [],
      inputTokens: estimateTokens(Buffer.byteLength(JSON.stringify([request.system ?? "", messages, tools ?? []]))),
    },
  };
}

function parse(body: string): MessagesRequest {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    refuse("The request body is not valid JSON");
  }
  check(requestShape, parsed, [], (complaint) =>
    complaint.path.length === 0 ? refuse("Input should be a valid dictionary") : complain(complaint),
  );
  const request = parsed as MessagesRequest;
  (request.tools ?? []).forEach((tool, index) => {
    if (!isServerTool(tool)) check(functionTool, tool, ["tools", index, "custom"], complain);
  });
  checkCombinations(request);
  checkMessages(request);
  return request;
}

function checkCombinations(request: MessagesRequest): void {
  const { thinking, max_tokens: maxTokens, temperature, tool_choice: choice, stop_sequences: stop } = request;
  if (thinking?.type === "enabled" && thinking.budget_tokens >= maxTokens) {
    refuse("`max_tokens` must be greater than `thinking.budget_tokens`.");
  }
  const thinks = thinking?.type === "enabled" || thinking?.type === "adaptive";
  if (thinks && (temperature ?? 1) !== 1) {
    refuse("`temperature` may only be set to 1 when thinking is enabled or in adaptive mode.");
  }
  if (thinks && (choice?.type === "any" || choice?.type === "tool")) {
    refuse("Thinking may not be enabled when tool_choice forces tool use.");
  }
  if (choice && choice.type !== "none" && (request.tools ?? []).length === 0) {
    refuse("tool_choice: tool_choice may only be specified while providing tools");
  }
  if ((stop ?? []).some((one) => one.trim() === "")) {
    refuse("stop_sequences: each stop sequence must contain non-whitespace");
  }
}

function isServerTool({ type }: ToolParam): boolean {
  return typeof type === "string" && type !== "custom";
}

function askedTool(tool: ToolParam): AskedTool[] {
  if (isServerTool(tool)) return [];
  return [{ name: tool.name ?? "", schema: tool.input_schema, freeText: false }];
}

function toolChoiceOf(choice: MessagesRequest["tool_choice"]): Ask["toolChoice"] {
  if (choice?.type === "tool") return { name: choice.name };
  if (choice?.type === "any") return "required";
  return choice?.type === "none" ? "none" : "auto";
}

function lastUserText(messages: readonly MessageParam[]): string {
  const says = (block: ContentParam) => block.type !== "tool_result";
  const last = messages.findLast((message) => message.role === "user" && blocksOf(message).some(says));
  const blocks = last ? blocksOf(last).filter(says) : [];
  const words = textOf(blocks);
  return words === "" && blocks.length > 0 ? `(${blocks.map(({ type }) => type).join(", ")})` : words;
}

function prefillOf(messages: readonly MessageParam[]): string | undefined {
  const last = messages.at(-1);
  if (last?.role !== "assistant") return undefined;
  return textOf(blocksOf(last));
}

function toolResultsOf(messages: readonly MessageParam[]): string[] {
  const last = messages.at(-1);
  return (last ? blocksOf(last) : []).flatMap((block) => {
    if (block.type !== "tool_result") return [];
    return [typeof block.content === "string" ? block.content : textOf(block.content ?? [])];
  });
}

function textOf(blocks: readonly ContentParam[]): string {
  return blocks.map((block) => (block.type === "text" ? block.text : "")).join("");
}
