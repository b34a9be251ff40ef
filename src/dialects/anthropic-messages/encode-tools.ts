import { ToolMode, type ChatRequest, type Tool, type ToolChoice, type WebSearchTool } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import { objectOf } from "../json-field.ts";
import { RawJson, objectMembers, rawObject } from "../json-text.ts";
import type { UnsupportedFields } from "../refusals.ts";
import { betaOfTool } from "./betas.ts";
import { isPlainName } from "./call-ids.ts";
import { compileSchema, tellChanges } from "./compile-schema.ts";
import { DIALECT_ID, type Body, type EncodeContext, type WireObject } from "./encode-context.ts";
import { reasoningState } from "./encode-reasoning.ts";
import type { TargetRules } from "./target-rules.ts";

const WEB_SEARCH_NAME = "web_search";

/** Adds the tools and choices to `found` that the target cannot honour. */
export function findUnsupportedTools(request: ChatRequest, rules: TargetRules, found: UnsupportedFields): void {
  if (request.tools.length === 0) return;
  const refusal = rules.refusal("tools", "tools");
  if (refusal) found.capability("tools", refusal.reason);
  for (const [index, tool] of request.tools.entries()) findUnsupportedTool(tool, `tools[${index}]`, rules, found);
  const { toolChoice } = request;
  if (!toolChoice) return;
  const constrains = toolChoice.mode === ToolMode.NONE || toolChoice.mode === ToolMode.REQUIRED;
  if (constrains || toolChoice.names.length > 0) {
    const refused = rules.refusal("tool_choice", "tool_choice");
    if (refused) found.capability("tool_choice", refused.reason);
  }
  if (toolChoice.mode === ToolMode.REQUIRED && reasoningState(request) === "on") {
    found.parameter(
      "tool_choice.mode",
      "the provider cannot demand a call while the model reasons; switch reasoning off",
    );
  }
  if (toolChoice.parallel !== undefined) {
    const refused = rules.refusal("tool_choice.parallel", toolChoice.parallel ? "parallel_tools" : undefined);
    if (refused) found.parameter("tool_choice.parallel", refused.reason);
  }
}

function findUnsupportedTool({ kind }: Tool, field: string, rules: TargetRules, found: UnsupportedFields): void {
  switch (kind.case) {
    case "function": {
      const { name, strict, parametersJson } = kind.value;
      if (!isPlainName(name)) {
        found.parameter(
          `${field}.function.name`,
          "the provider takes names of 1 to 128 letters, digits, underscores and hyphens",
        );
      }
      if (strict === true) findUnsupportedStrict(parametersJson, `${field}.function`, rules, found);
      return;
    }
    case "custom":
      found.capability(`${field}.custom`, "the wire format has no tools that take free text");
      return;
    case "webSearch":
      findUnsupportedSearch(kind.value, `${field}.web_search`, rules, found);
      return;
    case "native":
      if (kind.value.dialect !== DIALECT_ID) {
        const reason = `the tool is in the words of ${kind.value.dialect}, the target's are ${DIALECT_ID}`;
        found.capability(`${field}.native`, reason);
      }
      return;
    default:
      found.parameter(field, "the tool has no kind");
  }
}

function findUnsupportedStrict(
  parametersJson: string | undefined,
  field: string,
  rules: TargetRules,
  found: UnsupportedFields,
): void {
  const refusal = rules.refusal("tools.function.strict", "strict_tools");
  if (refusal || !rules.settings.strict_tools) {
    found.capability(
      `${field}.strict`,
      refusal?.reason ?? "the provider is not known to keep arguments to their schema",
    );
    return;
  }
  const object = parametersJson === undefined ? undefined : rawObject(parametersJson);
  for (const { path, problem, binding } of object ? compileSchema(object).losses : []) {
    if (binding) found.parameter(`${field}.parameters_json${path}`, problem);
  }
}

function findUnsupportedSearch(tool: WebSearchTool, field: string, rules: TargetRules, found: UnsupportedFields): void {
  const refusal = rules.refusal("tools.web_search", WEB_SEARCH_NAME);
  if (refusal || rules.settings.web_search_tool === "") {
    found.capability(field, refusal?.reason ?? "the provider is not known to search the web");
  }
  if (tool.contextSize !== undefined) {
    found.parameter(`${field}.context_size`, "the wire format's web search has no such option");
  }
  if (tool.allowedDomains.length > 0 && tool.blockedDomains.length > 0) {
    found.parameter(`${field}.blocked_domains`, "the provider takes either allowed or blocked domains");
  }
}

/** Writes the tools, and whether and which of them may be called. */
export function encodeTools(context: EncodeContext, body: Body): void {
  const { request, cacheMarks } = context;
  const declared = declaredTools(context);
  const wire: WireObject[] = [];
  for (const [index, tool] of request.tools.entries()) {
    if (declared && !declared.has(toolName(tool) ?? "")) continue;
    const field = `tools[${index}]`;
    const made = wireTool(context, tool, field);
    cacheMarks.add(made, tool.cacheBreakpoint, `${field}.cache_breakpoint`);
    wire.push(made);
  }
  if (wire.length === 0) return;
  body.set("tools", wire);
  const choice = request.toolChoice ? wireChoice(request.toolChoice) : undefined;
  if (choice) body.set("tool_choice", choice);
}

/** Where only some tools may be called, for which the wire has no word: the names of those to declare. */
function declaredTools({ request, adaptations }: EncodeContext): ReadonlySet<string> | undefined {
  const { toolChoice } = request;
  if (!toolChoice || toolChoice.names.length === 0 || toolChoice.mode === ToolMode.NONE) return undefined;
  const known = new Set(request.tools.map(toolName));
  const missing = toolChoice.names.findIndex((name) => !known.has(name));
  if (missing >= 0) {
    const field = `tool_choice.names[${missing}]`;
    throw new ParleyError("INVALID_REQUEST", `Cannot choose among tools: ${field} is not the name of a declared tool`, {
      field,
    });
  }
  if (isOneNamed(toolChoice)) return undefined;
  const reason = "the wire format cannot say which of the tools are allowed; only these are declared";
  adaptations.add("tool_choice.names", toolChoice.names, { tools: toolChoice.names }, reason);
  return new Set(toolChoice.names);
}

function isOneNamed(choice: ToolChoice): boolean {
  return choice.mode === ToolMode.REQUIRED && choice.names.length === 1;
}

function toolName({ kind }: Tool): string | undefined {
  switch (kind.case) {
    case "function":
    case "custom":
      return kind.value.name;
    case "webSearch":
      return WEB_SEARCH_NAME;
    case "native": {
      const name = objectMembers(kind.value.definitionJson)?.get("name")?.text;
      return name?.startsWith('"') ? (JSON.parse(name) as string) : undefined;
    }
    default:
      return undefined;
  }
}

function wireChoice(choice: ToolChoice): WireObject | undefined {
  if (choice.mode === ToolMode.NONE) return { type: "none" };
  const single = choice.parallel === undefined ? undefined : !choice.parallel;
  if (isOneNamed(choice)) return { type: "tool", name: choice.names[0], disable_parallel_tool_use: single };
  if (choice.mode === ToolMode.REQUIRED) return { type: "any", disable_parallel_tool_use: single };
  if (choice.mode === ToolMode.UNSPECIFIED && single === undefined) return undefined;
  return { type: "auto", disable_parallel_tool_use: single };
}

function wireTool(context: EncodeContext, { kind, cacheBreakpoint }: Tool, field: string): WireObject {
  switch (kind.case) {
    case "function": {
      const { name, description, parametersJson, strict } = kind.value;
      const parameters = `${field}.function.parameters_json`;
      const schema = parametersJson === undefined ? undefined : objectOf(parametersJson, parameters);
      return { name, description, input_schema: inputSchema(context, schema, strict, parameters), strict };
    }
    case "webSearch":
      return wireSearch(kind.value, context.rules.settings.web_search_tool);
    case "native": {
      const beta = betaOfTool(kind.value.type);
      if (beta !== undefined) context.betas.add(beta);
      const definition = objectOf(kind.value.definitionJson, `${field}.native.definition_json`);
      if (!cacheBreakpoint) return definition as unknown as WireObject;
      return Object.fromEntries(objectMembers(definition.text) ?? []);
    }
    default:
      return {};
  }
}

const NO_PARAMETERS = new RawJson('{"type":"object","properties":{}}');

// What the wire takes no schema for at the top of a tool's arguments.
const NOT_AT_TOP = ["anyOf", "oneOf", "allOf"];

/** The schema of a tool's arguments: of an object, its alternatives inside. */
function inputSchema(
  { adaptations }: EncodeContext,
  given: RawJson | undefined,
  strict: boolean | undefined,
  field: string,
): unknown {
  if (!given) return NO_PARAMETERS;
  const compiled = strict === true ? compileSchema(given) : undefined;
  if (compiled) tellChanges(compiled, field, adaptations);
  const schema = compiled?.schema ?? given;
  const members = objectMembers(schema.text) ?? new Map<string, RawJson>();
  const left = NOT_AT_TOP.filter((keyword) => members.has(keyword));
  if (left.length === 0 && members.has("type")) return schema;
  for (const keyword of left) {
    const reason = "the provider takes no alternatives at the top of a tool's schema; they were left out";
    adaptations.add(`${field}.${keyword}`, undefined, undefined, reason);
    members.delete(keyword);
  }
  if (!members.has("type")) {
    const reason = "the provider takes schemas of objects only; the type was added";
    adaptations.add(`${field}.type`, undefined, "object", reason);
    members.set("type", new RawJson('"object"'));
  }
  return members;
}

function wireSearch(tool: WebSearchTool, type: string): WireObject {
  const { userLocation: place, allowedDomains, blockedDomains } = tool;
  return {
    type,
    name: WEB_SEARCH_NAME,
    allowed_domains: allowedDomains.length > 0 ? allowedDomains : undefined,
    blocked_domains: blockedDomains.length > 0 ? blockedDomains : undefined,
    max_uses: tool.maxUses,
    user_location: place && {
      type: "approximate",
      country: place.country,
      region: place.region,
      city: place.city,
      timezone: place.timezone,
    },
  };
}
