import { describe, expect, test } from "vitest";
import { FinishReason, type StreamEvent } from "../../contract/index.ts";
import { openaiChat } from "./index.ts";
import { chunk, countingIds, foldChunks, reasonThrown, streamEvents, targetWith } from "./target.fixture.ts";

const stop = chunk({}, "stop");

describe("streamDecoder ends honestly", () => {
  test.each([
    ["nothing at all", []],
    ["a cut without a finish reason", [chunk({ content: "x" })]],
    ["a terminator without a finish reason", [chunk({ content: "x" }), "[DONE]"]],
    [
      "one of two candidates without a finish reason",
      [chunk({ content: "x" }, "stop", 0), chunk({ content: "y" }, null, 1)],
    ],
    ["an empty finish reason", [chunk({ content: "x" }, ""), "[DONE]"]],
  ])("streamDecoder fails with STREAM_INTERRUPTED on %s", (_story, chunks) => {
    expect(reasonThrown(() => foldChunks(chunks))).toBe("STREAM_INTERRUPTED");
  });

  test("streamDecoder takes a finish reason without a terminator as complete", () => {
    expect(foldChunks([chunk({ content: "x" }), stop]).candidates[0]?.finish?.reason).toBe(FinishReason.STOP);
  });

  test("streamDecoder tells unknown finish reasons apart from a stop and keeps the word", () => {
    const unknown: string[] = [];
    const options = { ...countingIds(), onUnknown: (path: string) => unknown.push(path) };
    const { finish } = foldChunks([chunk({ content: "x" }, "tired")], targetWith(), options).candidates[0] ?? {};
    expect([finish?.reason, finish?.native]).toEqual([FinishReason.OTHER, "tired"]);
    expect(unknown).toEqual(["choices[].finish_reason=tired"]);
  });

  test("streamDecoder names the filter's categories", () => {
    const results = { hate: { filtered: true, severity: "high" }, violence: { filtered: false } };
    const { finish } =
      foldChunks([
        { choices: [{ index: 0, delta: {}, finish_reason: "content_filter", content_filter_results: results }] },
      ]).candidates[0] ?? {};
    expect([finish?.reason, finish?.category]).toEqual([FinishReason.CONTENT_FILTER, "hate"]);
  });

  test.each(["error", "network_error", "insufficient_system_resource"])(
    "streamDecoder fails with PROVIDER_ERROR on the finish reason %s, and tells the usage first",
    (word) => {
      const events: StreamEvent[] = [];
      const decoder = openaiChat.streamDecoder(targetWith(), countingIds());
      decoder.push(JSON.stringify(chunk({ content: "x" }, word)), events);
      decoder.push(
        JSON.stringify({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } }),
        events,
      );
      expect(reasonThrown(() => decoder.end(events))).toBe("PROVIDER_ERROR");
      expect(events.at(-1)?.event.case).toBe("usageUpdated");
    },
  );

  test.each([
    ["an object", { error: { message: "no", type: "server_error", code: "server_error" } }, "PROVIDER_ERROR"],
    ["a string", { error: "no" }, "PROVIDER_ERROR"],
    ["a numeric code", { error: { message: "no", code: 429 } }, "PROVIDER_RATE_LIMITED"],
    ["a status beside the message", { error: { message: "no", status_code: 503 } }, "PROVIDER_OVERLOADED"],
    [
      "an error beside the choice",
      { choices: [{ index: 0, delta: {}, error: { message: "no", code: 502 } }] },
      "PROVIDER_ERROR",
    ],
    ["an error in a vendor's member", { choices: [], x_groq: { error: "tool_use_failed" } }, "PROVIDER_ERROR"],
    ["a flat error", { object: "error", message: "no", type: "BadRequestError", code: 400 }, "INVALID_REQUEST"],
    ["a list of one", [{ error: { code: 503, status: "UNAVAILABLE", message: "no" } }], "PROVIDER_OVERLOADED"],
    ["insufficient quota", { error: { code: "insufficient_quota", message: "no" } }, "PROVIDER_BILLING"],
  ])("streamDecoder throws on an error inside the stream: %s", (_story, data, reason) => {
    expect(reasonThrown(() => streamEvents([chunk({ content: "x" }), data]))).toBe(reason);
  });

  test("streamDecoder throws on an event named error, whatever it holds", () => {
    const decoder = openaiChat.streamDecoder(targetWith(), countingIds());
    expect(reasonThrown(() => decoder.push('{"message":"no","code":500}', [], "error"))).toBe("PROVIDER_ERROR");
    expect(reasonThrown(() => decoder.push("oops", [], "error"))).toBe("PROVIDER_ERROR");
  });

  test.each([
    '{"choices":[{"index":0,"delta":{"content":"sec',
    "<html>secret</html>",
    "secret",
    "[]",
    "[1]",
    "null",
    "12",
    '{"choices":5}',
    '{"choices":[null]}',
    '{"choices":[{"index":0,"delta":{"tool_calls":7}}]}',
    '{"choices":[{"index":999,"delta":{"content":"x"}}]}',
    '{"choices":[{"index":0,"delta":{"tool_calls":[null]}}]}',
  ])("streamDecoder fails with PROVIDER_BAD_OUTPUT on %s and quotes nothing of it", (data) => {
    let message = "";
    const reason = reasonThrown(() => {
      try {
        streamEvents([chunk({ content: "x" }), data]);
      } catch (error) {
        message = (error as Error).message;
        throw error;
      }
    });
    expect(reason).toBe("PROVIDER_BAD_OUTPUT");
    expect(message).not.toContain("sec");
  });

  test("streamDecoder survives deep nesting, in members it knows and in others", () => {
    const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
    const data = `{"choices":[{"index":0,"delta":{"content":"x","extra_content":{"a":${deep}},"other":${deep}}}]}`;
    expect(reasonThrown(() => foldChunks([data, stop]))).toMatch(/PROVIDER_BAD_OUTPUT|nothing thrown/);
  });

  test("streamDecoder tells of members it does not know, once each", () => {
    const unknown: string[] = [];
    const options = { ...countingIds(), onUnknown: (path: string) => unknown.push(path) };
    foldChunks(
      [{ brand: 1, ...(chunk({ content: "a", mood: 1 }) as object) }, chunk({ mood: 1 }), stop],
      targetWith(),
      options,
    );
    expect(unknown).toEqual(["brand", "choices[].delta.mood"]);
  });
});
