// Generated code of the gRPC project's own services, which are no part of Parley's contract: health, and two versions of
// reflection that share all names.
export { Health, HealthCheckResponse_ServingStatus } from "./gen/grpc/health/v1/health_pb.ts";
export * as reflectionV1 from "./gen/grpc/reflection/v1/reflection_pb.ts";
export * as reflectionV1Alpha from "./gen/grpc/reflection/v1alpha/reflection_pb.ts";
