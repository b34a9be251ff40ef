import type { ErrorObject, JsonValue } from "../../dialects/gemini-generate/wire.ts";
import type { Complaint, Path } from "../shape.ts";
import { type FailureDetails, type FailureKind, Refusal, type WireReply } from "../wire-format.ts";

interface FailureRow {
  readonly code: number;
  readonly status: string;
  readonly words: (about: FailureDetails) => string;
  readonly details?: (about: FailureDetails) => JsonValue[];
}

const JSON_HEADERS = { "content-type": "application/json; charset=UTF-8" };
const invalid = { code: 400, status: "INVALID_ARGUMENT" } as const;
const exhausted = { code: 429, status: "RESOURCE_EXHAUSTED" } as const;
const unavailable = { code: 503, status: "UNAVAILABLE" } as const;

/** How Google words each failure. Source: https://ai.google.dev/gemini-api/docs/troubleshooting, and recorded answers. */
const FAILURES: Readonly<Record<Exclude<FailureKind, "content_blocked">, FailureRow>> = {
  invalid_request: { ...invalid, words: () => "Request contains an invalid argument." },
  // A wrong key is a wrong argument, as Google sees it.
  invalid_key: {
    ...invalid,
    words: () => "API key not valid. Please pass a valid API key.",
    details: () => [errorInfo("API_KEY_INVALID")],
  },
  billing: {
    code: 403,
    status: "PERMISSION_DENIED",
    words: () => "This API method requires billing to be enabled. Please enable billing on project #sandbox.",
    details: () => [errorInfo("BILLING_DISABLED")],
  },
  forbidden_model: { code: 403, status: "PERMISSION_DENIED", words: () => "The caller does not have permission" },
  forbidden_region: {
    code: 400,
    status: "FAILED_PRECONDITION",
    words: () => "User location is not supported for the API use.",
  },
  model_not_found: {
    code: 404,
    status: "NOT_FOUND",
    words: ({ model }) =>
      `models/${model} is not found for API version v1beta, or is not supported for generateContent. Call ListModels ` +
      "to see the list of available models and their supported methods.",
  },
  context_length: {
    ...invalid,
    words: ({ window, inputTokens }) =>
      `The input token count (${inputTokens ?? 0}) exceeds the maximum number of tokens allowed (${window ?? 0}).`,
  },
  prefill_refused: {
    ...invalid,
    words: () => "Please ensure that the last turn of a multiturn request ends with a user role.",
  },
  too_large: { ...invalid, words: () => "Request payload size exceeds the limit: 67108864 bytes." },
  rate_limited: {
    ...exhausted,
    words: ({ model }) =>
      "You exceeded your current quota, please check your plan and billing details.\n* Quota exceeded for metric: " +
      `generativelanguage.googleapis.com/generate_content_requests, limit: 3, model: ${model}`,
    details: rateLimitDetails,
  },
  quota: {
    ...exhausted,
    words: () =>
      "Your prepayment credits are depleted. Please go to AI Studio at https://ai.studio/projects to manage your " +
      "project and billing.",
  },
  server_error: {
    code: 500,
    status: "INTERNAL",
    words: () =>
      "An internal error has occurred. Please retry or report in https://ai.google.dev/gemini-api/docs/troubleshooting",
  },
  unavailable: { ...unavailable, words: () => "The service is currently unavailable." },
  overloaded: { ...unavailable, words: () => "The model is overloaded. Please try again later." },
};

/** The reply to a request that fails this way. A prompt that is blocked is an answer without candidates. */
export function failure(kind: FailureKind, about: FailureDetails): WireReply {
  if (kind !== "content_blocked") {
    return { status: FAILURES[kind].code, headers: JSON_HEADERS, body: failureJson(kind, about) };
  }
  const blocked = JSON.stringify({
    promptFeedback: { blockReason: "PROHIBITED_CONTENT" },
    usageMetadata: { promptTokenCount: about.inputTokens ?? 0, totalTokenCount: about.inputTokens ?? 0 },
    modelVersion: about.model,
  });
  if (!about.stream) return { status: 200, headers: JSON_HEADERS, body: blocked };
  return { status: 200, headers: { "content-type": "text/event-stream" }, body: `data: ${blocked}\r\n\r\n` };
}

/** JSON text of the same failure. */
export function failureJson(kind: FailureKind, about: FailureDetails): string {
  const row = FAILURES[kind === "content_blocked" ? "invalid_request" : kind];
  const details = row.details?.(about);
  const { code, status } = row;
  return errorJson({ code, message: about.message ?? row.words(about), status, ...(details ? { details } : {}) });
}

/** Throws the refusal of a request that breaks a rule. */
export function refuse(message: string, code = 400, status = "INVALID_ARGUMENT", details?: JsonValue[]): never {
  const body = errorJson({ code, message, status, ...(details ? { details } : {}) });
  throw new Refusal({ status: code, headers: JSON_HEADERS, body });
}

/** Refuses a request whose shape is wrong, in the words of Google's JSON reader. */
export function complain(complaint: Complaint): never {
  const description = words(complaint);
  const field = snakeCase(complaint.path);
  const violation = { field, description };
  refuse(description, 400, "INVALID_ARGUMENT", [
    { "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations: [violation] },
  ]);
}

function words(complaint: Complaint): string {
  const { path } = complaint;
  switch (complaint.about) {
    case "unknown": {
      const parent = path.length > 1 ? ` at '${snakeCase(path.slice(0, -1))}'` : "";
      return `Invalid JSON payload received. Unknown name "${String(path.at(-1))}"${parent}: Cannot find field.`;
    }
    case "missing":
      return `* GenerateContentRequest.${snakeCase(path)}: ${snakeCase(path.slice(-1))} is not specified\n`;
    case "range": {
      const { least, most } = complaint.shape;
      return `Unable to submit request because it has a ${String(path.at(-1))} value of ${complaint.value} but the supported range is from ${least} to ${most}.`;
    }
    case "length":
      return `* GenerateContentRequest.${snakeCase(path)}: the number of entries must be at most ${complaint.most}\n`;
    default: {
      const type = complaint.about === "word" ? "ENUM" : (TYPE_WORDS[complaint.shape.is] ?? "MESSAGE");
      return `Invalid value at '${snakeCase(path)}' (TYPE_${type}), ${JSON.stringify(complaint.value)}`;
    }
  }
}

const TYPE_WORDS: Readonly<Record<string, string>> = { flag: "BOOL", text: "STRING", number: "FLOAT" };

// Google names fields as its protobuf definitions do.
function snakeCase(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += `${text === "" ? "" : "."}${step.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
  }
  return text;
}

function errorInfo(reason: string): JsonValue {
  const metadata = { service: "generativelanguage.googleapis.com" };
  return { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason, domain: "googleapis.com", metadata };
}

function rateLimitDetails({ model, retryAfterSeconds }: FailureDetails): JsonValue[] {
  const violation = {
    quotaMetric: "generativelanguage.googleapis.com/generate_content_requests",
    quotaId: "GenerateRequestsPerMinutePerProjectPerModel",
    quotaDimensions: { location: "global", model },
    quotaValue: "3",
  };
  const quota = { "@type": "type.googleapis.com/google.rpc.QuotaFailure", violations: [violation] };
  if (retryAfterSeconds === undefined) return [quota];
  return [quota, { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: `${retryAfterSeconds}s` }];
}

function errorJson(error: ErrorObject): string {
  return JSON.stringify({ error }, null, 2);
}
