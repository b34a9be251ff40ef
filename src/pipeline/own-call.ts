import type { ChatRequest } from "../contract/index.ts";
import { UNLIMITED, type Principal } from "../policy/principal.ts";
import type { ChatCall } from "./call.ts";

/** The gateway as the caller of its own calls: no key pays for them, and no budget concerns them. */
const GATEWAY: Principal = {
  // No key has this id.
  keyId: "",
  name: "the gateway itself",
  role: "chat",
  allowsModel: () => true,
  ...UNLIMITED,
};

/** A call that the gateway makes on its own account. */
export function ownCall(
  own: NonNullable<ChatCall["own"]>,
  requestId: string,
  request: ChatRequest,
  stream: boolean,
): ChatCall {
  const abort = new AbortController();
  return {
    requestId,
    caller: GATEWAY,
    request,
    stream,
    timeoutMs: undefined,
    signal: abort.signal,
    abort: (reason) => abort.abort(reason),
    // There is nobody to keep state for.
    carriesState: true,
    takesReset: false,
    surface: own,
    own,
  };
}
