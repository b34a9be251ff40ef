import { ToolMode, type ChatRequest, type FunctionTool, type Tool, type WebSearchTool } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import { objectOf } from "../json-field.ts";
import { DIALECT_ID, type Body, type EncodeContext, type WireObject, type Unsupported } from "./encode-context.ts";
import { compiledSchema, noteRemoved } from "./encode-output.ts";
import type { TargetRules } from "./target-rules.ts";

const NAME = /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$/;

/** Adds the tools and choices to `found` that the target cannot honour. */
export function findUnsupportedTools(request: ChatRequest, rules: TargetRules, found: Unsupported): void {
  const { tools } = request;
  if (tools.length === 0) return;
  const refusal = rules.refusal("tools", "tools");
  if (refusal) found.capability("tools", refusal.reason);
  for (const [index, tool] of tools.entries()) findUnsupportedTool(tool, `tools[${index}]`, rules, found);
  const functions = tools.filter(({ kind }) => kind.case === "function").length;
  if (functions > 0 && functions < tools.length && !rules.settings.mixed_tools) {
    found.capability("tools", "the model takes either functions or tools that the provider runs, not both");
  }
  findUnsupportedChoice(request, functions, rules, found);
}

function findUnsupportedChoice(request: ChatRequest, functions: number, rules: TargetRules, found: Unsupported): void {
  const { toolChoice } = request;
  if (!toolChoice) return;
  const constrains = toolChoice.mode === ToolMode.NONE || toolChoice.mode === ToolMode.REQUIRED;
  if (constrains || toolChoice.names.length > 0) {
    const refusal = rules.refusal("tool_choice", "tool_choice");
    if (refusal) found.capability("tool_choice", refusal.reason);
  }
  if (toolChoice.mode === ToolMode.REQUIRED && functions === 0) {
    found.capability("tool_choice.mode", "the wire format can demand calls of functions only");
  }
  if (toolChoice.parallel === false) {
    found.parameter("tool_choice.parallel", "the wire format cannot forbid several calls at once");
  }
}

function findUnsupportedTool(tool: Tool, field: string, rules: TargetRules, found: Unsupported): void {
  const { kind } = tool;
  switch (kind.case) {
    case "function":
      findUnsupportedFunction(kind.value, `${field}.function`, rules, found);
      return;
    case "custom":
      found.capability(`${field}.custom`, "the wire format has no tools that take free text");
      return;
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

function findUnsupportedFunction(tool: FunctionTool, field: string, rules: TargetRules, found: Unsupported): void {
  if (!NAME.test(tool.name)) {
    found.parameter(`${field}.name`, "the provider takes names that begin with a letter or an underscore");
  }
  if (tool.strict !== true) return;
  const refusal = rules.refusal("tools.function.strict", "strict_tools");
  if (refusal) found.capability(`${field}.strict`, refusal.reason);
  else if (!rules.settings.validated_calls) {
    found.capability(`${field}.strict`, "the model cannot be held to the schema of a function");
  }
  if (rules.settings.schema_dialect === "json_schema" || tool.parametersJson === undefined) return;
  const lost = compiledSchema(tool.parametersJson, "openapi")?.removed.find(({ constrains }) => constrains);
  if (!lost) return;
  const reason = `the provider does not understand ${lost.keyword} at ${lost.place}, and the function is strict`;
  found.parameter(`${field}.parameters_json`, reason);
}

function findUnsupportedSearch(tool: WebSearchTool, field: string, rules: TargetRules, found: Unsupported): void {
  const refusal = rules.refusal("tools.web_search", "web_search");
  if (refusal) found.capability(field, refusal.reason);
  const cannot = (name: string, isAsked: boolean): void => {
    if (isAsked) found.parameter(`${field}.${name}`, "the provider's search cannot be told");
  };
  cannot("allowed_domains", tool.allowedDomains.length > 0);
  cannot("blocked_domains", tool.blockedDomains.length > 0 && !rules.settings.exclude_domains);
  cannot("max_uses", tool.maxUses !== undefined);
  cannot("context_size", tool.contextSize !== undefined);
  cannot("user_location", tool.userLocation !== undefined);
}

/** Writes the tools and which of them may or must be called. */
export function encodeTools(context: EncodeContext, body: Body): void {
  const { request, rules, adaptations } = context;
  const { toolChoice } = request;
  const declared = declaredNames(context);
  const functions: WireObject[] = [];
  const others: unknown[] = [];
  for (const [index, tool] of request.tools.entries()) {
    const field = `tools[${index}]`;
    if (tool.cacheBreakpoint) {
      adaptations.addPart(`${field}.cache_breakpoint`, undefined, "the wire format has no cache marks");
    }
    if (tool.kind.case === "function") {
      const { name } = tool.kind.value;
      if (!declared || declared.has(name)) functions.push(wireFunction(context, tool.kind.value, `${field}.function`));
    } else if (toolChoice?.mode !== ToolMode.NONE) {
      // The wire's choice does not reach tools that the provider runs: where none may be called, none is offered.
      others.push(wireServerTool(tool, field));
    }
  }
  const tools = functions.length > 0 ? [{ functionDeclarations: functions }, ...others] : others;
  if (tools.length === 0) return;
  body.set("tools", tools);
  const config: Body = new Map();
  if (functions.length > 0) encodeChoice(context, config);
  if (others.length > 0 && rules.settings.server_tool_calls) config.set("includeServerSideToolInvocations", true);
  if (config.size > 0) body.set("toolConfig", config);
}

// Where only some functions may be called and the model has no word for that: the names of those to declare.
function declaredNames({ request, rules, adaptations }: EncodeContext): ReadonlySet<string> | undefined {
  const { toolChoice } = request;
  if (!toolChoice || toolChoice.names.length === 0 || toolChoice.mode === ToolMode.NONE) return undefined;
  const known = new Set(request.tools.map(({ kind }) => (kind.case === "function" ? kind.value.name : undefined)));
  const missing = toolChoice.names.findIndex((name) => !known.has(name));
  if (missing >= 0) {
    const field = `tool_choice.names[${missing}]`;
    throw new ParleyError(
      "INVALID_REQUEST",
      `Cannot choose among tools: ${field} is not the name of a declared function`,
      {
        field,
      },
    );
  }
  if (toolChoice.mode === ToolMode.REQUIRED || rules.settings.validated_calls) return undefined;
  const reason = "the provider cannot be told which of the tools are allowed; only these are declared";
  adaptations.add("tool_choice.names", toolChoice.names, { tools: toolChoice.names }, reason);
  return new Set(toolChoice.names);
}

function encodeChoice({ request, rules, adaptations }: EncodeContext, config: Body): void {
  const { toolChoice } = request;
  const names = toolChoice?.names ?? [];
  const strict = request.tools.filter(({ kind }) => kind.case === "function" && kind.value.strict === true).length;
  const functions = request.tools.filter(({ kind }) => kind.case === "function").length;
  const isFree = toolChoice?.mode !== ToolMode.NONE && toolChoice?.mode !== ToolMode.REQUIRED;
  const isValidated = isFree && rules.settings.validated_calls && (strict > 0 || names.length > 0);
  if (strict > 0 && strict < functions && toolChoice?.mode !== ToolMode.NONE) {
    const reason = "the wire format holds all functions to their schemas or none; it holds all";
    adaptations.add("tools.function.strict", `${strict} of ${functions}`, "all", reason);
  }
  const mode = isValidated ? "VALIDATED" : modeWord(toolChoice?.mode);
  if (mode === undefined) return;
  const takesNames = (mode === "VALIDATED" || mode === "ANY") && names.length > 0;
  config.set("functionCallingConfig", { mode, allowedFunctionNames: takesNames ? names : undefined });
}

function modeWord(mode: ToolMode | undefined): string | undefined {
  if (mode === ToolMode.NONE) return "NONE";
  if (mode === ToolMode.REQUIRED) return "ANY";
  return mode === ToolMode.AUTO ? "AUTO" : undefined;
}

function wireFunction(context: EncodeContext, tool: FunctionTool, field: string): WireObject {
  const { name, description, parametersJson } = tool;
  const wire: WireObject = { name, description };
  if (parametersJson === undefined) return wire;
  const path = `${field}.parameters_json`;
  const parameters = objectOf(parametersJson, path);
  if (context.rules.settings.schema_dialect === "json_schema") {
    // As recorded traffic shows, the service takes any keyword here.
    wire["parametersJsonSchema"] = parameters;
    return wire;
  }
  const compiled = compiledSchema(parametersJson, "openapi");
  wire["parameters"] = compiled?.schema ?? parameters;
  noteRemoved(context, path, compiled);
  return wire;
}

function wireServerTool({ kind }: Tool, field: string): unknown {
  if (kind.case === "native") return objectOf(kind.value.definitionJson, `${field}.native.definition_json`);
  if (kind.case !== "webSearch") return {};
  const { blockedDomains } = kind.value;
  return { googleSearch: { excludeDomains: blockedDomains.length > 0 ? blockedDomains : undefined } };
}
