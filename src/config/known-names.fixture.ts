import type { KnownNames } from "./known-names.ts";

/** Known names for tests: one kind with an address of its own, one without. */
export const KNOWN: KnownNames = {
  kinds: [
    {
      name: "acme",
      needsBaseUrl: false,
      needsCredential: true,
      credentials: ["api_key", "access_token", "key_file", "client"],
      parameters: [{ name: "project", required: false }],
      apis: ["chat"],
      listsModels: false,
      environment: { apiKey: ["ACME_API_KEY", "ACME_TOKEN"], baseUrl: [] },
    },
    {
      name: "generic",
      needsBaseUrl: true,
      needsCredential: false,
      credentials: ["api_key"],
      parameters: [],
      apis: ["chat"],
      listsModels: true,
      environment: {
        apiKey: ["GENERIC_KEY"],
        baseUrl: ["GENERIC_HOST"],
        address: { variable: "GENERIC_AT", port: 7070, path: "/v1" },
        unread: ["GENERIC_LISTEN"],
      },
    },
  ],
  sandboxes: ["sandbox", "sandbox-other"],
  capabilities: ["streaming", "tools", "json_schema", "prefill", "seed"],
  strategies: ["ordered", "weighted", "balanced"],
  deliveries: ["commit"],
  roles: ["admin", "chat", "viewer"],
  scopes: ["chat", "models:read"],
  pii: ["email", "phone"],
  patternProblem: (pattern) => (pattern === "(" ? "has a ( without its )" : undefined),
};
