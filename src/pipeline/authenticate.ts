import { letIn } from "../policy/identity/authenticator.ts";
import type { Credentials } from "../policy/identity/credentials.ts";
import type { Scope } from "../policy/identity/roles.ts";
import type { Principal } from "../policy/principal.ts";
import type { ChatParts } from "./parts.ts";

/**
 * Who sends these credentials, and whether they are let in to do this; `scope` undefined: whoever has a key is. The doors
 * ask before they read a request's body. A promise only for tokens that were not seen before. Throws `UNAUTHENTICATED` or
 * `PERMISSION_DENIED`.
 */
export function authenticate(
  parts: ChatParts,
  credentials: Credentials,
  scope: Scope | undefined,
): Principal | Promise<Principal> {
  const caller = parts.current().authenticate(credentials);
  return caller instanceof Promise ? caller.then((found) => letIn(found, scope)) : letIn(caller, scope);
}
