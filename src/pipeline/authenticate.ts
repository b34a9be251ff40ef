import type { Principal } from "../policy/principal.ts";
import type { ChatCall } from "./call.ts";
import type { LiveConfig } from "./parts.ts";

/** Who calls. Throws `UNAUTHENTICATED`. */
export function authenticate(config: LiveConfig, call: ChatCall): Principal {
  return config.authenticate(call.credential);
}
