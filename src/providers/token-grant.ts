import { ParleyError } from "../errors/index.ts";
import type { TokenGrant } from "../upstream/auth/token-grant.ts";
import type { ProviderEntry } from "./entry.ts";

type WithoutScope<Grant> = Grant extends unknown ? Omit<Grant, "scope"> : never;
type Exchange = Exclude<TokenGrant, { kind: "client_credentials" }>;
type Client = Extract<TokenGrant, { kind: "client_credentials" }>;

/** What an account gets its access tokens for, before its vendor's own address and scope are known. */
export type GrantOptions =
  | WithoutScope<Exchange>
  | (Omit<Client, "scope" | "tokenUrl"> & { readonly tokenUrl: string | undefined; readonly tenantId: string });

/** The grant as the vendor wants it. Throws `MISCONFIGURED` where the vendor takes none. */
export function grantFor(entry: ProviderEntry, grant: GrantOptions): TokenGrant {
  const { tokens } = entry;
  if (!tokens) {
    throw new ParleyError("MISCONFIGURED", `Cannot get access tokens: the kind ${entry.kind} takes none`);
  }
  if (grant.kind === "refresh_token") return grant;
  if (grant.kind === "signed_assertion") return { ...grant, scope: tokens.scope };
  const tokenUrl = grant.tokenUrl ?? tokens.clientTokenUrl?.replace("{tenant_id}", grant.tenantId);
  if (tokenUrl !== undefined) return { ...grant, tokenUrl, scope: tokens.scope };
  throw new ParleyError("MISCONFIGURED", `Cannot get access tokens: the kind ${entry.kind} has no address for them`);
}
