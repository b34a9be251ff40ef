import { ConnectError } from "@connectrpc/connect";
import { GatewayErrorSchema, type GatewayError } from "../../contract/index.ts";
import { errorRow, toGatewayError, type ParleyError } from "../../errors/index.ts";

/** The RPC's status for an error of the contract, which travels as its detail. */
export function toConnectError(error: GatewayError): ConnectError {
  const metadata: Record<string, string> = { "x-request-id": error.requestId };
  if (error.retryDelayMs !== undefined) metadata["retry-after"] = String(Math.ceil(error.retryDelayMs / 1000));
  return new ConnectError(error.message.toWellFormed(), errorRow(error.reason).code, metadata, [
    { desc: GatewayErrorSchema, value: error },
  ]);
}

/** The same for an error that happened before or outside the pipeline. */
export function ownError(
  error: ParleyError,
  ids: { readonly requestId: string; readonly errorId: string },
): ConnectError {
  return toConnectError(toGatewayError(error, { ...ids, contentDelivered: false, attempts: [] }));
}
