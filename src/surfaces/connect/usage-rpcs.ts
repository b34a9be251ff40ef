import type { ConnectRouter } from "@connectrpc/connect";
import {
  CompensateAttemptRequestSchema,
  ExportUsageRequestSchema,
  ListAttemptsRequestSchema,
  QueryUsageRequestSchema,
  UsageService,
} from "../../contract/admin.ts";
import type { Gateway } from "../gateway.ts";
import { checkMessage } from "./check-message.ts";
import { streamRpc, unaryRpc } from "./rpc.ts";

/** `parley.admin.v1.UsageService`. */
export function registerUsage(router: ConnectRouter, gateway: Gateway): void {
  unaryRpc(router, UsageService.method.queryUsage, async (message, call) => {
    const principal = call.caller();
    checkMessage(QueryUsageRequestSchema, message);
    return gateway.usage.query(principal, message);
  });
  unaryRpc(router, UsageService.method.listAttempts, async (message, call) => {
    const principal = call.caller();
    checkMessage(ListAttemptsRequestSchema, message);
    return gateway.usage.attempts(principal, message.requestId);
  });
  streamRpc(router, UsageService.method.exportUsage, async function* (message, call) {
    const principal = call.caller();
    checkMessage(ExportUsageRequestSchema, message);
    for await (const chunk of gateway.usage.export(principal, message)) {
      if (call.signal.aborted) return;
      yield { chunk };
    }
  });
  unaryRpc(router, UsageService.method.compensateAttempt, async (message, call) => {
    const deed = { caller: call.caller(), requestId: call.requestId };
    checkMessage(CompensateAttemptRequestSchema, message);
    return gateway.usage.compensate(deed, message);
  });
}
