import { describe, expect, test } from "vitest";
import { reasonName } from "../../errors/index.ts";
import { openaiChat } from "./index.ts";
import { targetWith } from "./target.fixture.ts";

const NOW_MS = Date.parse("2026-11-20T12:00:00Z");

function decode(status: number, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return openaiChat.decodeError({ status, headers, body: text, nowMs: NOW_MS }, targetWith());
}

function error(
  type: string | null,
  code: string | number | null,
  param: string | null = null,
  message = "no",
): unknown {
  return { error: { message, type, param, code } };
}

const INVALID = "invalid_request_error";

describe("decodeError classifies", () => {
  test.each([
    [400, error(INVALID, "context_length_exceeded", "messages"), "CONTEXT_TOO_LONG"],
    [400, error(INVALID, "unsupported_parameter", "logit_bias"), "UNSUPPORTED_PARAMETER"],
    [400, error(INVALID, "unsupported_value", "temperature"), "UNSUPPORTED_PARAMETER"],
    [400, error(INVALID, "unsupported_parameter", "max_tokens"), "TRANSLATION_DEFECT"],
    [400, error(INVALID, null, "stream_options"), "TRANSLATION_DEFECT"],
    [400, error(INVALID, "invalid_value", "temperature"), "INVALID_REQUEST"],
    [400, error(INVALID, "invalid_image_url"), "INVALID_MEDIA"],
    [400, error(INVALID, INVALID, null, "This model's maximum context length is 65536 tokens."), "CONTEXT_TOO_LONG"],
    [400, error(INVALID, "invalid_value", null, "maximum context length"), "INVALID_REQUEST"],
    [
      400,
      { error: { code: "content_filter", message: "no", innererror: { code: "ResponsibleAIPolicyViolation" } } },
      "PROVIDER_CONTENT_BLOCKED",
    ],
    [
      400,
      { error: { message: "no", innererror: { code: "ResponsibleAIPolicyViolation" } } },
      "PROVIDER_CONTENT_BLOCKED",
    ],
    [400, error(INVALID, "tool_use_failed"), "PROVIDER_BAD_OUTPUT"],
    [400, { code: "Argument not supported on this model: stop", error: "Argument not supported" }, "INVALID_REQUEST"],
    [400, "", "INVALID_REQUEST"],
    [401, error(INVALID, "invalid_api_key"), "PROVIDER_CREDENTIAL"],
    [401, error(INVALID, null), "PROVIDER_CREDENTIAL"],
    [402, error(null, null), "PROVIDER_BILLING"],
    [403, error(null, null), "PROVIDER_ACCESS"],
    [403, error(INVALID, "unsupported_country_region_territory"), "PROVIDER_REGION"],
    [404, error(INVALID, "model_not_found"), "MODEL_NOT_FOUND"],
    [404, { error: "Specified model not found" }, "MODEL_NOT_FOUND"],
    [404, "<html>nothing here</html>", "MODEL_NOT_FOUND"],
    [408, "", "PROVIDER_TIMEOUT"],
    [409, "", "PROVIDER_ERROR"],
    [413, "", "REQUEST_TOO_LARGE"],
    [422, { detail: [{ type: "extra_forbidden" }] }, "UNSUPPORTED_PARAMETER"],
    [422, { detail: [{ type: "missing", loc: ["body", "messages"] }] }, "INVALID_REQUEST"],
    [
      422,
      { object: "error", message: { detail: [{ type: "extra_forbidden", loc: ["body", "stream_options"] }] } },
      "TRANSLATION_DEFECT",
    ],
    [
      422,
      { message: { detail: [{ type: "extra_forbidden", loc: ["body", "max_completion_tokens"] }] } },
      "TRANSLATION_DEFECT",
    ],
    [400, { object: "error", type: "invalid_model", code: "1500", message: "no" }, "MODEL_NOT_FOUND"],
    [429, { object: "error", type: "rate_limited", code: "1300", message: "no" }, "PROVIDER_RATE_LIMITED"],
    [422, error(INVALID, "extra_forbidden"), "UNSUPPORTED_PARAMETER"],
    [429, error("requests", "rate_limit_exceeded"), "PROVIDER_RATE_LIMITED"],
    [429, error("insufficient_quota", "insufficient_quota"), "PROVIDER_BILLING"],
    [429, error("exceeded_current_quota_error", null), "PROVIDER_BILLING"],
    [429, error("engine_overloaded_error", null), "PROVIDER_OVERLOADED"],
    [429, "", "PROVIDER_RATE_LIMITED"],
    [498, error(null, "capacity_exceeded"), "PROVIDER_RATE_LIMITED"],
    [500, error("server_error", null), "PROVIDER_ERROR"],
    [502, "<html><body>Bad Gateway</body></html>", "PROVIDER_ERROR"],
    [503, "", "PROVIDER_OVERLOADED"],
    [504, "", "PROVIDER_TIMEOUT"],
    [529, "", "PROVIDER_OVERLOADED"],
    [302, "", "PROVIDER_ERROR"],
    [500, [{ error: { code: 500, status: "INTERNAL" } }], "PROVIDER_ERROR"],
    [400, { message: "no", type: INVALID, param: "messages", code: "context_length_exceeded" }, "CONTEXT_TOO_LONG"],
    [500, "[".repeat(60_000), "PROVIDER_ERROR"],
    [500, { error: { message: { nested: true }, code: { a: 1 }, type: 5 } }, "PROVIDER_ERROR"],
    [500, "null", "PROVIDER_ERROR"],
  ])("decodeError reads %i %j", (status, body, reason) => {
    expect(reasonName(decode(status, body).reason)).toBe(reason);
  });

  test.each([
    [429, "", "false", "PROVIDER_QUOTA"],
    [429, error(null, "rate_limit_exceeded"), "false", "PROVIDER_RATE_LIMITED"],
    [400, "", "true", "PROVIDER_ERROR"],
    [400, error(INVALID, "invalid_value"), "true", "INVALID_REQUEST"],
  ])("decodeError reads %i %j with x-should-retry %s", (status, body, advice, reason) => {
    expect(reasonName(decode(status, body, { "x-should-retry": advice }).reason)).toBe(reason);
  });
});

describe("decodeError tells", () => {
  test("decodeError maps the provider's field to the contract's, for mistakes of the caller only", () => {
    const field = (status: number, param: string) => decode(status, error(INVALID, "invalid_value", param)).field;
    expect(field(400, "messages[3].content[0]")).toBe("messages");
    expect(field(400, "response_format.json_schema")).toBe("output");
    expect(field(400, "n")).toBe("sampling.candidates");
    expect(field(400, "constructor")).toBe("");
    expect(field(401, "temperature")).toBe("");
  });

  test("decodeError keeps what the provider said, redacted, and out of its own message", () => {
    const secret = "sk-proj-abcdefghijklmnop";
    const thrown = decode(401, error(INVALID, "invalid_api_key", null, `Incorrect API key provided: ${secret}.`), {
      "x-request-id": "req_1",
    });
    expect(thrown.upstream).toMatchObject({
      httpStatus: 401,
      code: "invalid_api_key",
      type: INVALID,
      requestId: "req_1",
    });
    expect(thrown.upstream?.message).toContain("Incorrect API key");
    expect(JSON.stringify([thrown.upstream?.message, thrown.message])).not.toContain(secret);
    expect(thrown.message).toBe("Cannot complete the request at house/m1: the provider answered 401 invalid_api_key");
  });

  test("decodeError never quotes what is not JSON", () => {
    const thrown = decode(502, "<html>prompt text</html>");
    expect(JSON.stringify([thrown.message, thrown.upstream])).not.toContain("prompt text");
  });

  test("decodeError names the categories of a content filter", () => {
    const thrown = decode(400, {
      error: {
        code: "content_filter",
        innererror: { content_filter_result: { hate: { filtered: true }, sexual: { filtered: false } } },
      },
    });
    expect(thrown.message).toContain("(hate)");
  });

  test("decodeError tells when to retry", () => {
    expect(decode(429, "", { "retry-after": "7" }).retryDelayMs).toBe(7000);
    expect(decode(429, "").retryDelayMs).toBeUndefined();
  });
});
