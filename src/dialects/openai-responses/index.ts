import type { Dialect } from "../dialect.ts";
import { rateLimitHeadroom } from "../headroom.ts";
import { decodeError, requestId } from "./decode-error.ts";
import { decodeResponse } from "./decode-response.ts";
import { DIALECT_ID } from "./encode-context.ts";
import { encodeRequest, findUnsupported } from "./encode-request.ts";
import { OpenAiResponsesStreamDecoder } from "./stream-decoder.ts";

export { unusableSettings } from "./settings.ts";

/** The wire format of OpenAI's `POST /responses` and of all vendors that speak it. */
export const openaiResponses: Dialect = {
  id: DIALECT_ID,
  framing: "sse",
  unsupported: findUnsupported,
  encode: encodeRequest,
  decodeResponse,
  streamDecoder: (target, options) => new OpenAiResponsesStreamDecoder(target, options),
  requestId,
  headroom: rateLimitHeadroom,
  decodeError,
};
