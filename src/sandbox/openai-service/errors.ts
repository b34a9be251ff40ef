import type { ErrorBody, ErrorObject } from "../../dialects/openai-chat/wire.ts";
import { type FailureDetails, type FailureKind, Refusal, type WireReply } from "../wire-format.ts";

type Words = (about: FailureDetails) => string;

interface FailureRow {
  readonly status: number;
  readonly type: string;
  readonly code: string | null;
  readonly param?: string;
  readonly words: Words;
}

const invalid = { status: 400, type: "invalid_request_error" } as const;
const server = { type: "server_error", code: null } as const;
const contactUs = "Please retry your request, and contact us through our help center if the error persists";

/** How OpenAI words each failure. Source: https://platform.openai.com/docs/guides/error-codes, and recorded answers. */
const FAILURES: Readonly<Record<FailureKind, FailureRow>> = {
  invalid_request: { ...invalid, code: null, words: () => "Your request cannot be processed." },
  invalid_key: {
    status: 401,
    type: "invalid_request_error",
    code: "invalid_api_key",
    words: () =>
      "Incorrect API key provided: sk-sandb***0000. You can find your API key at https://platform.openai.com/account/api-keys.",
  },
  // OpenAI has no 402; this is how DeepSeek, which speaks the same format, says it.
  billing: { status: 402, type: "unknown_error", code: "invalid_request_error", words: () => "Insufficient Balance" },
  forbidden_model: {
    status: 403,
    type: "invalid_request_error",
    code: "model_not_found",
    words: ({ model }) => `Project \`proj_sandbox\` does not have access to model \`${model}\`.`,
  },
  forbidden_region: {
    status: 403,
    type: "request_forbidden",
    code: "unsupported_country_region_territory",
    words: () => "Country, region, or territory not supported",
  },
  model_not_found: {
    status: 404,
    type: "invalid_request_error",
    code: "model_not_found",
    words: ({ model }) => `The model \`${model}\` does not exist or you do not have access to it.`,
  },
  context_length: {
    ...invalid,
    code: "context_length_exceeded",
    param: "messages",
    words: ({ window, inputTokens }) =>
      `This model's maximum context length is ${window ?? 0} tokens. However, your messages resulted in ` +
      `${inputTokens ?? 0} tokens. Please reduce the length of the messages.`,
  },
  content_blocked: {
    ...invalid,
    code: "content_filter",
    param: "prompt",
    words: () => "The response was filtered due to the prompt triggering our content management policy.",
  },
  prefill_refused: {
    ...invalid,
    code: null,
    param: "messages",
    words: () => "The last message must not be an assistant message: this model does not continue one.",
  },
  too_large: { status: 413, type: "invalid_request_error", code: null, words: () => "Request body is too large." },
  rate_limited: {
    status: 429,
    type: "requests",
    code: "rate_limit_exceeded",
    words: ({ model }) =>
      `Rate limit reached for ${model} in organization org-sandbox on requests per min (RPM): Limit 3, Used 3, ` +
      "Requested 1. Please try again in 20s.",
  },
  quota: {
    status: 429,
    type: "insufficient_quota",
    code: "insufficient_quota",
    words: () => "You exceeded your current quota, please check your plan and billing details.",
  },
  server_error: {
    ...server,
    status: 500,
    words: () => `The server had an error while processing your request. Sorry about that! ${contactUs}.`,
  },
  unavailable: { ...server, status: 503, words: () => `The server is currently unavailable. ${contactUs}.` },
  overloaded: {
    status: 529,
    type: "overloaded_error",
    code: null,
    words: () => "That model is currently overloaded with other requests. You can retry your request.",
  },
};

/** The reply to a request that fails this way. */
export function failure(kind: FailureKind, about: FailureDetails): WireReply {
  return reply(FAILURES[kind].status, errorObject(kind, about));
}

/** JSON text of the same failure. */
export function failureJson(kind: FailureKind, about: FailureDetails): string {
  return JSON.stringify({ error: errorObject(kind, about) } satisfies ErrorBody);
}

/** Throws the refusal of a request that breaks a rule. */
export function refuse(code: string | null, param: string | null, message: string, status = 400): never {
  throw new Refusal(reply(status, { message, type: "invalid_request_error", param, code }));
}

/** The failure as an object. */
export function errorObject(kind: FailureKind, about: FailureDetails): ErrorObject {
  const row = FAILURES[kind];
  return { message: about.message ?? row.words(about), type: row.type, param: row.param ?? null, code: row.code };
}

function reply(status: number, error: ErrorObject): WireReply {
  const body = JSON.stringify({ error } satisfies ErrorBody, null, 2);
  return { status, headers: { "content-type": "application/json" }, body };
}
