import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ExclusionSchema, FailedAttemptSchema, keptAlive, textPart } from "../../contract/index.ts";
import { ParleyError, toGatewayError } from "../../errors/index.ts";
import type { EventSink } from "../../pipeline/call.ts";
import { realRuntime } from "../../runtime/real.ts";
import { openAiSpec } from "./openai-spec.ts";
import { ORIGIN, startedEvent, wholeEvents, answerWith, failWith, breakWith, sseData } from "./answers.fixture.ts";
import { ScriptedGateway, serveSurface, CHAT, BODY, errorOf } from "./test-support.ts";

const runtime = realRuntime();

type Json = Record<string, unknown>;

describe("failures", () => {
  test("before the stream begins are a status and JSON, also for a stream", async () => {
    const gateway = new ScriptedGateway((call) => {
      const error = new ParleyError("PROVIDER_RATE_LIMITED", "Cannot answer now", {
        retryDelayMs: 1500,
        field: "sampling.candidates",
        exclusions: [create(ExclusionSchema, { constraint: "tools", count: 2, example: "a/b" })],
        upstream: { httpStatus: 429, code: "slow_down", message: "too fast" },
      });
      const attempt = create(FailedAttemptSchema, {
        target: ORIGIN,
        reason: error.reason,
        httpStatus: 429,
        durationMs: 3,
      });
      const gatewayError = toGatewayError(error, {
        requestId: call.requestId,
        errorId: "err_p",
        contentDelivered: false,
        attempts: [attempt, attempt],
      });
      return { kind: "failed", error, gatewayError, delivered: false };
    });
    await using served = await serveSurface(runtime, gateway);
    for (const stream of [false, true]) {
      const response = await served.send(CHAT, { ...BODY, stream });
      expect(Object.fromEntries(response.headers)).toMatchObject({
        "x-should-retry": "true",
        "retry-after": "2",
        "retry-after-ms": "1500",
        "x-parley-attempts": "2",
      });
      expect(openAiSpec?.check("ErrorResponse", await response.clone().json()) ?? []).toEqual([]);
      const { parley, ...error } = await errorOf(response);
      expect(error).toEqual({ status: 429, code: "rate_limit_exceeded", param: "n", message: "Cannot answer now" });
      expect(parley).toMatchObject({
        reason: "provider_rate_limited",
        fault: "provider",
        field: "sampling.candidates",
        retryable: true,
        retry_delay_ms: 1500,
        safe_to_retry: true,
        error_id: "err_p",
        attempts: Array(2).fill({
          provider: "house",
          model: "qwen/qwen3",
          region: "eu",
          reason: "provider_rate_limited",
          http_status: 429,
          duration_ms: 3,
        }),
        exclusions: [{ constraint: "tools", count: 2, example: "a/b" }],
        upstream: { http_status: 429, code: "slow_down", message: "too fast" },
      });
    }
  });

  test("tell clients not to multiply what the gateway has tried several times", async () => {
    const gateway = new ScriptedGateway((call) => {
      const error = new ParleyError("PROVIDER_ERROR", "Cannot answer");
      const attempt = create(FailedAttemptSchema, { reason: error.reason, durationMs: 3 });
      const attempts = Array(gateway.calls.length).fill(attempt) as (typeof attempt)[];
      const gatewayError = toGatewayError(error, {
        requestId: call.requestId,
        errorId: "e",
        contentDelivered: false,
        attempts,
      });
      return { kind: "failed", error, gatewayError, delivered: false };
    });
    await using served = await serveSurface(runtime, gateway);
    const once = await served.send(CHAT, BODY);
    const twice = await served.send(CHAT, BODY);
    expect([once.headers.get("x-should-retry"), twice.headers.get("x-should-retry")]).toEqual(["true", "false"]);
  });

  test("within a stream are its last event, without [DONE]", async () => {
    const gateway = new ScriptedGateway((call, sink) => {
      sink.write([keptAlive()]);
      sink.write(wholeEvents(call.requestId, [{ parts: [textPart("fragment")] }]).slice(0, 3));
      return breakWith(call, sink, new ParleyError("STREAM_INTERRUPTED", "Cannot complete the answer"));
    });
    await using served = await serveSurface(runtime, gateway);
    const response = await served.send(CHAT, { ...BODY, stream: true });
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(text.startsWith(": keep-alive\n\n")).toBe(true);
    expect(text).not.toContain("[DONE]");
    const last = JSON.parse(sseData(text).at(-1) ?? "") as Json;
    expect(last).toMatchObject({
      error: { type: "server_error", parley: { reason: "stream_interrupted", safe_to_retry: false } },
    });
  });

  test("of the gateway itself are typed and tell nothing of their cause", async () => {
    const scripts = [
      () => Promise.reject(new Error("secret cause")),
      (_call: unknown, sink: EventSink) => {
        sink.write([startedEvent("req_1")]);
        return Promise.reject(new Error("secret cause"));
      },
      () => ({ kind: "completed" }) as const, // without any event
    ];
    for (const script of scripts) {
      await using served = await serveSurface(runtime, new ScriptedGateway(script));
      const whole = await served.send(CHAT, BODY);
      expect(await errorOf(whole)).toMatchObject({ status: 500, parley: { reason: "gateway_internal" } });
      const text = await served.send(CHAT, { ...BODY, stream: true }).then(
        (response) => response.text(),
        () => "cut",
      );
      expect(text).not.toContain("secret");
      expect(text).not.toContain("[DONE]");
    }
  });

  test("of an answer that OpenAI's format would show as complete", async () => {
    await using served = await serveSurface(
      runtime,
      new ScriptedGateway((call, sink) => answerWith(call, sink, [textPart("x")], 10)),
    );
    expect(await errorOf(await served.send(CHAT, BODY))).toMatchObject({
      status: 502,
      parley: { reason: "provider_bad_output" },
    });
  });

  test("of the pipeline keep their status", async () => {
    const error = new ParleyError("CONTEXT_TOO_LONG", "Cannot fit");
    await using served = await serveSurface(runtime, new ScriptedGateway((call) => failWith(call, error)));
    expect(await errorOf(await served.send(CHAT, BODY))).toMatchObject({
      status: 400,
      code: "context_length_exceeded",
    });
  });
});
