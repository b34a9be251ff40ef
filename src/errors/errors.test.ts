import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ErrorReason, ExclusionSchema, Fault, FailedAttemptSchema, GatewayErrorSchema } from "../contract/index.ts";
import { CATALOGUE, ParleyError, reasonName, redact, rememberSecret, shorten, toGatewayError } from "./index.ts";

describe("CATALOGUE", () => {
  test("has a row for every reason, and names a fault in each", () => {
    const names = Object.keys(ErrorReason).filter((name) => name !== "UNSPECIFIED");
    expect(Object.keys(CATALOGUE).toSorted()).toEqual(names.toSorted());
    for (const row of Object.values(CATALOGUE)) expect(row.fault).not.toBe(Fault.UNSPECIFIED);
  });

  test("budget exhaustion is 402 and failed_precondition, and is not retryable", () => {
    expect(CATALOGUE.BUDGET_EXCEEDED).toMatchObject({ httpStatus: 402, code: 9, retryable: false });
  });

  test("a provider's refusal of content is never routed around", () => {
    expect(CATALOGUE.PROVIDER_CONTENT_BLOCKED.failover).toBe("never");
  });

  test("a provider's rejection of our credential is not the caller's authentication failure", () => {
    expect(CATALOGUE.PROVIDER_CREDENTIAL.httpStatus).toBe(503);
    expect(CATALOGUE.PROVIDER_CREDENTIAL.fault).toBe(Fault.OPERATOR);
  });
});

describe("ParleyError", () => {
  test("from() keeps a ParleyError and hides what anything else says", () => {
    const known = new ParleyError("INVALID_REQUEST", "Cannot read it");
    expect(ParleyError.from(known)).toBe(known);
    const unknown = ParleyError.from(new Error("the prompt was: hunter2"));
    expect(reasonName(unknown.reason)).toBe("GATEWAY_INTERNAL");
    expect(unknown.message).not.toContain("hunter2");
  });

  test("what a provider said is redacted and shortened", () => {
    const error = new ParleyError("PROVIDER_ERROR", "x", {
      upstream: { message: `bad key sk-proj-abcdef123456 ${"a ".repeat(2000)}` },
    });
    expect(error.upstream?.message).not.toContain("abcdef123456");
    expect(error.upstream?.message.length).toBeLessThanOrEqual(512);
  });

  test("toGatewayError stays within 4 KiB, whatever it is given", () => {
    const exclusion = create(ExclusionSchema, { constraint: "c".repeat(400), count: 3, example: "e".repeat(400) });
    const error = new ParleyError("NO_ELIGIBLE_TARGET", "ä".repeat(5000), {
      field: "f".repeat(1000),
      exclusions: new Array(20).fill(exclusion),
      upstream: { message: "m".repeat(5000) },
    });
    const attempt = create(FailedAttemptSchema, { target: { provider: "p".repeat(100), model: "m".repeat(100) } });
    const message = toGatewayError(error, {
      requestId: "req_1",
      errorId: "err_1",
      contentDelivered: false,
      attempts: new Array(9).fill(attempt),
    });
    expect(toBinary(GatewayErrorSchema, message).length).toBeLessThanOrEqual(4096);
    expect(message.safeToRetry).toBe(true);
  });
});

describe("redact", () => {
  test.each([
    "sk-proj-abcdef0123456789",
    "Bearer abcdefghijklmnop",
    "AIzaSyA-1234567890abcdef",
    "parley_ab12cd34_0123456789abcdef",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "AKIAABCDEFGHIJKLMNOP",
    "https://x.test/v1?key=abc123def",
    "gsk_abcdefghijklmnop",
    "0123456789abcdef0123456789abcdef0123456789abcdef",
  ])("hides %s", (secret) => {
    expect(redact(`Incorrect key provided: ${secret}.`)).toContain("[redacted]");
    expect(redact(`Incorrect key provided: ${secret}.`)).not.toContain(secret.slice(-8));
  });

  test("hides what it was told to remember, whatever its shape, and nothing as short as a word", () => {
    rememberSecret("hunter.two three");
    rememberSecret("sandbox");
    expect(redact("no hunter.two three in the sandbox")).toBe("no [redacted] in the sandbox");
    const error = new ParleyError("PROVIDER_ERROR", "the provider answered hunter.two three", {
      upstream: {
        type: "hunter.two three",
        code: "hunter.two three",
        param: "hunter.two three",
        requestId: "hunter.two three",
      },
    });
    expect(JSON.stringify([error.message, error.upstream])).not.toContain("hunter");
  });

  test("leaves ordinary sentences alone", () => {
    const sentence = "This model's maximum context length is 128000 tokens. Please reduce messages[3].";
    expect(redact(sentence)).toBe(sentence);
  });
});

test("shorten never cuts a surrogate pair", () => {
  expect(shorten("ab😀cd", 4)).toBe("ab…");
  expect(shorten("abc", 3)).toBe("abc");
});
