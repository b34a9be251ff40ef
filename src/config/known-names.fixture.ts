import type { KnownNames } from "./known-names.ts";

/** Known names for tests: one kind with an address of its own, one without. */
export const KNOWN: KnownNames = {
  kinds: [
    {
      name: "acme",
      needsBaseUrl: false,
      needsApiKey: true,
      apis: ["chat"],
      environment: { apiKey: ["ACME_API_KEY", "ACME_TOKEN"], baseUrl: [] },
    },
    {
      name: "generic",
      needsBaseUrl: true,
      needsApiKey: false,
      apis: ["chat"],
      environment: { apiKey: ["GENERIC_KEY"], baseUrl: ["GENERIC_HOST"], unread: ["GENERIC_LISTEN"] },
    },
  ],
  capabilities: ["streaming", "tools", "json_schema", "prefill", "seed"],
  strategies: ["ordered", "weighted", "balanced"],
  deliveries: ["commit"],
};
