import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { AuditService, BudgetService, KeyService, PolicyService, UsageService } from "../../contract/admin.ts";
import { ChatService, ModelService, RouteService } from "../../contract/index.ts";
import type { Scope } from "../../policy/identity/roles.ts";

/** A service with the scope that a caller of each of its methods needs. */
export interface ServiceAccess {
  readonly service: DescService;
  readonly scopes: ReadonlyMap<DescMethod, Scope>;
  /** Methods of administration that keys call about themselves: they stay on the main port in any case. */
  readonly own: readonly DescMethod[];
}

/**
 * Every service and who may call its methods: the one table behind the check, the matrix of the tests and docs/keys.md. A
 * method without a row does not compile.
 */
export const ACCESS: readonly ServiceAccess[] = [
  access(ChatService, { generate: "chat", generateStream: "chat" }),
  access(ModelService, { listModels: "models:read", getModel: "models:read" }),
  access(RouteService, { explain: "explain", getTrace: "explain" }),
  access(
    KeyService,
    {
      createKey: "keys:write",
      getKey: "keys:read",
      listKeys: "keys:read",
      updateKey: "keys:write",
      rotateKey: "keys:write",
      revokeKey: "keys:write",
      mintBrowserKey: "keys:mint",
    },
    ["mintBrowserKey"],
  ),
  access(BudgetService, { listBudgets: "budgets:read", watchAlerts: "budgets:read" }),
  access(PolicyService, { previewPolicy: "policies:read" }, ["previewPolicy"]),
  access(
    UsageService,
    {
      queryUsage: "usage:read",
      listAttempts: "usage:read",
      exportUsage: "usage:read",
      compensateAttempt: "usage:write",
    },
    ["queryUsage", "listAttempts"],
  ),
  access(AuditService, { listAuditEntries: "audit:read", verifyAuditLog: "audit:read" }),
];

/** The contract's services, as health and reflection name them. */
export const CONTRACT_SERVICES: readonly DescService[] = ACCESS.map(({ service }) => service);

/** The scope that a caller of a method needs; undefined: it is not the contract's, and needs no key. */
export function scopeOf(method: DescMethod): Scope | undefined {
  return ACCESS.find(({ service }) => service === method.parent)?.scopes.get(method);
}

/** Whether a service is one of administration. */
function isAdministration(service: DescService): boolean {
  return service.typeName.startsWith("parley.admin.");
}

/** Which methods a port serves: with administration on its own port, the main one leaves them out. */
export type Serves = "all" | "no administration" | "administration";

/** Whether a port that serves these methods serves this one. Health is served everywhere. */
export function isServed(method: DescMethod, serves: Serves): boolean {
  const found = ACCESS.find(({ service }) => service === method.parent);
  if (serves === "all" || !found) return true;
  if (!isAdministration(found.service)) return serves === "no administration";
  return serves === "administration" || found.own.includes(method);
}

function access<S extends DescService>(
  service: S,
  scopes: Readonly<Record<keyof S["method"], Scope>>,
  own: readonly (keyof S["method"])[] = [],
): ServiceAccess {
  const methodOf = (name: string): DescMethod => {
    const method = service.methods.find(({ localName }) => localName === name);
    if (!method) throw new RangeError(`Cannot set the access of ${service.typeName}: it has no method ${name}`);
    return method;
  };
  return {
    service,
    scopes: new Map(Object.entries<Scope>(scopes).map(([name, scope]) => [methodOf(name), scope])),
    own: own.map((name) => methodOf(String(name))),
  };
}
