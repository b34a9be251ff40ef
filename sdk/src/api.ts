// What both entries of the package export besides `createParley`.
export * from "./contract.ts";
export { ChatStream } from "./chat-stream.ts";
export { collect, type EventSource } from "./checked-events.ts";
export {
  assistant,
  developer,
  functionTool,
  image,
  jsonOutput,
  system,
  toolResult,
  user,
  type FunctionToolInit,
  type JsonSchema,
  type MessageInit,
  type OutputFormatInit,
  type PartInit,
  type ToolInit,
} from "./builders.ts";
export { renewedKey, type ShortLivedKey } from "./renewed-key.ts";
export type { ChatRequestInit, ModelFilter, Parley } from "./client.ts";
export {
  BrokenStreamError,
  ParleyRequestError,
  TruncatedStreamError,
  type Delivered,
  type ErrorAttempt,
  type ErrorContext,
  type ErrorExclusion,
  type ErrorFacts,
  type ErrorUpstream,
} from "./errors.ts";
export { gatewayErrorFrom, isRetryable } from "./gateway-error-from.ts";
export type { ApiKey, CallOptions, HeadersSource, ParleyOptions } from "./options.ts";
export { messageOf, partsOf, reasoningOf, refusalOf, textOf, type HasParts } from "./parts.ts";
export { faultName, reasonName, type FaultName, type GatewayReason, type ReasonName } from "./reasons.ts";
export { textStream, type CandidateOption } from "./text-stream.ts";
export { invalidToolCallsOf, toolCalls, toolCallsOf, type InvalidToolCall, type ToolCall } from "./tool-calls.ts";
