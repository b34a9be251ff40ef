import { create } from "@bufbuild/protobuf";
import {
  ToolChoiceSchema,
  ToolMode,
  ToolSchema,
  type FunctionTool,
  type Grammar,
  type Tool,
  type ToolChoice,
} from "../../contract/index.ts";
import { cacheMark } from "./decode-content.ts";
import {
  arrayAt,
  checkMembers,
  invalidField,
  isSet,
  notOneOf,
  objectAt,
  optionalArray,
  optionalBoolean,
  optionalObject,
  optionalString,
  pathTo,
  requiredString,
  type JsonObject,
} from "./fields.ts";
import type { JsonText } from "./json-text.ts";

/** The tools of a request and what constrains them. */
export interface DecodedTools {
  readonly tools: Tool[];
  readonly toolChoice: ToolChoice | undefined;
  /** Whether the request uses the deprecated `functions`; its answer then has `function_call`. */
  readonly legacy: boolean;
}

/** What a request without any of them has. */
export function noTools(): DecodedTools {
  return { tools: [], toolChoice: undefined, legacy: false };
}

/** Decodes `tools`, `functions`, `web_search_options`, `tool_choice`, `function_call` and `parallel_tool_calls`. */
export function decodeTools(body: JsonText): DecodedTools {
  const { root } = body;
  const legacy = isSet(root["functions"]) || isSet(root["function_call"]);
  if (legacy && (isSet(root["tools"]) || isSet(root["tool_choice"]))) {
    throw invalidField(
      "functions",
      "it is the predecessor of tools; send either functions and function_call, or tools and tool_choice",
    );
  }
  const tools = (optionalArray(root, "tools", "") ?? []).map((value, index) =>
    decodeTool(body, value, `tools[${index}]`),
  );
  for (const [index, value] of (optionalArray(root, "functions", "") ?? []).entries()) {
    const at = `functions[${index}]`;
    tools.push(
      create(ToolSchema, { kind: { case: "function", value: decodeFunction(body, objectAt(value, at), at) } }),
    );
  }
  const search = optionalObject(root, "web_search_options", "");
  if (search) tools.push(decodeWebSearch(search, "web_search_options"));
  return { tools, toolChoice: decodeToolChoice(root), legacy };
}

const FUNCTION_TOOL_FIELDS = new Set(["type", "function", "cache_control", "prompt_cache_breakpoint"]);
const CUSTOM_TOOL_FIELDS = new Set(["type", "custom", "cache_control", "prompt_cache_breakpoint"]);

function decodeTool(body: JsonText, value: unknown, path: string): Tool {
  const given = objectAt(value, path);
  const type = requiredString(given, "type", path);
  const tool = decodeKind(body, type, given, path);
  const mark = type === "function" || type === "custom" ? cacheMark(given, path) : undefined;
  if (mark) tool.cacheBreakpoint = mark;
  return tool;
}

function decodeKind(body: JsonText, type: string, given: JsonObject, path: string): Tool {
  switch (type) {
    case "function": {
      checkMembers(given, FUNCTION_TOOL_FIELDS, path);
      const at = pathTo(path, "function");
      const value = decodeFunction(body, objectAt(given["function"], at), at);
      return create(ToolSchema, { kind: { case: "function", value } });
    }
    case "custom":
      checkMembers(given, CUSTOM_TOOL_FIELDS, path);
      return decodeCustom(objectAt(given["custom"], pathTo(path, "custom")), pathTo(path, "custom"));
    default: {
      // A provider's own tool, in the provider's own words.
      const value = { dialect: "openai-chat", type, definitionJson: body.source(path) ?? "{}" };
      return create(ToolSchema, { kind: { case: "native", value } });
    }
  }
}

const FUNCTION_FIELDS = new Set(["name", "description", "parameters", "strict"]);

function decodeFunction(body: JsonText, given: JsonObject, path: string): FunctionTool {
  checkMembers(given, FUNCTION_FIELDS, path);
  const tool: FunctionTool = { $typeName: "parley.v1.FunctionTool", name: requiredString(given, "name", path) };
  const description = optionalString(given, "description", path);
  if (description !== undefined) tool.description = description;
  const at = pathTo(path, "parameters");
  if (optionalObject(given, "parameters", path)) tool.parametersJson = body.source(at) ?? "{}";
  const strict = optionalBoolean(given, "strict", path);
  if (strict !== undefined) tool.strict = strict;
  return tool;
}

const CUSTOM_FIELDS = new Set(["name", "description", "format"]);
const FORMAT_FIELDS = new Set(["type", "grammar"]);
const GRAMMAR_FIELDS = new Set(["syntax", "definition"]);

function decodeCustom(given: JsonObject, path: string): Tool {
  checkMembers(given, CUSTOM_FIELDS, path);
  const name = requiredString(given, "name", path);
  const description = optionalString(given, "description", path);
  const format = optionalObject(given, "format", path);
  const grammar = format && decodeFormat(format, pathTo(path, "format"));
  return create(ToolSchema, {
    kind: {
      case: "custom",
      value: { name, ...(description === undefined ? {} : { description }), ...(grammar ? { grammar } : {}) },
    },
  });
}

function decodeFormat(given: JsonObject, path: string): Grammar | undefined {
  checkMembers(given, FORMAT_FIELDS, path);
  const type = requiredString(given, "type", path);
  if (type === "text") return undefined;
  if (type !== "grammar") throw notOneOf(pathTo(path, "type"), ["text", "grammar"]);
  return decodeGrammar(given["grammar"], pathTo(path, "grammar"));
}

/** A grammar: `{syntax, definition}`. */
export function decodeGrammar(value: unknown, path: string): Grammar {
  const given = objectAt(value, path);
  checkMembers(given, GRAMMAR_FIELDS, path);
  return {
    $typeName: "parley.v1.Grammar",
    syntax: requiredString(given, "syntax", path),
    definition: requiredString(given, "definition", path),
  };
}

const SEARCH_FIELDS = new Set(["search_context_size", "user_location"]);
const LOCATION_FIELDS = new Set(["type", "approximate"]);
const PLACE_FIELDS = ["country", "region", "city", "timezone"] as const;

function decodeWebSearch(given: JsonObject, path: string): Tool {
  checkMembers(given, SEARCH_FIELDS, path);
  const contextSize = optionalString(given, "search_context_size", path);
  const location = optionalObject(given, "user_location", path);
  const userLocation = location && decodeLocation(location, pathTo(path, "user_location"));
  return create(ToolSchema, {
    kind: {
      case: "webSearch",
      value: { ...(contextSize === undefined ? {} : { contextSize }), ...(userLocation ? { userLocation } : {}) },
    },
  });
}

function decodeLocation(given: JsonObject, path: string): Partial<Record<(typeof PLACE_FIELDS)[number], string>> {
  checkMembers(given, LOCATION_FIELDS, path);
  if (requiredString(given, "type", path) !== "approximate") throw notOneOf(pathTo(path, "type"), ["approximate"]);
  const at = pathTo(path, "approximate");
  const place = objectAt(given["approximate"], at);
  checkMembers(place, new Set(PLACE_FIELDS), at);
  const location: Partial<Record<(typeof PLACE_FIELDS)[number], string>> = {};
  for (const name of PLACE_FIELDS) {
    const value = optionalString(place, name, at);
    if (value !== undefined) location[name] = value;
  }
  return location;
}

const MODES = new Map([
  ["none", ToolMode.NONE],
  ["auto", ToolMode.AUTO],
  ["required", ToolMode.REQUIRED],
] as const);

function decodeToolChoice(root: JsonObject): ToolChoice | undefined {
  const choice = isSet(root["function_call"])
    ? legacyChoice(root["function_call"])
    : isSet(root["tool_choice"])
      ? choiceAt(root["tool_choice"], "tool_choice")
      : undefined;
  const parallel = optionalBoolean(root, "parallel_tool_calls", "");
  if (!choice && parallel === undefined) return undefined;
  return create(ToolChoiceSchema, { ...choice, ...(parallel === undefined ? {} : { parallel }) });
}

interface Choice {
  readonly mode: ToolMode;
  readonly names: string[];
}

function legacyChoice(value: unknown): Choice {
  if (typeof value === "string") return { mode: modeOf(value, "function_call", ["none", "auto"]), names: [] };
  const given = objectAt(value, "function_call");
  checkMembers(given, new Set(["name"]), "function_call");
  return { mode: ToolMode.REQUIRED, names: [requiredString(given, "name", "function_call")] };
}

function choiceAt(value: unknown, path: string): Choice {
  if (typeof value === "string") return { mode: modeOf(value, path, ["none", "auto", "required"]), names: [] };
  const given = objectAt(value, path);
  if (given["type"] !== "allowed_tools") return { mode: ToolMode.REQUIRED, names: [namedTool(given, path)] };
  checkMembers(given, new Set(["type", "allowed_tools"]), path);
  const at = pathTo(path, "allowed_tools");
  const allowed = objectAt(given["allowed_tools"], at);
  checkMembers(allowed, new Set(["mode", "tools"]), at);
  const list = arrayAt(allowed["tools"], pathTo(at, "tools"));
  const names = list.map((one, index) => namedTool(objectAt(one, `${at}.tools[${index}]`), `${at}.tools[${index}]`));
  return { mode: modeOf(requiredString(allowed, "mode", at), pathTo(at, "mode"), ["auto", "required"]), names };
}

function modeOf(word: string, path: string, words: readonly ("none" | "auto" | "required")[]): ToolMode {
  const known = words.find((one) => one === word);
  const mode = known && MODES.get(known);
  if (mode === undefined) throw notOneOf(path, words);
  return mode;
}

/** `{type: "function", function: {name}}` or `{type: "custom", custom: {name}}`. */
function namedTool(given: JsonObject, path: string): string {
  const type = requiredString(given, "type", path);
  if (type !== "function" && type !== "custom")
    throw notOneOf(pathTo(path, "type"), ["function", "custom", "allowed_tools"]);
  checkMembers(given, new Set(["type", type]), path);
  const named = objectAt(given[type], pathTo(path, type));
  checkMembers(named, new Set(["name"]), pathTo(path, type));
  return requiredString(named, "name", pathTo(path, type));
}
