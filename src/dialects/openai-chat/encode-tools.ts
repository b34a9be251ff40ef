import { ToolMode, type ChatRequest, type Tool, type ToolChoice, type WebSearchTool } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import { DIALECT_ID, type Body, type EncodeContext, type Unsupported, type WireObject } from "./encode-context.ts";
import { cacheControl } from "./encode-extras.ts";
import { objectOf } from "../json-field.ts";
import type { TargetRules } from "./target-rules.ts";

const NO_ARGUMENTS = '{"type":"object","properties":{}}';
const PLAIN_NAME = /^[a-zA-Z0-9_-]{1,64}$/;

/** Adds the tools and choices to `found` that the target cannot honour. */
export function findUnsupportedTools(request: ChatRequest, rules: TargetRules, found: Unsupported): void {
  if (request.tools.length > 0) {
    const refusal = rules.refusal("tools", "tools");
    if (refusal) found.capability("tools", refusal.reason);
    for (const [index, tool] of request.tools.entries()) findUnsupportedTool(tool, `tools[${index}]`, rules, found);
  }
  const { toolChoice } = request;
  if (!toolChoice || request.tools.length === 0) return;
  const constrains = toolChoice.mode === ToolMode.NONE || toolChoice.mode === ToolMode.REQUIRED;
  if (constrains || toolChoice.names.length > 0) {
    const refusal = rules.refusal("tool_choice", "tool_choice");
    if (refusal) found.capability("tool_choice", refusal.reason);
  }
  if (toolChoice.mode === ToolMode.REQUIRED && request.tools.every(({ kind }) => kind.case === "webSearch")) {
    found.capability("tool_choice.mode", "the wire format cannot demand a search in the web");
  }
  if (toolChoice.parallel !== undefined) {
    const capability = toolChoice.parallel ? "parallel_tools" : undefined;
    const refusal = rules.refusal("tool_choice.parallel", capability);
    if (refusal) found.parameter("tool_choice.parallel", refusal.reason);
  }
}

function findUnsupportedTool(tool: Tool, field: string, rules: TargetRules, found: Unsupported): void {
  const { kind } = tool;
  switch (kind.case) {
    case "function": {
      const refusal = rules.refusal("tools.function");
      if (refusal) found.capability(`${field}.function`, refusal.reason);
      const strict = kind.value.strict ? rules.refusal("tools.function.strict", "strict_tools") : undefined;
      if (strict) found.capability(`${field}.function.strict`, strict.reason);
      findUnusableName(kind.value.name, `${field}.function.name`, rules, found);
      return;
    }
    case "custom": {
      const refusal = rules.refusal("tools.custom", "custom_tools");
      if (refusal) found.capability(`${field}.custom`, refusal.reason);
      findUnusableName(kind.value.name, `${field}.custom.name`, rules, found);
      return;
    }
    case "webSearch":
      findUnsupportedSearch(kind.value, `${field}.web_search`, rules, found);
      return;
    case "native":
      if (kind.value.dialect !== DIALECT_ID) {
        found.capability(
          `${field}.native`,
          `the tool is in the words of ${kind.value.dialect}, the target's are ${DIALECT_ID}`,
        );
      }
      return;
    default:
      found.parameter(field, "the tool has no kind");
  }
}

function findUnusableName(name: string, field: string, rules: TargetRules, found: Unsupported): void {
  if (rules.settings.plain_tool_names && !PLAIN_NAME.test(name)) {
    found.parameter(field, "the provider takes names of 1 to 64 letters, digits, underscores and hyphens");
  }
}

function findUnsupportedSearch(tool: WebSearchTool, field: string, rules: TargetRules, found: Unsupported): void {
  const refusal = rules.settings.web_search
    ? rules.refusal("tools.web_search", "web_search")
    : rules.extensionRefusal("tools.web_search", "web_search");
  if (refusal) found.capability(field, refusal.reason);
  const reason = "the wire format's web search has no such option";
  if (tool.allowedDomains.length > 0) found.parameter(`${field}.allowed_domains`, reason);
  if (tool.blockedDomains.length > 0) found.parameter(`${field}.blocked_domains`, reason);
  if (tool.maxUses !== undefined) found.parameter(`${field}.max_uses`, reason);
}

/** Writes the tools, and whether and which of them may be called. */
export function encodeTools(context: EncodeContext, body: Body): void {
  const { request, rules, adaptations } = context;
  const marks = rules.settings.cache_breakpoints && rules.settings.cache_mark === "cache_control";
  const declared = declaredTools(context);
  const wire: WireObject[] = [];
  for (const [index, tool] of request.tools.entries()) {
    const mark = marks ? tool.cacheBreakpoint : undefined;
    if (tool.cacheBreakpoint && !mark) {
      const reason = "the wire format has no cache marks on tools";
      adaptations.addPart(`tools[${index}].cache_breakpoint`, undefined, reason);
    }
    if (tool.kind.case === "webSearch") {
      // The wire's tool_choice does not reach its web search: where no tool may be called, none is offered.
      if (request.toolChoice?.mode !== ToolMode.NONE) body.set("web_search_options", wireSearch(tool.kind.value));
    } else if (!declared || declared.has(toolName(tool) ?? "")) {
      const field = `tools[${index}]`;
      const declaration = wireTool(tool, field, rules);
      if (mark) declaration["cache_control"] = cacheControl(mark.ttlSeconds, `${field}.cache_breakpoint`, adaptations);
      wire.push(declaration);
    }
  }
  if (wire.length === 0) return;
  body.set("tools", wire);
  if (request.toolChoice) encodeChoice(context, request.toolChoice, body);
}

/** Where only some tools may be called and the provider has no word for that: the names of those to declare. */
function declaredTools({ request, rules, adaptations }: EncodeContext): ReadonlySet<string> | undefined {
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
  if (isOneNamed(toolChoice) || rules.settings.allowed_tools) return undefined;
  const reason = "the provider cannot be told which of the tools are allowed; only these are declared";
  adaptations.add("tool_choice.names", toolChoice.names, { tools: toolChoice.names }, reason);
  return new Set(toolChoice.names);
}

function isOneNamed(choice: ToolChoice): boolean {
  return choice.mode === ToolMode.REQUIRED && choice.names.length === 1;
}

function toolName(tool: Tool): string | undefined {
  return tool.kind.case === "function" || tool.kind.case === "custom" ? tool.kind.value.name : undefined;
}

function encodeChoice({ request, rules }: EncodeContext, choice: ToolChoice, body: Body): void {
  const named = (name: string): WireObject => namedTool(request, name);
  if (choice.mode === ToolMode.NONE) body.set("tool_choice", "none");
  else if (isOneNamed(choice)) body.set("tool_choice", named(choice.names[0] ?? ""));
  else {
    const mode = choice.mode === ToolMode.REQUIRED ? "required" : "auto";
    if (choice.names.length > 0 && rules.settings.allowed_tools) {
      body.set("tool_choice", { type: "allowed_tools", allowed_tools: { mode, tools: choice.names.map(named) } });
    } else if (choice.mode !== ToolMode.UNSPECIFIED) body.set("tool_choice", mode);
  }
  if (choice.parallel !== undefined) body.set("parallel_tool_calls", choice.parallel);
}

function namedTool(request: ChatRequest, name: string): WireObject {
  const type = request.tools.find((tool) => toolName(tool) === name)?.kind.case === "custom" ? "custom" : "function";
  return { type, [type]: { name } };
}

function wireTool(tool: Tool, field: string, { settings }: TargetRules): WireObject {
  const { kind } = tool;
  if (kind.case === "function") {
    const { name, description, parametersJson, strict } = kind.value;
    const json = parametersJson ?? (settings.parameters_required ? NO_ARGUMENTS : undefined);
    const parameters = json === undefined ? undefined : objectOf(json, `${field}.function.parameters_json`);
    return { type: "function", function: { name, description, parameters, strict } };
  }
  if (kind.case === "custom") {
    const { name, description, grammar } = kind.value;
    const format = grammar && {
      type: "grammar",
      grammar: { syntax: grammar.syntax, definition: grammar.definition },
    };
    return { type: "custom", custom: { name, description, format } };
  }
  if (kind.case === "native") {
    const definition = objectOf(kind.value.definitionJson, `${field}.native.definition_json`);
    return definition as unknown as WireObject;
  }
  return {};
}

function wireSearch(tool: WebSearchTool): WireObject {
  const { userLocation } = tool;
  const approximate = userLocation && {
    country: userLocation.country,
    region: userLocation.region,
    city: userLocation.city,
    timezone: userLocation.timezone,
  };
  return {
    search_context_size: tool.contextSize,
    user_location: approximate && { type: "approximate", approximate },
  };
}
