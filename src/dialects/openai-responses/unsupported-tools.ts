import { ToolMode, type ChatRequest, type Tool, type WebSearchTool } from "../../contract/index.ts";
import { DIALECT_ID, type Unsupported } from "./encode-context.ts";
import { mostSearches } from "./encode-tools.ts";
import { strictProblem } from "./schema-subset.ts";
import type { TargetRules } from "./target-rules.ts";

const PLAIN_NAME = /^[a-zA-Z0-9_-]{1,64}$/;

/** Adds the tools and choices to `found` that the target cannot honour. */
export function findUnsupportedTools(request: ChatRequest, rules: TargetRules, found: Unsupported): void {
  const { tools, toolChoice } = request;
  if (tools.length === 0) return;
  const refusal = rules.refusal("tools", "tools");
  if (refusal) found.capability("tools", refusal.reason);
  for (const [index, tool] of tools.entries()) findUnsupportedTool(request, tool, `tools[${index}]`, rules, found);
  if (!toolChoice) return;
  const constrains = toolChoice.mode === ToolMode.NONE || toolChoice.mode === ToolMode.REQUIRED;
  if (constrains || toolChoice.names.length > 0) {
    const choice = rules.refusal("tool_choice", "tool_choice");
    if (choice) found.capability("tool_choice", choice.reason);
  }
  if (toolChoice.parallel !== undefined) {
    const parallel = rules.refusal("tool_choice.parallel", toolChoice.parallel ? "parallel_tools" : undefined);
    if (parallel) found.parameter("tool_choice.parallel", parallel.reason);
  }
}

function findUnsupportedTool(
  request: ChatRequest,
  { kind }: Tool,
  field: string,
  rules: TargetRules,
  found: Unsupported,
): void {
  switch (kind.case) {
    case "function": {
      findUnusableName(kind.value.name, `${field}.function.name`, rules, found);
      if (kind.value.strict !== true) return;
      const refusal = rules.refusal("tools.function.strict", "strict_tools");
      if (refusal) found.capability(`${field}.function.strict`, refusal.reason);
      const path = `${field}.function.parameters_json`;
      const problem =
        kind.value.parametersJson === undefined ? undefined : strictProblem(kind.value.parametersJson, path, rules);
      if (problem !== undefined) found.parameter(path, problem);
      return;
    }
    case "custom": {
      const refusal = rules.refusal("tools.custom", "custom_tools");
      if (refusal) found.capability(`${field}.custom`, refusal.reason);
      findUnusableName(kind.value.name, `${field}.custom.name`, rules, found);
      return;
    }
    case "webSearch":
      findUnsupportedSearch(request, kind.value, `${field}.web_search`, rules, found);
      return;
    case "native":
      if (kind.value.dialect === DIALECT_ID) return;
      found.capability(
        `${field}.native`,
        `the tool is in the words of ${kind.value.dialect}, the target's are ${DIALECT_ID}`,
      );
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

function findUnsupportedSearch(
  request: ChatRequest,
  tool: WebSearchTool,
  field: string,
  rules: TargetRules,
  found: Unsupported,
): void {
  const refusal = rules.refusal("tools.web_search", "web_search");
  if (refusal) found.capability(field, refusal.reason);
  else if (rules.settings.web_search_type === "") found.capability(field, "the provider has no search in the web");
  if (tool.blockedDomains.length > 0) {
    found.parameter(`${field}.blocked_domains`, "the wire format's web search has no such option");
  }
  if (tool.maxUses !== undefined && mostSearches(request) === undefined) {
    found.parameter(`${field}.max_uses`, "the wire format limits only all of the provider's own tools together");
  }
}
