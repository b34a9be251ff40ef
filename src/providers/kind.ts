import { listsModels, type ProviderEntry } from "./entry.ts";

/** What the configuration has to know of a kind of provider: what it needs, takes and has. */
export function kindOf(entry: ProviderEntry) {
  const { auth, tokens, environment, parameters = [] } = entry;
  return {
    name: entry.kind,
    needsBaseUrl: entry.baseUrl === undefined,
    needsCredential: tokens !== undefined || (auth.kind !== "none" && auth.required),
    credentials: [
      ...(auth.kind === "none" ? [] : (["api_key"] as const)),
      ...(tokens ? (["access_token", ...tokens.forms] as const) : []),
    ],
    parameters,
    apis: entry.apis.map(({ name }) => name),
    listsModels: listsModels(entry),
    environment,
  };
}
