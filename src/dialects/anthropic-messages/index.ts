import type { Dialect } from "../dialect.ts";
import { readHeadroom } from "../headroom.ts";
import { decodeError, requestId } from "./decode-error.ts";
import { decodeResponse } from "./decode-response.ts";
import { DIALECT_ID } from "./encode-context.ts";
import { encodeRequest, findUnsupported } from "./encode-request.ts";
import { AnthropicMessagesStreamDecoder } from "./stream-decoder.ts";

export { unusableSettings } from "./settings.ts";

/** The wire format of Anthropic's `POST /v1/messages` and of all servers that speak it. */
export const anthropicMessages: Dialect = {
  id: DIALECT_ID,
  framing: "sse",
  unsupported: findUnsupported,
  encode: encodeRequest,
  decodeResponse,
  streamDecoder: (target, options) => new AnthropicMessagesStreamDecoder(target, options),
  requestId,
  // https://docs.anthropic.com/en/api/rate-limits#response-headers
  headroom: (headers, nowMs) =>
    readHeadroom(headers, nowMs, {
      requests: [["anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"]],
      tokens: [["anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"]],
    }),
  decodeError,
};
