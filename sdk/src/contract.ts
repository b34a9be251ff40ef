// The one import of generated code. Everything else in the SDK, and its users, take the contract from here.
export * from "./gen/parley/v1/part_pb.ts";
export * from "./gen/parley/v1/tool_pb.ts";
export * from "./gen/parley/v1/usage_pb.ts";
export * from "./gen/parley/v1/error_pb.ts";
export * from "./gen/parley/v1/routing_pb.ts";
export * from "./gen/parley/v1/route_pb.ts";
export * from "./gen/parley/v1/chat_pb.ts";
export * from "./gen/parley/v1/stream_pb.ts";
export * from "./gen/parley/v1/chat_service_pb.ts";
export * from "./gen/parley/v1/model_pb.ts";
export * from "./gen/parley/v1/model_service_pb.ts";
export * from "./gen/parley/v1/route_service_pb.ts";
