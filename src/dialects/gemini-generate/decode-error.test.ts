import { describe, expect, test } from "vitest";
import { reasonName, type ParleyError } from "../../errors/index.ts";
import { geminiGenerate } from "./index.ts";
import { targetWith } from "./target.fixture.ts";

function decoded(status: number, body: unknown, headers: Record<string, string> = {}): ParleyError {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return geminiGenerate.decodeError({ status, headers, body: text, nowMs: 0 }, targetWith());
}

const reason = (error: ParleyError) => reasonName(error.reason);
const rpc = (type: string, more: object) => ({ "@type": `type.googleapis.com/google.rpc.${type}`, ...more });
const failure = (code: number, status: string, message = "", ...details: object[]) => ({
  error: { code, status, message, details },
});

describe("decodeError classifies", () => {
  test.each([
    [400, "INVALID_ARGUMENT", "bad", "INVALID_REQUEST"],
    [400, "OUT_OF_RANGE", "", "INVALID_REQUEST"],
    [
      400,
      "INVALID_ARGUMENT",
      "The input token count (9) exceeds the maximum number of tokens allowed (8).",
      "CONTEXT_TOO_LONG",
    ],
    [400, "INVALID_ARGUMENT", "Function call is missing a thought_signature in functionCall parts.", "STATE_INVALID"],
    [400, "INVALID_ARGUMENT", "Thought signature is not valid.", "STATE_INVALID"],
    [400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", "PROVIDER_CREDENTIAL"],
    [400, "INVALID_ARGUMENT", "API key expired. Please renew the API key.", "PROVIDER_CREDENTIAL"],
    [400, "INVALID_ARGUMENT", "Request payload size exceeds the limit: 20971520 bytes.", "REQUEST_TOO_LARGE"],
    [400, "INVALID_ARGUMENT", "Unable to process input image.", "INVALID_MEDIA"],
    [400, "INVALID_ARGUMENT", "Unsupported MIME type: text/x", "INVALID_MEDIA"],
    [400, "INVALID_ARGUMENT", "Function calling is not enabled for models/m1", "UNSUPPORTED_CAPABILITY"],
    [400, "INVALID_ARGUMENT", "Image input modality is not enabled for models/m1", "UNSUPPORTED_CAPABILITY"],
    [400, "INVALID_ARGUMENT", "Penalty is not enabled for models/m1", "UNSUPPORTED_PARAMETER"],
    [400, "INVALID_ARGUMENT", "This model does not support setting thinking_budget to 0.", "UNSUPPORTED_PARAMETER"],
    [400, "FAILED_PRECONDITION", "User location is not supported for the API use.", "PROVIDER_REGION"],
    [400, "FAILED_PRECONDITION", "The free tier is not available in your country. Enable billing.", "PROVIDER_REGION"],
    [400, "FAILED_PRECONDITION", "Please enable billing.", "PROVIDER_BILLING"],
    [400, "FAILED_PRECONDITION", "", "PROVIDER_ACCESS"],
    [401, "UNAUTHENTICATED", "", "PROVIDER_CREDENTIAL"],
    [403, "PERMISSION_DENIED", "The caller does not have permission.", "PROVIDER_ACCESS"],
    [403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers.", "PROVIDER_CREDENTIAL"],
    [403, "PERMISSION_DENIED", "Your API key was reported as leaked.", "PROVIDER_CREDENTIAL"],
    [404, "NOT_FOUND", "models/x is not found for API version v1beta", "MODEL_NOT_FOUND"],
    [404, "NOT_FOUND", "This model models/x is no longer available.", "MODEL_RETIRED"],
    [409, "ABORTED", "", "PROVIDER_ERROR"],
    [429, "RESOURCE_EXHAUSTED", "Resource exhausted. Please try again later.", "PROVIDER_RATE_LIMITED"],
    [429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted.", "PROVIDER_BILLING"],
    [429, "RESOURCE_EXHAUSTED", "Quota exceeded for requests per day", "PROVIDER_QUOTA"],
    [499, "CANCELLED", "", "PROVIDER_ERROR"],
    [500, "INTERNAL", "", "PROVIDER_ERROR"],
    [501, "UNIMPLEMENTED", "", "PROVIDER_ERROR"],
    [503, "UNAVAILABLE", "The model is overloaded.", "PROVIDER_OVERLOADED"],
    [504, "DEADLINE_EXCEEDED", "", "PROVIDER_TIMEOUT"],
  ])("decodeError of %d %s %j is %j", (code, status, message, expected) => {
    expect(reason(decoded(code, failure(code, status, message)))).toBe(expected);
    // An error inside a stream is the same one.
    expect(reason(decoded(code, [failure(code, status, message)]))).toBe(expected);
  });

  test.each([
    ["API_KEY_INVALID", 400, "PROVIDER_CREDENTIAL"],
    ["SERVICE_DISABLED", 403, "PROVIDER_ACCESS"],
    ["BILLING_DISABLED", 403, "PROVIDER_BILLING"],
    ["SOMETHING_NEW", 403, "PROVIDER_ACCESS"],
  ])("decodeError believes the reason %s of a %d first", (told, code, expected) => {
    const body = failure(
      code,
      code === 400 ? "INVALID_ARGUMENT" : "PERMISSION_DENIED",
      "",
      rpc("ErrorInfo", { reason: told }),
    );
    expect(reason(decoded(code, body))).toBe(expected);
  });

  test.each([
    ["GenerateRequestsPerDayPerProjectPerModel-FreeTier", "PROVIDER_QUOTA", "PerDay"],
    ["GenerateContentPaidTierInputTokensPerModelPerMinute", "PROVIDER_RATE_LIMITED", "PerMinute"],
  ])("decodeError tells the quota %s apart, and when to come back", (quotaId, expected, window) => {
    const details = [rpc("QuotaFailure", { violations: [{ quotaId }] }), rpc("RetryInfo", { retryDelay: "38.5s" })];
    const error = decoded(429, failure(429, "RESOURCE_EXHAUSTED", "Quota exceeded per day", ...details));
    expect([reason(error), error.retryDelayMs, error.upstream?.code]).toEqual([expected, 38_500, window]);
  });

  test.each([
    [401, "", "PROVIDER_CREDENTIAL"],
    [402, "", "PROVIDER_BILLING"],
    [404, "<html>", "MODEL_NOT_FOUND"],
    [413, "", "REQUEST_TOO_LARGE"],
    [418, "{}", "INVALID_REQUEST"],
    [429, "[]", "PROVIDER_RATE_LIMITED"],
    [502, "Bad gateway", "PROVIDER_ERROR"],
    [503, "null", "PROVIDER_OVERLOADED"],
    [529, '{"error":"x"}', "PROVIDER_OVERLOADED"],
  ])("decodeError of a bare %d with %j is %j", (status, body, expected) => {
    expect(reason(decoded(status, body))).toBe(expected);
  });
});

describe("decodeError tells what the caller needs", () => {
  test("decodeError obeys retry-after where the body tells no delay", () => {
    expect(decoded(503, failure(503, "UNAVAILABLE"), { "retry-after": "7" }).retryDelayMs).toBe(7000);
    expect(
      decoded(503, failure(503, "UNAVAILABLE", "", rpc("RetryInfo", { retryDelay: "soon" }))).retryDelayMs,
    ).toBeUndefined();
  });

  test.each([
    [{ field: "generation_config.temperature" }, "sampling.temperature"],
    [{ field: "generationConfig.thinkingConfig.thinkingBudget" }, "reasoning"],
    [{ field: "contents[3].parts[0].text" }, "messages"],
    [{ field: "tools[0].function_declarations[1].parameters" }, "tools"],
    [{ field: "novelty" }, ""],
  ])("decodeError names the contract's field behind %j", (violation, field) => {
    const details = rpc("BadRequest", { fieldViolations: [violation] });
    const error = decoded(400, failure(400, "INVALID_ARGUMENT", "no", details));
    expect([error.field, error.upstream?.param]).toEqual([field, violation.field]);
  });

  test("decodeError finds the field within the sentence", () => {
    const at = failure(400, "INVALID_ARGUMENT", "Invalid value at 'generation_config.top_k' (TYPE_INT32), \"x\"");
    expect(decoded(400, at).field).toBe("sampling.top_k");
    const dotted = failure(
      400,
      "INVALID_ARGUMENT",
      "* GenerateContentRequest.generation_config.response_schema.properties[a]: bad",
    );
    expect(decoded(400, dotted).field).toBe("output.json_schema.schema_json");
  });

  test("decodeError says that a member which no caller sets is our defect", () => {
    const unknown = (path: string) =>
      failure(
        400,
        "INVALID_ARGUMENT",
        `Invalid JSON payload received. Unknown name "x" at '${path}': Cannot find field.`,
      );
    expect(reason(decoded(400, unknown("contents[0].parts[0].function_call")))).toBe("TRANSLATION_DEFECT");
    expect(reason(decoded(400, unknown("generation_config.thinking_config")))).toBe("UNSUPPORTED_PARAMETER");
    expect(reason(decoded(400, unknown("generation_config.response_schema")))).toBe("UNSUPPORTED_PARAMETER");
  });

  test("decodeError keeps the provider's words out of the message and redacted in upstream", () => {
    const error = decoded(
      400,
      failure(400, "INVALID_ARGUMENT", "You said: my secret prompt, key AIzaSyA1234567890abcdef"),
      { "x-request-id": "r9" },
    );
    expect(error.message).not.toContain("secret");
    expect(error.upstream).toMatchObject({ httpStatus: 400, type: "INVALID_ARGUMENT", requestId: "r9" });
    expect(error.upstream?.message).not.toContain("AIzaSy");
  });
});
