import { Delivery as DeliveryMode, type ChatRequest, type Priority } from "../contract/index.ts";
import type { ParleyError } from "../errors/index.ts";
import { UNLIMITED, type Principal } from "../policy/principal.ts";
import type { Target } from "../routing/target.ts";
import { Account } from "./account.ts";
import { attempt } from "./attempt.ts";
import type { ChatCall, EventSink } from "./call.ts";
import type { Forwarding } from "./forward.ts";
import { Delivery } from "./normalise.ts";
import { RequestTrace } from "./trace.ts";
import { Watch } from "./watch.ts";

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

/** An attempt on the gateway's own account. */
export interface OwnAttempt extends Pick<Forwarding, "parts" | "config" | "call" | "credentialId"> {
  readonly target: Target;
  /** With which calls it is compared. */
  readonly priority: Priority;
}

/**
 * Makes one attempt whose answer is thrown away; books, statistics and health are kept. `onOpened` gets the books that the
 * attempt will stand in.
 */
export async function attemptAlone(
  { target, priority, ...rest }: OwnAttempt,
  onOpened: (account: Account) => void = () => {},
): Promise<ParleyError | undefined> {
  const { parts, config, call } = rest;
  const { runtime } = parts;
  const account = new Account(parts, call, runtime.nowMs());
  onOpened(account);
  const watch = new Watch(runtime, {
    deadlineInMs: config.limits.totalMs,
    keepAliveMs: Infinity,
    onKeepAlive: () => undefined,
  });
  const nowhere: EventSink = { write: () => true, onDrain: undefined };
  const forwarding: Forwarding = {
    ...rest,
    plan: { ...ALONE, targets: [target], priority },
    delivery: new Delivery(nowhere, config.limits, parts.memory),
    watch,
    account,
    mode: DeliveryMode.COMMIT,
    paced: undefined,
    adaptations: [],
    trace: new RequestTrace(call.requestId, runtime.nowMs(), runtime.monotonicMs(), account.attempts),
  };
  const next = { target, how: { kind: "replace" }, afterMs: 0, withoutState: false } as const;
  const error = await attempt(forwarding, next, call.request);
  watch.stop();
  account.end(error);
  return error;
}

const ALONE = {
  maxAttempts: 1,
  candidates: [],
  resolutionRule: "provider",
  strategy: "ordered",
  delivery: DeliveryMode.COMMIT,
  onRefusal: "answer",
  hedge: undefined,
  shadows: [],
  conversation: undefined,
} as const;
