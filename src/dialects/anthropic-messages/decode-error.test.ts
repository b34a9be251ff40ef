import { describe, expect, test } from "vitest";
import { reasonName } from "../../errors/index.ts";
import { anthropicMessages } from "./index.ts";
import { targetWith } from "./target.fixture.ts";

const NOW_MS = Date.parse("2026-11-20T10:00:00Z");

function decode(status: number, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return anthropicMessages.decodeError({ status, headers, body: text, nowMs: NOW_MS }, targetWith());
}

const said = (type: string, message = "", details?: object): object => ({
  type: "error",
  error: { type, message, details },
});

describe("decodeError", () => {
  const rows: readonly (readonly [status: number, body: unknown, reason: string])[] = [
    [400, said("invalid_request_error", "messages: roles must alternate"), "INVALID_REQUEST"],
    [400, said("invalid_request_error", "prompt is too long: 213021 tokens > 204698 maximum"), "CONTEXT_TOO_LONG"],
    [
      400,
      said("invalid_request_error", "input length and `max_tokens` exceed context limit: 1 + 2 > 2"),
      "CONTEXT_TOO_LONG",
    ],
    [400, said("invalid_request_error", "Your credit balance is too low to access the API"), "PROVIDER_BILLING"],
    [400, said("invalid_request_error", "You have reached your specified API usage limits."), "PROVIDER_QUOTA"],
    [400, said("invalid_request_error", "This organization has been disabled."), "PROVIDER_ACCESS"],
    [400, said("invalid_request_error", "Output blocked by content filtering policy"), "PROVIDER_CONTENT_BLOCKED"],
    [
      400,
      said("invalid_request_error", "messages.1.content.0: Invalid `signature` in `thinking` block"),
      "STATE_INVALID",
    ],
    [
      400,
      said(
        "invalid_request_error",
        "`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified",
      ),
      "STATE_INVALID",
    ],
    [
      400,
      said("invalid_request_error", "Expected `thinking` or `redacted_thinking`, but found `tool_use`"),
      "STATE_INVALID",
    ],
    [400, said("invalid_request_error", "messages.0.content.0.image: Could not process image"), "INVALID_MEDIA"],
    [400, said("invalid_request_error", "top_k: Extra inputs are not permitted"), "UNSUPPORTED_PARAMETER"],
    [400, said("invalid_request_error", "anthropic_version: Extra inputs are not permitted"), "TRANSLATION_DEFECT"],
    [400, said("invalid_request_error", "`temperature` is deprecated for this model."), "UNSUPPORTED_PARAMETER"],
    [
      400,
      said("invalid_request_error", "This model does not support assistant message prefill."),
      "UNSUPPORTED_PARAMETER",
    ],
    [400, said("invalid_request_error", "x", { error_code: "organization_on_hold" }), "PROVIDER_BILLING"],
    [401, said("authentication_error", "invalid x-api-key"), "PROVIDER_CREDENTIAL"],
    [402, said("billing_error"), "PROVIDER_BILLING"],
    [403, said("permission_error"), "PROVIDER_ACCESS"],
    [403, said("not_found_error", "model: x"), "PROVIDER_ACCESS"],
    [404, said("not_found_error", "model: file-reader"), "MODEL_NOT_FOUND"],
    [404, said("not_found_error", "File not found: file_1"), "NOT_FOUND"],
    [404, "<html>", "MODEL_NOT_FOUND"],
    [409, said("conflict_error"), "CONFLICT"],
    [413, said("request_too_large"), "REQUEST_TOO_LARGE"],
    [413, "", "REQUEST_TOO_LARGE"],
    [422, said("invalid_request_error", "x"), "INVALID_REQUEST"],
    [429, said("rate_limit_error"), "PROVIDER_RATE_LIMITED"],
    [429, said("overloaded_error"), "PROVIDER_OVERLOADED"],
    [429, said("rate_limit_error", "", { error_code: "enforced_spend_limit_reached" }), "PROVIDER_BILLING"],
    [429, said("rate_limit_error", "", { error_code: "ramp_limit_exceeded" }), "PROVIDER_RATE_LIMITED"],
    [499, said("x"), "PROVIDER_ERROR"],
    [500, said("api_error"), "PROVIDER_ERROR"],
    [503, said("api_error"), "PROVIDER_OVERLOADED"],
    [504, said("api_error"), "PROVIDER_TIMEOUT"],
    [599, said("api_error"), "PROVIDER_ERROR"],
    [400, said("api_error"), "PROVIDER_ERROR"],
    [503, "", "PROVIDER_OVERLOADED"],
    [504, said("timeout_error"), "PROVIDER_TIMEOUT"],
    [529, said("overloaded_error"), "PROVIDER_OVERLOADED"],
    [418, said("teapot_error"), "INVALID_REQUEST"],
    [
      404,
      [{ error: { code: 404, message: "Publisher Model `x` was not found", status: "NOT_FOUND" } }],
      "MODEL_NOT_FOUND",
    ],
    [429, { error: { code: 429, message: "Quota exceeded", status: "RESOURCE_EXHAUSTED" } }, "PROVIDER_RATE_LIMITED"],
    [403, { error: { code: 403, status: "PERMISSION_DENIED" } }, "PROVIDER_ACCESS"],
  ];

  test.for(rows)("decodeError of %i %j is %s", ([status, body, expected]) => {
    expect(reasonName(decode(status, body).reason)).toBe(expected);
  });

  test("decodeError names the contract's field, and keeps the provider's sentence inside", () => {
    const error = decode(
      400,
      said("invalid_request_error", "tools.0.custom.input_schema: Input does not match the expected shape."),
    );
    expect([error.field, error.upstream?.param]).toEqual(["tools", "tools.0.custom.input_schema"]);
    expect(error.message).toBe(
      "Cannot complete the request at house/m1: the provider answered 400 invalid_request_error about tools",
    );
    expect(error.upstream?.message).toContain("expected shape");
    expect(decode(400, said("invalid_request_error", "Sorry: no")).field).toBe("");
  });

  test.each([
    [{ "retry-after": "7" }, 7000],
    [
      {
        "retry-after": "7",
        "anthropic-ratelimit-tokens-remaining": "0",
        "anthropic-ratelimit-tokens-reset": "2026-11-20T10:01:00Z",
      },
      7000,
    ],
    [
      {
        "anthropic-ratelimit-requests-remaining": "5",
        "anthropic-ratelimit-requests-reset": "2026-11-20T11:00:00Z",
        "anthropic-ratelimit-input-tokens-remaining": "0",
        "anthropic-ratelimit-input-tokens-reset": "2026-11-20T10:00:30Z",
        "anthropic-ratelimit-output-tokens-remaining": "0",
        "anthropic-ratelimit-output-tokens-reset": "2026-11-20T10:00:20Z",
      },
      30_000,
    ],
    [{}, undefined],
  ])("decodeError with %j says when to retry: %s", (headers, expected) => {
    expect(decode(429, said("rate_limit_error"), headers as Record<string, string>).retryDelayMs).toBe(expected);
  });

  test("decodeError takes the provider's advice where its words leave it open", () => {
    expect(reasonName(decode(429, said("rate_limit_error"), { "x-should-retry": "false" }).reason)).toBe(
      "PROVIDER_QUOTA",
    );
    expect(reasonName(decode(400, said("invalid_request_error"), { "x-should-retry": "true" }).reason)).toBe(
      "PROVIDER_ERROR",
    );
    expect(reasonName(decode(401, said("authentication_error"), { "x-should-retry": "true" }).reason)).toBe(
      "PROVIDER_CREDENTIAL",
    );
  });

  test.each([
    [{ "request-id": "req_1" }, { request_id: "req_2" }, "req_1"],
    [{}, { request_id: "req_2" }, "req_2"],
    [{}, {}, ""],
  ])("decodeError keeps the id of the call, from %j or %j: %s", (headers, more, expected) => {
    expect(decode(500, { ...said("api_error"), ...more }, headers as Record<string, string>).upstream?.requestId).toBe(
      expected,
    );
  });

  test("decodeError never throws", () => {
    for (const body of [
      "",
      "null",
      "[]",
      "1",
      '"x"',
      "{",
      '{"error":[]}',
      '{"error":{"message":{},"type":3,"details":[]}}',
    ]) {
      expect(decode(400, body).upstream?.httpStatus).toBe(400);
    }
  });
});
