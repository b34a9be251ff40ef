import { describe, expect, test } from "vitest";
import { reasonName } from "../../errors/index.ts";
import { openaiResponses } from "./index.ts";
import { targetWith } from "./target.fixture.ts";

const NOW_MS = Date.parse("2026-11-20T12:00:00Z");
const INVALID = "invalid_request_error";

function decode(status: number, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return openaiResponses.decodeError({ status, headers, body: text, nowMs: NOW_MS }, targetWith());
}

function error(type: string | null, code: string | null, param: string | null = null, message = "no"): unknown {
  return { error: { message, type, param, code } };
}

describe("decodeError classifies", () => {
  test.each([
    [400, error(INVALID, "context_length_exceeded", "input"), "CONTEXT_TOO_LONG"],
    [400, error(INVALID, "unsupported_parameter", "temperature"), "UNSUPPORTED_PARAMETER"],
    [400, error(INVALID, null, "include", "Encrypted content is not supported with this model."), "TRANSLATION_DEFECT"],
    [400, error(INVALID, "invalid_value", "input[4].content[0].file_data"), "INVALID_REQUEST"],
    [400, error(INVALID, "invalid_image_url"), "INVALID_MEDIA"],
    [400, error(INVALID, "image_parse_error"), "INVALID_MEDIA"],
    [400, error(INVALID, "invalid_encrypted_content"), "STATE_INVALID"],
    [400, error(INVALID, "previous_response_not_found", "previous_response_id"), "STATE_INVALID"],
    [
      404,
      error(INVALID, null, "input", "Item with id 'rs_1' not found. Items are not persisted when"),
      "STATE_INVALID",
    ],
    [
      400,
      error(
        INVALID,
        null,
        "input",
        "Item 'rs_1' of type 'reasoning' was provided without its required following item.",
      ),
      "STATE_INVALID",
    ],
    [400, error(INVALID, "invalid_prompt"), "PROVIDER_CONTENT_BLOCKED"],
    [400, error("image_generation_user_error", "moderation_blocked"), "PROVIDER_CONTENT_BLOCKED"],
    [
      400,
      { error: { message: "no", innererror: { code: "ResponsibleAIPolicyViolation" } } },
      "PROVIDER_CONTENT_BLOCKED",
    ],
    [400, { code: "invalid-argument", error: "Incorrect API key provided." }, "PROVIDER_CREDENTIAL"],
    [400, { code: "invalid-argument", error: "Model not found: x" }, "MODEL_NOT_FOUND"],
    [400, { code: "invalid-argument", error: "no" }, "INVALID_REQUEST"],
    [400, error(INVALID, "data_residency_mismatch"), "PROVIDER_REGION"],
    [400, "", "INVALID_REQUEST"],
    [401, error(INVALID, "invalid_api_key"), "PROVIDER_CREDENTIAL"],
    [402, error(null, null), "PROVIDER_BILLING"],
    [403, error(null, null), "PROVIDER_ACCESS"],
    [403, error(INVALID, "model_not_found"), "PROVIDER_ACCESS"],
    [404, error(INVALID, "model_not_found", "model"), "MODEL_NOT_FOUND"],
    [404, "<html>", "MODEL_NOT_FOUND"],
    [408, "", "PROVIDER_TIMEOUT"],
    [410, "", "MODEL_RETIRED"],
    [413, "", "REQUEST_TOO_LARGE"],
    [429, error("tokens", "rate_limit_exceeded"), "PROVIDER_RATE_LIMITED"],
    [429, error("insufficient_quota", "insufficient_quota"), "PROVIDER_BILLING"],
    [500, error("server_error", "server_error"), "PROVIDER_ERROR"],
    [503, error("server_error", null), "PROVIDER_OVERLOADED"],
    [504, "", "PROVIDER_TIMEOUT"],
    [529, "", "PROVIDER_OVERLOADED"],
  ])("%i %j as %s", (status, body, reason) => {
    expect(reasonName(decode(status, body).reason)).toBe(reason);
  });
});

describe("decodeError tells", () => {
  test.each([
    ["input[3].content", "messages"],
    ["text.format.schema", "output"],
    ["text.verbosity", "output.verbosity"],
    ["reasoning.effort", "reasoning.effort"],
    ["reasoning.summary", "reasoning.visibility"],
    ["tools[0].parameters", "tools"],
    ["max_output_tokens", "sampling.max_output_tokens"],
    ["safety_identifier", "end_user_id"],
    ["constructor", ""],
  ])("of the member %s as the contract's field %j", (param, field) => {
    expect(decode(400, error(INVALID, "invalid_value", param)).field).toBe(field);
  });

  test("when to come back, who to ask, and what was said, redacted", () => {
    const key = `sk-proj-${"a1B2".repeat(10)}`;
    const found = decode(429, error("tokens", "rate_limit_exceeded", null, `Key ${key} is slow`), {
      "retry-after-ms": "250",
      "x-request-id": "req_1",
    });
    expect(found).toMatchObject({ retryDelayMs: 250, upstream: { httpStatus: 429, requestId: "req_1" } });
    expect(found.upstream?.message).not.toContain(key);
    expect(found.message).toBe(
      "Cannot complete the request at house/m1: the provider answered 429 rate_limit_exceeded",
    );
  });

  test("whether a retry helps, where the provider says so and nothing else does", () => {
    expect(reasonName(decode(400, error(INVALID, null), { "x-should-retry": "true" }).reason)).toBe("PROVIDER_ERROR");
    expect(reasonName(decode(429, "", { "x-should-retry": "false" }).reason)).toBe("PROVIDER_QUOTA");
  });

  test("what a filter was about", () => {
    const innererror = { content_filter_result: { violence: { filtered: true }, hate: { filtered: false } } };
    expect(decode(400, { error: { code: "content_filter", innererror } }).message).toContain("(violence)");
  });
});
