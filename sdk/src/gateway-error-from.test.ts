import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { GenerateStreamResponseSchema, ParleyRequestError, gatewayErrorFrom, isRetryable } from "./index.ts";
import { failed, interrupted, numbered } from "../test/events.ts";

const restBody = {
  error: {
    message: "Cannot reach any target of fast: every one of 2 failed",
    type: "server_error",
    code: "provider_timeout",
    param: null,
    parley: {
      reason: "provider_timeout",
      fault: "provider",
      retryable: true,
      retry_delay_ms: 1500,
      safe_to_retry: true,
      attempts: [
        { provider: "openai", model: "gpt-x", reason: "PROVIDER_TIMEOUT", http_status: 504, duration_ms: 900 },
        { target: { provider: "house", model: "qwen" }, reason: "ERROR_REASON_PROVIDER_ERROR", durationMs: 12 },
      ],
      exclusions: [{ constraint: "routing.constraints.regions", count: 3, example: "openai/gpt-x" }],
      upstream: { http_status: 504, type: "timeout", code: "", message: "slow", request_id: "up_1" },
      request_id: "req_9",
      error_id: "err_9",
    },
  },
};

const restExpectation = {
  reason: "PROVIDER_TIMEOUT",
  fault: "provider",
  retryable: true,
  retryDelayMs: 1500,
  safeToRetry: true,
  message: "Cannot reach any target of fast: every one of 2 failed",
  requestId: "req_9",
  errorId: "err_9",
  attempts: [
    { provider: "openai", model: "gpt-x", reason: "PROVIDER_TIMEOUT", httpStatus: 504, durationMs: 900 },
    { provider: "house", model: "qwen", reason: "PROVIDER_ERROR", durationMs: 12 },
  ],
  exclusions: [{ constraint: "routing.constraints.regions", count: 3, example: "openai/gpt-x" }],
  upstream: { httpStatus: 504, type: "timeout", code: "", message: "slow", requestId: "up_1" },
};

describe("gatewayErrorFrom", () => {
  test("reads the body of a REST error, parsed or as text", () => {
    expect(gatewayErrorFrom(restBody)).toMatchObject(restExpectation);
    expect(gatewayErrorFrom(JSON.stringify(restBody))).toMatchObject(restExpectation);
    expect(gatewayErrorFrom(restBody.error)).toMatchObject(restExpectation);
  });

  test("reads an error of an OpenAI client, which keeps the body's error object", () => {
    const thrown = Object.assign(new Error("504 slow"), { status: 504, error: restBody.error });
    const error = gatewayErrorFrom(thrown);
    expect(error).toMatchObject(restExpectation);
    expect(error?.cause).toBe(thrown);
  });

  test("reads a failed event, the message around it and what is inside it", () => {
    const [event] = numbered([failed()]);
    const message = create(GenerateStreamResponseSchema, { event: event! });
    for (const value of [event, message, event?.event.value, interrupted()]) {
      expect(gatewayErrorFrom(value)).toMatchObject({ reason: "STREAM_INTERRUPTED", errorId: "err_1" });
    }
  });

  test("finds the error behind the cause of another one, and does not follow a circle", () => {
    const thrown = new Error("tool failed", { cause: new Error("again", { cause: restBody }) });
    expect(gatewayErrorFrom(thrown)?.reason).toBe("PROVIDER_TIMEOUT");
    const circle = new Error("circle");
    circle.cause = circle;
    expect(gatewayErrorFrom(circle)).toBeUndefined();
  });

  test("gives back an error of the SDK as it is", () => {
    const error = new ParleyRequestError("x", {
      reason: "UNKNOWN",
      fault: "unknown",
      retryable: false,
      safeToRetry: true,
    });
    expect(gatewayErrorFrom(error)).toBe(error);
  });

  test("gives undefined for what no gateway said", () => {
    for (const value of [undefined, null, 7, "no", "{", "{}", [], {}, new Error("x"), { error: { message: "m" } }]) {
      expect(gatewayErrorFrom(value)).toBeUndefined();
    }
  });

  test.each([
    [Code.Unavailable, "GATEWAY_UNREACHABLE", true],
    [Code.Aborted, "GATEWAY_UNREACHABLE", true],
    [Code.Unimplemented, "NOT_IMPLEMENTED", false],
    [Code.Unauthenticated, "UNAUTHENTICATED", false],
    [Code.DeadlineExceeded, "DEADLINE_EXCEEDED", false],
    [Code.Internal, "UNKNOWN", false],
    [Code.ResourceExhausted, "UNKNOWN", false],
  ])("takes code %s that no gateway explains as %s", (code, reason, retryable) => {
    expect(gatewayErrorFrom(new ConnectError("x", code))).toMatchObject({ reason, retryable, errorId: "" });
  });

  test("takes an error of Node's sockets as a gateway that cannot be reached", () => {
    const cause = Object.assign(new Error("Protocol error"), { code: "ERR_HTTP2_ERROR" });
    const thrown = new ConnectError("Protocol error", Code.Internal, undefined, undefined, cause);
    expect(gatewayErrorFrom(thrown)?.reason).toBe("GATEWAY_UNREACHABLE");
  });

  test("takes a rejection of fetch as a gateway that cannot be reached", () => {
    const thrown = ConnectError.from(new TypeError("fetch failed"));
    expect(gatewayErrorFrom(thrown)?.reason).toBe("GATEWAY_UNREACHABLE");
  });
});

describe("isRetryable", () => {
  test("is true only where the request may succeed later and repeats nothing", () => {
    expect(isRetryable(restBody)).toBe(true);
    expect(isRetryable(interrupted())).toBe(false);
    expect(isRetryable(interrupted({ safeToRetry: true }))).toBe(true);
    expect(isRetryable(interrupted({ safeToRetry: true, retryable: false }))).toBe(false);
    expect(isRetryable(new Error("x"))).toBe(false);
  });
});
