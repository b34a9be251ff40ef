import type { Dialect } from "../dialect.ts";
import { decodeError, requestId } from "./decode-error.ts";
import { decodeResponse } from "./decode-response.ts";
import { DIALECT_ID } from "./encode-context.ts";
import { encodeRequest, findUnsupported } from "./encode-request.ts";
import { GeminiGenerateStreamDecoder } from "./stream-decoder.ts";

export { unusableSettings } from "./settings.ts";

/** The wire format of Google's `models/…:generateContent` and `:streamGenerateContent?alt=sse`. */
export const geminiGenerate: Dialect = {
  id: DIALECT_ID,
  framing: "sse",
  unsupported: findUnsupported,
  encode: encodeRequest,
  decodeResponse,
  streamDecoder: (target, options) => new GeminiGenerateStreamDecoder(target, options),
  requestId,
  // Its answers tell nothing of limits: https://ai.google.dev/gemini-api/docs/rate-limits
  headroom: () => undefined,
  decodeError,
};
