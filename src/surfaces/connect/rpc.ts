import type {
  DescMessage,
  DescMethodServerStreaming,
  DescMethodUnary,
  Message,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { EmptySchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createContextKey, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { ParleyError } from "../../errors/index.ts";
import type { Principal } from "../../policy/principal.ts";
import { headerText } from "../answer-headers.ts";
import { ownError } from "./connect-error.ts";

/** One call as its method sees it. */
export interface RpcCall {
  readonly requestId: string;
  /** The caller's own id of the request, which it gets back; undefined: it sent none. */
  readonly clientRequestId: string | undefined;
  /** Who calls. Throws `UNAUTHENTICATED`. */
  caller(): Principal;
  /** Aborts when the caller has left, or by `abort`. */
  readonly signal: AbortSignal;
  /** Ends the call from within. */
  abort(reason: ParleyError): void;
  /** What is left of the caller's deadline, in milliseconds; undefined: the caller named none. */
  timeLeftMs(): number | undefined;
  /** An id for an error. */
  newErrorId(): string;
  /** How the caller's rate limits stand, as headers of the answer; undefined: it has none, or they were not asked. */
  rateHeaders?: Readonly<Record<string, string>>;
  /** Told of errors that are the gateway's own defects. */
  onDefect(thrown: unknown): void;
}

/** What travels from the reader of the request to the method through the stock handlers. */
export interface Delivered {
  readonly call: RpcCall;
  /** The decoded message, or why there is no answer to it. */
  readonly message: Message | Error;
}

/** Where a `Delivered` is found in a handler's context. */
export const deliveredKey = createContextKey<Delivered | undefined>(undefined);

/**
 * A unary method. The stock handlers frame its answer in all protocols; its message was read before, with limits and
 * typed errors that they do not have, so they see an empty one.
 */
export function unaryRpc<I extends DescMessage, O extends DescMessage>(
  router: ConnectRouter,
  method: DescMethodUnary<I, O>,
  answer: (message: MessageShape<I>, call: RpcCall, context: HandlerContext) => Promise<MessageInitShape<O>>,
): void {
  const emptied = { ...method, input: EmptySchema } as DescMethodUnary<typeof EmptySchema, O>;
  router.rpc(emptied, async (_empty, context) => {
    const { call, message } = delivered(context);
    try {
      if (message instanceof Error) throw message;
      return await answer(message as MessageShape<I>, call, context);
    } catch (thrown) {
      throw failure(thrown, call, context, false);
    }
  });
}

/** The refusals of a method that writes its answers itself. */
export function refusalsOf(router: ConnectRouter, method: DescMethodUnary | DescMethodServerStreaming): void {
  const emptied = { ...method, input: EmptySchema } as DescMethodUnary | DescMethodServerStreaming;
  const refuse = (context: HandlerContext): never => {
    const { call, message } = delivered(context);
    const thrown =
      message instanceof Error ? message : new RangeError("Cannot refuse a call: nothing is wrong with it");
    throw failure(thrown, call, context, false);
  };
  if (emptied.methodKind === "unary") router.rpc(emptied, (_empty, context) => refuse(context));
  else router.rpc(emptied, (_empty, context) => refuse(context));
}

/** A server-streaming method; see `unaryRpc`. */
export function streamRpc<I extends DescMessage, O extends DescMessage>(
  router: ConnectRouter,
  method: DescMethodServerStreaming<I, O>,
  answer: (message: MessageShape<I>, call: RpcCall, context: HandlerContext) => AsyncIterable<MessageInitShape<O>>,
): void {
  const emptied = { ...method, input: EmptySchema } as DescMethodServerStreaming<typeof EmptySchema, O>;
  router.rpc(emptied, async function* (_empty, context) {
    const { call, message } = delivered(context);
    let begun = false;
    try {
      if (message instanceof Error) throw message;
      for await (const one of answer(message as MessageShape<I>, call, context)) {
        begun = true;
        yield one;
      }
    } catch (thrown) {
      throw failure(thrown, call, context, begun);
    }
  });
}

function delivered(context: HandlerContext): Delivered {
  const found = context.values.get(deliveredKey);
  if (!found) throw new ConnectError("Cannot answer: the request was not read", Code.Internal);
  for (const [name, value] of Object.entries(commonHeaders(found.call))) context.responseHeader.set(name, value);
  return found;
}

/** What every answer carries: our id of the request, the caller's own where it sent one, how its limits stand, and that nothing may be cached. */
export function commonHeaders({ requestId, clientRequestId, rateHeaders }: RpcCall): Record<string, string> {
  const headers: Record<string, string> = { "x-request-id": requestId, "cache-control": "no-store", ...rateHeaders };
  if (clientRequestId) headers["x-client-request-id"] = headerText(clientRequestId);
  return headers;
}

/** Whatever was thrown, as the status that the caller gets; `begun` tells whether the headers have left. */
function failure(thrown: unknown, call: RpcCall, context: HandlerContext, begun: boolean): ConnectError {
  if (!(thrown instanceof ParleyError) && !(thrown instanceof ConnectError)) call.onDefect(thrown);
  const error =
    thrown instanceof ConnectError
      ? thrown
      : ownError(ParleyError.from(thrown), { requestId: call.requestId, errorId: call.newErrorId() });
  // Clients join headers and trailers, and would read the id twice. gRPC clients find it in the trailers of a failure
  // that has no messages; everywhere else it is a header.
  if (context.protocolName === "connect" || begun) error.metadata.delete("x-request-id");
  else context.responseHeader.delete("x-request-id");
  return error;
}
