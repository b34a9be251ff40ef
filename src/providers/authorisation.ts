import { ParleyError } from "../errors/index.ts";
import type { ProviderAuth } from "./entry.ts";

/** The headers that authorise a call. Throws `MISCONFIGURED` where a key is required and missing. */
export function authorisation(
  auth: ProviderAuth,
  apiKey: { reveal(): string } | undefined,
): Readonly<Record<string, string>> {
  if (auth.kind === "none") return {};
  if (!apiKey) {
    if (!auth.required) return {};
    throw new ParleyError("MISCONFIGURED", "Cannot authorise calls to the provider: it has no api_key");
  }
  return auth.kind === "bearer" ? { authorization: `Bearer ${apiKey.reveal()}` } : { [auth.name]: apiKey.reveal() };
}
