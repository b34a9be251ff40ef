import { createConnectRouter } from "@connectrpc/connect";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import type { Runtime } from "../../runtime/runtime.ts";
import { bearerIn, cut, pathOf, type AnyRequest, type AnyResponse } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";
import { Health, reflectionV1, reflectionV1Alpha } from "../../contract/grpc.ts";
import { CONTRACT_SERVICES } from "./access.ts";
import { registerReflection } from "./reflection-rpcs.ts";

/** Tools ask and go; a stream that stays longer is cut. */
const MAX_LIFE_MS = 60_000;
const MAX_QUESTION_BYTES = 4096;
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/**
 * Serves gRPC reflection, the only methods with a stream in both directions, by the stock handlers alone. Returns false
 * where the path is no method of it.
 */
export function createReflectionHandler(options: {
  readonly gateway: Gateway;
  readonly runtime: Runtime;
  readonly needsKey: boolean;
}): (request: AnyRequest, response: AnyResponse) => boolean {
  const { gateway, runtime, needsKey } = options;
  const router = createConnectRouter({
    readMaxBytes: MAX_QUESTION_BYTES,
    writeMaxBytes: MAX_ANSWER_BYTES,
    acceptCompression: [],
  });
  registerReflection(router, {
    services: [...CONTRACT_SERVICES, Health, reflectionV1.ServerReflection, reflectionV1Alpha.ServerReflection],
    authorise: async (context) => {
      if (!needsKey) return;
      const { requestHeader } = context;
      const key = bearerIn(requestHeader.get("authorization") ?? undefined);
      await gateway.authenticate({ key, origin: requestHeader.get("origin") ?? undefined }, undefined);
    },
    newIds: () => ({ requestId: gateway.newRequestId(), errorId: gateway.newErrorId() }),
  });
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  return (request, response) => {
    const handler = handlers.get(pathOf(request));
    if (!handler) return false;
    const timer = runtime.setTimer(MAX_LIFE_MS, () => cut(response));
    response.once("close", () => timer.cancel());
    handler(universalRequestFromNodeRequest(request, response, undefined, undefined))
      .then((answer) => universalResponseToNodeResponse(answer, response))
      .catch(() => cut(response));
    return true;
  };
}
