// Keys, policies, budgets, usage and the audit log of a gateway: `createClient(KeyService, transport)` calls them.
export * from "./gen/parley/admin/v1/key_pb.ts";
export * from "./gen/parley/admin/v1/key_service_pb.ts";
export * from "./gen/parley/admin/v1/audit_pb.ts";
export * from "./gen/parley/admin/v1/audit_service_pb.ts";
export * from "./gen/parley/admin/v1/policy_pb.ts";
export * from "./gen/parley/admin/v1/policy_service_pb.ts";
export * from "./gen/parley/admin/v1/budget_pb.ts";
export * from "./gen/parley/admin/v1/budget_service_pb.ts";
export * from "./gen/parley/admin/v1/usage_pb.ts";
export * from "./gen/parley/admin/v1/usage_service_pb.ts";
