import { ToolMode, type ChatRequest, type Tool, type ToolChoice, type WebSearchTool } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import { objectOf } from "../json-field.ts";
import { RawJson, objectMembers } from "../json-text.ts";
import type { Body, EncodeContext, WireObject } from "./encode-context.ts";
import { compileSchema } from "./schema-subset.ts";

/** Writes the tools, and whether and which of them may be called. */
export function encodeTools(context: EncodeContext, body: Body): void {
  const { request, adaptations } = context;
  const declared = declaredTools(context);
  const wire: unknown[] = [];
  for (const [index, tool] of request.tools.entries()) {
    if (tool.cacheBreakpoint) {
      const reason = "the wire format has no cache marks on tools";
      adaptations.addPart(`tools[${index}].cache_breakpoint`, undefined, reason);
    }
    if (!declared || declared.has(nameOf(tool) ?? "")) wire.push(wireTool(context, tool, `tools[${index}]`));
  }
  if (wire.length === 0) return;
  body.set("tools", wire);
  if (request.toolChoice) encodeChoice(context, request.toolChoice, body);
  const mostUses = mostSearches(request);
  if (mostUses !== undefined) body.set("max_tool_calls", mostUses);
}

/** The most searches that are allowed, where searches are all that the provider's own tools can be. */
export function mostSearches({ tools }: ChatRequest): number | undefined {
  const own = tools.filter(({ kind }) => kind.case === "webSearch" || kind.case === "native");
  const [only] = own;
  return own.length === 1 && only?.kind.case === "webSearch" ? only.kind.value.maxUses : undefined;
}

/** Where only some tools may be called and the provider has no word for that: the names of those to declare. */
function declaredTools({ request, rules, adaptations }: EncodeContext): ReadonlySet<string> | undefined {
  const { toolChoice } = request;
  if (!toolChoice || toolChoice.names.length === 0 || toolChoice.mode === ToolMode.NONE) return undefined;
  const known = new Set(request.tools.map(nameOf));
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

/** The name by which a tool is chosen; undefined where it has none. */
function nameOf({ kind }: Tool): string | undefined {
  if (kind.case === "function" || kind.case === "custom") return kind.value.name;
  if (kind.case !== "native") return undefined;
  const name = objectMembers(kind.value.definitionJson)?.get("name")?.text;
  return name?.startsWith('"') ? (JSON.parse(name) as string) : undefined;
}

function encodeChoice({ request, rules }: EncodeContext, choice: ToolChoice, body: Body): void {
  const named = (name: string): WireObject => namedTool(request, name);
  if (choice.mode === ToolMode.NONE) body.set("tool_choice", "none");
  else if (isOneNamed(choice)) body.set("tool_choice", named(choice.names[0] ?? ""));
  else {
    const mode = choice.mode === ToolMode.REQUIRED ? "required" : "auto";
    if (choice.names.length > 0 && rules.settings.allowed_tools) {
      body.set("tool_choice", { type: "allowed_tools", mode, tools: choice.names.map(named) });
    } else if (choice.mode !== ToolMode.UNSPECIFIED) body.set("tool_choice", mode);
  }
  if (choice.parallel !== undefined) body.set("parallel_tool_calls", choice.parallel);
}

function namedTool(request: ChatRequest, name: string): WireObject {
  const kind = request.tools.find((tool) => nameOf(tool) === name)?.kind;
  const type = kind?.case === "native" ? kind.value.type : kind?.case === "custom" ? "custom" : "function";
  return { type, name };
}

// The format wants a schema; this one takes nothing, in strict mode too.
const NO_ARGUMENTS = new RawJson('{"type":"object","properties":{},"required":[],"additionalProperties":false}');

function wireTool(context: EncodeContext, tool: Tool, field: string): unknown {
  const { kind } = tool;
  switch (kind.case) {
    case "function": {
      const { name, description, parametersJson: text, strict } = kind.value;
      const path = `${field}.function.parameters_json`;
      const parameters = text === undefined ? NO_ARGUMENTS : compileSchema(context, text, path);
      // Unset, the format would make every argument required, which other formats and the contract do not.
      return { type: "function", name, description, parameters, strict: strict ?? false };
    }
    case "custom": {
      const { name, description, grammar } = kind.value;
      const format = grammar && { type: "grammar", syntax: grammar.syntax, definition: grammar.definition };
      return { type: "custom", name, description, format };
    }
    case "webSearch":
      return wireSearch(context.rules.settings.web_search_type, kind.value);
    case "native":
      return objectOf(kind.value.definitionJson, `${field}.native.definition_json`);
    default:
      return {};
  }
}

function wireSearch(type: string, tool: WebSearchTool): WireObject {
  const { userLocation: place, allowedDomains } = tool;
  return {
    type,
    filters: allowedDomains.length > 0 ? { allowed_domains: allowedDomains } : undefined,
    search_context_size: tool.contextSize,
    user_location: place && {
      type: "approximate",
      country: place.country,
      region: place.region,
      city: place.city,
      timezone: place.timezone,
    },
  };
}
