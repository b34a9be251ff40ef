import type { DescMessage, Message } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import { GetModelRequestSchema, ListModelsRequestSchema, ModelService, violations } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import type { Gateway } from "../gateway.ts";
import { unaryRpc } from "./rpc.ts";

const DEFAULT_PAGE_SIZE = 100;

/** `parley.v1.ModelService`. */
export function registerModels(router: ConnectRouter, gateway: Gateway): void {
  unaryRpc(router, ModelService.method.listModels, async (message, call) => {
    const principal = call.caller();
    check(ListModelsRequestSchema, message);
    const { pageToken, provider, pageSize = DEFAULT_PAGE_SIZE } = message;
    return gateway.models.list(principal, { pageSize, pageToken, provider });
  });
  unaryRpc(router, ModelService.method.getModel, async (message, call) => {
    const principal = call.caller();
    check(GetModelRequestSchema, message);
    return { model: gateway.models.get(principal, message.name) };
  });
}

function check(schema: DescMessage, message: Message): void {
  const violation = violations(schema, message)[0];
  if (!violation) return;
  const { field } = violation;
  throw new ParleyError("INVALID_REQUEST", `Cannot read the request: ${field} is wrong, ${violation.message}`, {
    field,
  });
}
