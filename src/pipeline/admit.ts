import { ChatRequestSchema, OnDisconnect, Role, violations, type ChatRequest } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { ChatCall } from "./call.ts";

/**
 * Lets a request in, or says what is wrong with it: the contract's rules, what rules cannot express, and options
 * that this version does not have. JSON within the request may nest `jsonDepth` levels deep, like the request itself.
 * Throws `INVALID_REQUEST` or `UNSUPPORTED_PARAMETER`.
 */
export function admit({ request }: Pick<ChatCall, "request">, { jsonDepth }: { readonly jsonDepth: number }): void {
  checkRules(request);
  checkMessages(request);
  checkTools(request);
  checkJsonObjects(request, jsonDepth);
  checkOptions(request);
}

function checkRules(request: ChatRequest): void {
  const [first, ...others] = violations(ChatRequestSchema, request);
  if (!first) return;
  const more = others.length > 0 ? ` (and ${others.length} more: ${others.map((one) => one.field).join(", ")})` : "";
  throw invalid(first.field, `${first.message}${more}`);
}

function checkMessages(request: ChatRequest): void {
  const last = request.messages.length - 1;
  for (const [index, message] of request.messages.entries()) {
    if (message.prefill === true && (index !== last || message.role !== Role.ASSISTANT)) {
      throw invalid(
        `messages[${index}].prefill`,
        "only the last message can be continued, and it must be the assistant's",
      );
    }
    for (const [partIndex, part] of message.parts.entries()) {
      const field = `messages[${index}].parts[${partIndex}]`;
      if (part.kind.case === undefined && part.state.length === 0) throw invalid(field, "the part has no content");
      if (part.kind.case === "toolResult" && message.role !== Role.TOOL && message.role !== Role.USER) {
        if (part.kind.value.executor === 0) throw invalid(field, "a tool's result must be in a message of role tool");
      }
      if (part.kind.case === "toolCall" && message.role !== Role.ASSISTANT) {
        throw invalid(field, "a tool call must be in a message of role assistant");
      }
    }
  }
}

function checkTools(request: ChatRequest): void {
  const names = new Set<string>();
  for (const [index, tool] of request.tools.entries()) {
    if (tool.kind.case !== "function" && tool.kind.case !== "custom") continue;
    const { name } = tool.kind.value;
    if (names.has(name)) throw invalid(`tools[${index}].${tool.kind.case}.name`, "another tool has the same name");
    names.add(name);
  }
  for (const [index, name] of (request.toolChoice?.names ?? []).entries()) {
    if (!names.has(name)) throw invalid(`tool_choice.names[${index}]`, "no tool of the request has this name");
  }
}

function checkJsonObjects(request: ChatRequest, maxDepth: number): void {
  for (const [index, { kind }] of request.tools.entries()) {
    if (kind.case === "function")
      checkJsonObject(`tools[${index}].function.parameters_json`, kind.value.parametersJson, maxDepth);
    if (kind.case === "native")
      checkJsonObject(`tools[${index}].native.definition_json`, kind.value.definitionJson, maxDepth);
  }
  const format = request.output?.format;
  if (format?.case === "jsonSchema")
    checkJsonObject("output.json_schema.schema_json", format.value.schemaJson, maxDepth);
  for (const [index, raw] of request.rawParams.entries()) {
    checkJsonObject(`raw_params[${index}].json`, raw.json, maxDepth);
    if (raw.provider === undefined && raw.dialect === undefined) {
      throw invalid(`raw_params[${index}]`, "it names neither a provider nor a dialect");
    }
  }
}

function checkJsonObject(field: string, json: string | undefined, maxDepth: number): void {
  if (json === undefined) return;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw invalid(field, "it is not JSON");
  }
  if (!isContainer(value) || Array.isArray(value)) throw invalid(field, "it is not a JSON object");
  if (nestsDeeper(value, maxDepth)) throw invalid(field, `it nests deeper than the limit of ${maxDepth} levels`);
}

function nestsDeeper(container: object, maxDepth: number): boolean {
  if (maxDepth === 0) return true;
  return Object.values(container).some((value) => isContainer(value) && nestsDeeper(value, maxDepth - 1));
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

// What a later version brings is refused until then: an option that does nothing would be a lie.
function checkOptions(request: ChatRequest): void {
  if (request.onDisconnect === OnDisconnect.FINISH) {
    throw notYet("on_disconnect", "this version cancels the upstream call when the caller leaves");
  }
}

function invalid(field: string, what: string): ParleyError {
  return new ParleyError("INVALID_REQUEST", `Cannot accept the request: ${field}: ${what}`, { field });
}

function notYet(field: string, what: string): ParleyError {
  return new ParleyError("UNSUPPORTED_PARAMETER", `Cannot honour ${field}: ${what}`, { field });
}
