import type { ConnectRouter } from "@connectrpc/connect";
import {
  AuditService,
  CreateKeyRequestSchema,
  GetKeyRequestSchema,
  KeyService,
  ListAuditEntriesRequestSchema,
  ListKeysRequestSchema,
  MintBrowserKeyRequestSchema,
  PolicyService,
  PreviewPolicyRequestSchema,
  RevokeKeyRequestSchema,
  RotateKeyRequestSchema,
  UpdateKeyRequestSchema,
} from "../../contract/admin.ts";
import type { AdminServices } from "../gateway.ts";
import { checkMessage } from "./check-message.ts";
import { unaryRpc, type RpcCall } from "./rpc.ts";

/** `parley.admin.v1.KeyService`. */
export function registerKeys(router: ConnectRouter, { keys, browserKeys }: AdminServices): void {
  const { method } = KeyService;
  unaryRpc(router, method.createKey, async (message, call) => {
    checkMessage(CreateKeyRequestSchema, message);
    return keys.create(message, deedOf(call));
  });
  unaryRpc(router, method.getKey, async (message, call) => {
    checkMessage(GetKeyRequestSchema, message);
    return { key: keys.get(message.id, call.caller()) };
  });
  unaryRpc(router, method.listKeys, async (message, call) => {
    checkMessage(ListKeysRequestSchema, message);
    return keys.list(message, call.caller());
  });
  unaryRpc(router, method.updateKey, async (message, call) => {
    checkMessage(UpdateKeyRequestSchema, message);
    return { key: await keys.update(message, deedOf(call)) };
  });
  unaryRpc(router, method.rotateKey, async (message, call) => {
    checkMessage(RotateKeyRequestSchema, message);
    return keys.rotate(message, deedOf(call));
  });
  unaryRpc(router, method.revokeKey, async (message, call) => {
    checkMessage(RevokeKeyRequestSchema, message);
    return { key: await keys.revoke(message.id, deedOf(call)) };
  });
  unaryRpc(router, method.mintBrowserKey, async (message, call) => {
    checkMessage(MintBrowserKeyRequestSchema, message);
    return browserKeys.mint(message, call.caller());
  });
}

/** `parley.admin.v1.PolicyService`. */
export function registerPolicies(router: ConnectRouter, { policies }: AdminServices): void {
  unaryRpc(router, PolicyService.method.previewPolicy, async (message, call) => {
    // The chat request within has rules of its own, which the preview tells of.
    const { request: _request, ...rest } = message;
    checkMessage(PreviewPolicyRequestSchema, rest);
    return policies.preview(message, call.caller());
  });
}

/** `parley.admin.v1.AuditService`. */
export function registerAudit(router: ConnectRouter, { audit }: AdminServices): void {
  unaryRpc(router, AuditService.method.listAuditEntries, async (message, call) => {
    checkMessage(ListAuditEntriesRequestSchema, message);
    return audit.list(message, call.caller());
  });
  unaryRpc(router, AuditService.method.verifyAuditLog, async (message) => audit.verify(message));
}

function deedOf(call: RpcCall): { caller: ReturnType<RpcCall["caller"]>; requestId: string } {
  return { caller: call.caller(), requestId: call.requestId };
}
