import type { Runtime } from "../../runtime/runtime.ts";
import type { UpstreamClient } from "../upstream.ts";
import type { CallAuth, KeyAuth } from "./call-auth.ts";
import { bearerAuth, keyAuth } from "./key-auth.ts";
import { TokenAuth } from "./token-auth.ts";
import type { TokenGrant } from "./token-grant.ts";

/** A credential as configured: one of its forms, or none. */
export interface AuthCredential {
  readonly apiKey?: { reveal(): string };
  readonly accessToken?: { reveal(): string };
  readonly grant?: TokenGrant | undefined;
}

/** What authorises the calls with a credential. Throws `MISCONFIGURED` where it cannot. */
export function createAuth(
  credential: AuthCredential,
  key: KeyAuth,
  upstream: UpstreamClient,
  runtime: Runtime,
): CallAuth {
  if (credential.accessToken) return bearerAuth(credential.accessToken);
  if (credential.grant) return new TokenAuth(upstream, runtime, credential.grant);
  return keyAuth(key, credential.apiKey);
}
