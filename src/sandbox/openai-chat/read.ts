import { Buffer } from "node:buffer";
import type {
  ChatCompletionMessageParam,
  ChatCompletionRequest,
  ChatCompletionTool,
  ChatCompletionToolChoice,
  ResponseFormat,
} from "../../dialects/openai-chat/wire.ts";
import type { Ask, AskedOutput, AskedTool } from "../ask.ts";
import { refuse } from "../openai-service/errors.ts";
import { estimateTokens } from "../tokens.ts";
import { checkMessages } from "./messages.ts";
import { checkParameters, refuseType } from "./parameters.ts";

/** Reads and checks a request. Throws `Refusal`. */
export function readRequest(body: string): { request: ChatCompletionRequest; ask: Ask } {
  const request = checkRequest(parse(body));
  const { messages } = request;
  return {
    request,
    ask: {
      model: request.model,
      stream: request.stream === true,
      lastUserText: lastUserText(messages),
      prefill: prefillOf(messages),
      toolResults: toolResultsOf(messages),
      tools: [...(request.tools ?? []).map(askedTool), ...(request.functions ?? []).map(askedFunction)],
      toolChoice: toolChoiceOf(request.tool_choice),
      parallelToolCalls: request.parallel_tool_calls ?? true,
      reasons: request.reasoning_effort !== "none",
      output: outputOf(request.response_format),
      candidates: request.n ?? 1,
      maxOutputTokens: request.max_completion_tokens ?? request.max_tokens ?? undefined,
      stop: typeof request.stop === "string" ? [request.stop] : (request.stop ?? []),
      inputTokens: estimateTokens(Buffer.byteLength(JSON.stringify([messages, request.tools ?? []]))),
    },
  };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    const hint = "This likely means you aren't using your HTTP library correctly.";
    refuse(null, null, `We could not parse the JSON body of your request. (HINT: ${hint})`);
  }
}

function checkRequest(parsed: unknown): ChatCompletionRequest {
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    refuse(null, null, "Invalid type for request body: expected an object.");
  }
  const request = parsed as Readonly<Record<string, unknown>>;
  for (const name of ["model", "messages"]) {
    const missing = request[name] === undefined || request[name] === null;
    if (missing) refuse("missing_required_parameter", name, `Missing required parameter: '${name}'.`);
  }
  if (typeof request["model"] !== "string") refuseType("model", "a string", request["model"]);
  checkParameters(request);
  checkMessages(request["messages"]);
  checkTools(request["tools"]);
  asList(request["functions"]).forEach((definition, index) => checkDefinition(definition, `functions[${index}]`));
  return parsed as ChatCompletionRequest;
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

type Member = Readonly<Record<string, unknown>>;

function checkTools(tools: unknown): void {
  if (!Array.isArray(tools)) return;
  tools.forEach((tool: Member, index) => {
    const path = `tools[${index}]`;
    const { type } = tool;
    if (type !== "function" && type !== "custom") {
      const found = JSON.stringify(type) ?? "nothing";
      refuse(
        "invalid_value",
        `${path}.type`,
        `Invalid value: ${found}. Supported values are: 'function' and 'custom'.`,
      );
    }
    checkDefinition(tool[type], `${path}.${type}`);
  });
}

function checkDefinition(definition: unknown, path: string): void {
  const { name, parameters } = (definition ?? {}) as Member;
  if (typeof name !== "string") {
    refuse("missing_required_parameter", `${path}.name`, `Missing required parameter: '${path}.name'.`);
  }
  if (!/^[a-zA-Z0-9_-]{1,64}$/.test(name)) {
    const words = "string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.";
    refuse("invalid_value", `${path}.name`, `Invalid '${path}.name': ${words}`);
  }
  if (
    parameters !== undefined &&
    parameters !== null &&
    (typeof parameters !== "object" || Array.isArray(parameters))
  ) {
    refuseType(`${path}.parameters`, "an object", parameters);
  }
}

function lastUserText(messages: readonly ChatCompletionMessageParam[]): string {
  const content = messages.findLast((message) => message.role === "user")?.content ?? "";
  if (typeof content === "string") return content;
  const text = content.map((part) => (part.type === "text" ? part.text : "")).join("");
  return text === "" ? `(${content.map((part) => part.type).join(", ")})` : text;
}

function prefillOf(messages: readonly ChatCompletionMessageParam[]): string | undefined {
  const last = messages.at(-1);
  return last?.role === "assistant" && typeof last.content === "string" ? last.content : undefined;
}

function toolResultsOf(messages: readonly ChatCompletionMessageParam[]): string[] {
  const lastOther = messages.findLastIndex((message) => message.role !== "tool");
  return messages.slice(lastOther + 1).map(({ content }) => {
    if (typeof content === "string") return content;
    return (content ?? []).map((part) => (part.type === "text" ? part.text : "")).join("");
  });
}

function askedTool(tool: ChatCompletionTool): AskedTool {
  if (tool.type === "custom") return { name: tool.custom.name, schema: undefined, freeText: true };
  return askedFunction(tool.function);
}

function askedFunction(definition: { name: string; parameters?: unknown }): AskedTool {
  return { name: definition.name, schema: definition.parameters ?? undefined, freeText: false };
}

function toolChoiceOf(choice: ChatCompletionToolChoice | null | undefined): Ask["toolChoice"] {
  if (choice === null || choice === undefined || typeof choice === "string") return choice ?? "auto";
  if (choice.type === "allowed_tools") return toolChoiceOf(choice.allowed_tools?.tools?.[0]);
  return { name: choice.type === "custom" ? choice.custom?.name : choice.function?.name };
}

function outputOf(format: ResponseFormat | null | undefined): AskedOutput {
  if (format?.type === "json_schema") return { kind: "json_schema", schema: format.json_schema?.schema ?? {} };
  return { kind: format?.type === "json_object" ? "json_object" : "text" };
}
