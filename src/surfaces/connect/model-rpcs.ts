import type { ConnectRouter } from "@connectrpc/connect";
import { GetModelRequestSchema, ListModelsRequestSchema, ModelService } from "../../contract/index.ts";
import type { Gateway } from "../gateway.ts";
import { checkMessage } from "./check-message.ts";
import { unaryRpc } from "./rpc.ts";

const DEFAULT_PAGE_SIZE = 100;

/** `parley.v1.ModelService`. */
export function registerModels(router: ConnectRouter, gateway: Gateway): void {
  unaryRpc(router, ModelService.method.listModels, async (message, call) => {
    const principal = call.caller();
    checkMessage(ListModelsRequestSchema, message);
    const { pageToken, provider, pageSize = DEFAULT_PAGE_SIZE } = message;
    return gateway.models.list(principal, { pageSize, pageToken, provider });
  });
  unaryRpc(router, ModelService.method.getModel, async (message, call) => {
    const principal = call.caller();
    checkMessage(GetModelRequestSchema, message);
    return { model: gateway.models.get(principal, message.name) };
  });
}
