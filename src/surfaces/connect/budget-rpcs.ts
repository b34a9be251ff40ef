import type { ConnectRouter } from "@connectrpc/connect";
import { BudgetService, ListBudgetsRequestSchema } from "../../contract/admin.ts";
import type { Gateway } from "../gateway.ts";
import { checkMessage } from "./check-message.ts";
import { streamRpc, unaryRpc } from "./rpc.ts";

/** `parley.admin.v1.BudgetService`. */
export function registerBudgets(router: ConnectRouter, gateway: Gateway): void {
  unaryRpc(router, BudgetService.method.listBudgets, async (message, call) => {
    const principal = call.caller();
    checkMessage(ListBudgetsRequestSchema, message);
    return gateway.budgets.list(principal, message);
  });
  streamRpc(router, BudgetService.method.watchAlerts, async function* (_message, call) {
    for await (const alert of gateway.budgets.watch(call.caller(), call.signal)) yield { alert };
  });
}
