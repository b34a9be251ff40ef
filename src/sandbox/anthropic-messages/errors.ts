import type { Complaint, Path } from "../shape.ts";
import { type FailureDetails, type FailureKind, Refusal, type WireReply } from "../wire-format.ts";

interface FailureRow {
  readonly status: number;
  readonly type: string;
  readonly words: (about: FailureDetails) => string;
}

const invalid = { status: 400, type: "invalid_request_error" } as const;

/** How Anthropic words each failure. Source: https://platform.claude.com/docs/en/api/errors, and recorded answers. */
const FAILURES: Readonly<Record<FailureKind, FailureRow>> = {
  invalid_request: { ...invalid, words: () => "messages: Input is not valid" },
  invalid_key: { status: 401, type: "authentication_error", words: () => "invalid x-api-key" },
  billing: {
    status: 402,
    type: "billing_error",
    words: () => "Your account has a problem with its billing. Please check your payment information.",
  },
  forbidden_model: {
    status: 403,
    type: "permission_error",
    words: ({ model }) => `Your API key does not have permission to use the model ${model}.`,
  },
  // What its edge says to addresses in unsupported countries.
  forbidden_region: { status: 403, type: "forbidden", words: () => "Request not allowed" },
  model_not_found: { status: 404, type: "not_found_error", words: ({ model }) => `model: ${model}` },
  context_length: {
    ...invalid,
    words: ({ window, inputTokens }) => `prompt is too long: ${inputTokens ?? 0} tokens > ${window ?? 0} maximum`,
  },
  content_blocked: { ...invalid, words: () => "Output blocked by content filtering policy" },
  prefill_refused: {
    ...invalid,
    words: () =>
      "This model does not support assistant message prefill. The conversation must end with a user message.",
  },
  too_large: { status: 413, type: "request_too_large", words: () => "Request exceeds the maximum size" },
  rate_limited: {
    status: 429,
    type: "rate_limit_error",
    words: () => "This request would exceed your organization's rate limit of 3 requests per minute.",
  },
  // A balance that is used up is a mistake of the request, as Anthropic sees it.
  quota: {
    ...invalid,
    words: () =>
      "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase " +
      "credits.",
  },
  server_error: { status: 500, type: "api_error", words: () => "Internal server error" },
  unavailable: { status: 503, type: "api_error", words: () => "Service temporarily unavailable" },
  overloaded: { status: 529, type: "overloaded_error", words: () => "Overloaded" },
};

/** The reply to a request that fails this way. */
export function failure(kind: FailureKind, about: FailureDetails): WireReply {
  const { status } = FAILURES[kind];
  return { status, headers: { "content-type": "application/json" }, body: failureJson(kind, about) };
}

/** JSON text of the same failure. */
export function failureJson(kind: FailureKind, about: FailureDetails): string {
  const row = FAILURES[kind];
  return errorJson(row.type, about.message ?? row.words(about));
}

/** Throws the refusal of a request that breaks a rule. */
export function refuse(message: string, status = 400, type = "invalid_request_error"): never {
  throw new Refusal({ status, headers: { "content-type": "application/json" }, body: errorJson(type, message) });
}

/** Refuses a request whose shape is wrong, in the words of Anthropic's validation. */
export function complain(complaint: Complaint): never {
  refuse(`${dotted(complaint.path)}: ${words(complaint)}`);
}

function words(complaint: Complaint): string {
  switch (complaint.about) {
    case "unknown":
      return "Extra inputs are not permitted";
    case "missing":
      return "Field required";
    case "word": {
      const expected = complaint.words.map((one) => `'${one}'`).join(" or ");
      if (complaint.path.at(-1) !== "type") return `Input should be ${expected}`;
      const tags = complaint.words.map((one) => `'${one}'`).join(", ");
      const found = String(complaint.value);
      return `Input tag '${found}' found using 'type' does not match any of the expected tags: ${tags}`;
    }
    case "range": {
      const { least, most } = complaint.shape;
      const low = complaint.value < least;
      return `Input should be ${low ? "greater" : "less"} than or equal to ${low ? least : most}`;
    }
    case "length":
      return `${complaint.of === "array" ? "List" : "String"} should have at most ${complaint.most} items`;
    default:
      return `Input should be a valid ${typeWord(complaint.shape.is)}`;
  }
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  flag: "boolean",
  text: "string",
  word: "string",
  object: "dictionary",
  tagged: "dictionary",
  either: "string",
};

function typeWord(shape: string): string {
  return TYPE_WORDS[shape] ?? shape;
}

/** A path as Anthropic writes it, for example `messages.0.content`. */
function dotted(path: Path): string {
  return path.join(".");
}

function errorJson(type: string, message: string): string {
  return JSON.stringify({ type: "error", error: { type, message } });
}
