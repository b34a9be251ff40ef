// The gRPC project's own services, which are no part of Parley's contract: two versions of reflection share all names.
export * from "../../contract/gen/grpc/health/v1/health_pb.ts";
export * as reflectionV1 from "../../contract/gen/grpc/reflection/v1/reflection_pb.ts";
export * as reflectionV1Alpha from "../../contract/gen/grpc/reflection/v1alpha/reflection_pb.ts";
