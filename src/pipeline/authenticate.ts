import type { Principal } from "../policy/principal.ts";
import type { ChatParts } from "./parts.ts";

/** Who holds a key, which comes without `Bearer `. The doors ask before they read a request's body. Throws `UNAUTHENTICATED`. */
export function authenticate(parts: ChatParts, credential: string | undefined): Principal {
  return parts.current().authenticate(credential);
}
