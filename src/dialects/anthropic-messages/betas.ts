// Features beyond the API's version must be named. Source: https://platform.claude.com/docs/en/api/beta-headers. A type
// that is not listed needs no name, or gets it through raw_params.

/** Files by their id. */
export const FILES_BETA = "files-api-2025-04-14";

// Servers of tools come with either of two; the newer one is for those that are listed as tools.
const MCP_TOOLSET_BETA = "mcp-client-2025-11-20";

/** Faster output at a higher price. */
export const FAST_BETA = "fast-mode-2026-02-01";

const BY_TOOL_TYPE: readonly (readonly [prefix: string, beta: string])[] = [
  ["computer_20241022", "computer-use-2024-10-22"],
  ["computer_20250124", "computer-use-2025-01-24"],
  ["computer_20251124", "computer-use-2025-11-24"],
  ["code_execution_20250522", "code-execution-2025-05-22"],
  ["code_execution_20250825", "code-execution-2025-08-25"],
  ["web_fetch_20250910", "web-fetch-2025-09-10"],
  ["memory_20250818", "context-management-2025-06-27"],
  ["advisor_20260301", "advisor-tool-2026-03-01"],
  ["mcp_toolset", MCP_TOOLSET_BETA],
];

/** What must be named for a tool of the provider's own, by its dated type. */
export function betaOfTool(type: string): string | undefined {
  return BY_TOOL_TYPE.find(([prefix]) => type.startsWith(prefix))?.[1];
}

/** What must be named for a member of the request, given the names that are there already. */
export function betaOfMember(name: string, json: string, present: ReadonlySet<string>): string | undefined {
  if (name === "mcp_servers") return present.has(MCP_TOOLSET_BETA) ? undefined : "mcp-client-2025-04-04";
  if (name !== "context_management") return undefined;
  return json.includes('"compact_20260112"') ? "compact-2026-01-12" : "context-management-2025-06-27";
}
