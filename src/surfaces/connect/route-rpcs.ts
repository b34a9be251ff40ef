import type { ConnectRouter } from "@connectrpc/connect";
import { GetTraceRequestSchema, RouteService } from "../../contract/index.ts";
import type { Gateway } from "../gateway.ts";
import { checkMessage, requiredRequest } from "./check-message.ts";
import { unaryRpc } from "./rpc.ts";

/** `parley.v1.RouteService`. */
export function registerRoutes(router: ConnectRouter, gateway: Gateway): void {
  unaryRpc(router, RouteService.method.explain, async (message, call) => {
    const principal = call.caller();
    return { decision: gateway.explain.explain(principal, requiredRequest(message.request)) };
  });
  unaryRpc(router, RouteService.method.getTrace, async (message, call) => {
    const principal = call.caller();
    checkMessage(GetTraceRequestSchema, message);
    return { trace: gateway.explain.trace(principal, message.requestId) };
  });
}
