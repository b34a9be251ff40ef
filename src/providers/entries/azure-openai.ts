import type { ProviderEntry } from "../entry.ts";
import { openai } from "./openai.ts";

const [chat, responses] = openai.apis;

/**
 * OpenAI's models at Azure, through the API without dates: `base_url` is `https://RESOURCE.openai.azure.com/openai/v1`
 * and a model's id is the name of its deployment. A deployment is best named after its model: what OpenAI's models
 * refuse, they refuse here too, and catalogue and quirks go by the name.
 */
export const azureOpenai: ProviderEntry = {
  kind: "azure-openai",
  displayName: "Azure OpenAI",
  baseUrl: undefined,
  auth: { kind: "header", name: "api-key", required: true },
  environment: { apiKey: [], baseUrl: [] },
  apis: [
    { ...chat, settings: { ...chat.settings, end_user_field: "user", web_search: false } },
    ...(responses ? [responses] : []),
  ],
  ...(openai.apiRules ? { apiRules: openai.apiRules } : {}),
  docs: "https://learn.microsoft.com/en-us/azure/ai-foundry/openai/latest",
  checkedOn: "2026-11-20",
  verified: "recorded",
};
