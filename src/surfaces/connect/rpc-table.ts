import type { DescMessage, DescMethod, Message } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { createConnectRouter } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { ChatService, RouteService, type GenerateRequest, type GenerateStreamRequest } from "../../contract/index.ts";
import { PolicyService } from "../../contract/admin.ts";
import type { Gateway } from "../gateway.ts";
import type { Scope } from "../../policy/identity/roles.ts";
import type { Readiness } from "../readiness.ts";
import { CONTRACT_SERVICES, scopeOf } from "./access.ts";
import { registerAudit, registerKeys, registerPolicies } from "./admin-rpcs.ts";
import { generate, generateStream, type DirectCall } from "./chat-rpcs.ts";
import { Health } from "../../contract/grpc.ts";
import { registerBudgets } from "./budget-rpcs.ts";
import { registerHealth } from "./health-rpcs.ts";
import { registerModels } from "./model-rpcs.ts";
import { registerRoutes } from "./route-rpcs.ts";
import { refusalsOf } from "./rpc.ts";
import { registerUsage } from "./usage-rpcs.ts";

/** One method, and the stock handler that frames its answers, or only its refusals where it answers `directly`. */
export interface Rpc {
  readonly path: string;
  readonly method: DescMethod;
  readonly handler: UniversalHandler;
  /** Writes the answer to a message of this method by itself, or throws without having written anything. */
  readonly directly?: (direct: DirectCall<Message>) => Promise<void>;
  readonly input: DescMessage;
  readonly streams: boolean;
  /** Whether Connect's GET may call it. */
  readonly allowsGet: boolean;
  /** What a caller must be let in to do; undefined: it needs no key. */
  readonly scope: Scope | undefined;
  /** Whether its requests may be as large as the configured limits; others are small by nature. */
  readonly mayBeLarge: boolean;
  /** Whether fields of a newer version are left out in silence. */
  readonly lenient: boolean;
}

// Most bytes of one answer; far above what an upstream may answer, so that it never decides.
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/** All unary and server-streaming methods by path. */
export function createRpcTable(options: {
  readonly gateway: Gateway;
  readonly readiness: Readiness;
}): ReadonlyMap<string, Rpc> {
  // The handlers see only empty messages (rpc.ts): these limits hold for what stands in for them.
  const router = createConnectRouter({
    readMaxBytes: 1024,
    writeMaxBytes: MAX_ANSWER_BYTES,
    acceptCompression: [],
    jsonOptions: { ignoreUnknownFields: false },
  });
  refusalsOf(router, ChatService.method.generate);
  refusalsOf(router, ChatService.method.generateStream);
  registerModels(router, options.gateway);
  registerRoutes(router, options.gateway);
  registerKeys(router, options.gateway.admin);
  registerPolicies(router, options.gateway.admin);
  registerAudit(router, options.gateway.admin);
  registerBudgets(router, options.gateway);
  registerUsage(router, options.gateway);
  registerHealth(
    router,
    options.readiness,
    CONTRACT_SERVICES.map((service) => service.typeName),
  );
  const inputs = new Map<string, DescMethod>();
  for (const service of [...CONTRACT_SERVICES, Health]) {
    for (const method of service.methods) inputs.set(`/${service.typeName}/${method.name}`, method);
  }
  const rpcs = router.handlers.map((handler) => rpcOf(handler, inputs.get(handler.requestPath)!));
  return new Map(rpcs.map((rpc) => [rpc.path, rpc]));
}

function rpcOf(handler: UniversalHandler, method: DescMethod): Rpc {
  const isOurs = CONTRACT_SERVICES.includes(method.parent);
  const directly = DIRECT.get(method);
  return {
    path: handler.requestPath,
    method,
    handler,
    ...(directly ? { directly } : {}),
    input: method.input,
    streams: method.methodKind === "server_streaming",
    allowsGet: method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS,
    scope: scopeOf(method),
    mayBeLarge:
      method.parent === ChatService ||
      method === RouteService.method.explain ||
      method === PolicyService.method.previewPolicy,
    lenient: !isOurs,
  };
}

// The message of a call is one of its method's input: the reader has decoded it as that.
const DIRECT = new Map<DescMethod, NonNullable<Rpc["directly"]>>([
  [ChatService.method.generate, (direct) => generate(direct as DirectCall<GenerateRequest>)],
  [ChatService.method.generateStream, (direct) => generateStream(direct as DirectCall<GenerateStreamRequest>)],
]);
