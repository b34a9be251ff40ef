import { openaiChat } from "../../dialects/openai-chat/index.ts";
import type { ProviderEntry } from "../entry.ts";

/** The upstreams inside the process. Their address is known once they listen. */
export const sandbox: ProviderEntry = {
  kind: "sandbox",
  displayName: "Parley sandbox",
  baseUrl: undefined,
  auth: { kind: "bearer", required: true },
  environment: { apiKey: [], baseUrl: [] },
  apis: [
    {
      name: "chat",
      dialect: openaiChat,
      // It speaks OpenAI's format to the letter.
      settings: {
        max_tokens_field: "max_completion_tokens",
        developer_role: "developer",
        end_user_field: "safety_identifier",
        max_stops: 4,
        plain_tool_names: true,
        allowed_tools: true,
        cache_key: true,
      },
      quirks: [],
    },
  ],
  // It counts what it has written when its reader leaves.
  billing: { cutStream: "generated", cutWhole: "generated", source: "docs/sandbox.md", checkedOn: "2026-11-20" },
  docs: "README.md",
  checkedOn: "2026-11-20",
  verified: "none",
};
