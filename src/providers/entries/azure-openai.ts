import type { ModelQuirk, ProviderEntry } from "../entry.ts";
import { BILLS_WHAT_STREAMED } from "./billing-rules.ts";
import { openai } from "./openai.ts";

const CHECKED_ON = "2026-11-20";

const [chat, responses] = openai.apis;

const datedQuirks: readonly ModelQuirk[] = [
  {
    id: "Q02",
    models: ["*", "!o1*", "!o3*", "!o4*", "!gpt-5*"],
    beforeApiVersion: "2024-09-01",
    summary: "older versions of the API do not know max_completion_tokens",
    settings: { max_tokens_field: "max_tokens" },
    source: "https://github.com/openai/openai-python/issues/1724",
    checkedOn: CHECKED_ON,
  },
  {
    id: "azure-before-2024-09",
    models: ["*"],
    beforeApiVersion: "2024-09-01",
    summary: "older versions of the API know neither stream_options nor store nor the role developer",
    settings: { stream_usage: false, store_false: false, developer_role: "system" },
    source: "https://learn.microsoft.com/en-us/azure/ai-foundry/openai/api-version-lifecycle",
    checkedOn: CHECKED_ON,
  },
];

/**
 * OpenAI's models at Azure. Through the API without dates `base_url` is `https://RESOURCE.openai.azure.com/openai/v1`;
 * with an `api_version` it is `https://RESOURCE.openai.azure.com`. A model's id is the name of its deployment, which is
 * best named after its model: what OpenAI's models refuse, they refuse here too, and catalogue and quirks go by the name.
 */
export const azureOpenai: ProviderEntry = {
  kind: "azure-openai",
  displayName: "Azure OpenAI",
  baseUrl: undefined,
  parameters: [{ name: "api_version", required: false }],
  auth: { kind: "header", name: "api-key", required: true },
  tokens: {
    forms: ["client"],
    scope: "https://cognitiveservices.azure.com/.default",
    clientTokenUrl: "https://login.microsoftonline.com/{tenant_id}/oauth2/v2.0/token",
  },
  environment: { apiKey: [], baseUrl: [] },
  apis: [
    {
      ...chat,
      path: "/openai/deployments/{model}{path}?api-version={api_version}",
      settings: { ...chat.settings, end_user_field: "user", web_search: false },
      quirks: [...chat.quirks, ...datedQuirks],
    },
    ...(responses ? [{ ...responses, path: "/openai{path}?api-version={api_version}" }] : []),
  ],
  ...(openai.apiRules ? { apiRules: openai.apiRules } : {}),
  billing: {
    ...BILLS_WHAT_STREAMED,
    unbounded: [{ models: ["*-search-*", "*deep-research*"], why: "it searches by itself, for fees of their own" }],
  },
  docs: "https://learn.microsoft.com/en-us/azure/ai-foundry/openai/latest",
  checkedOn: CHECKED_ON,
  verified: "recorded",
};
