import { toJsonString } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ChatResponseSchema, FinishReason, type StreamEvent } from "../../contract/index.ts";
import { openaiResponses } from "./index.ts";
import { eventsOf } from "./answer.fixture.ts";
import {
  answerOf,
  countingIds,
  foldEvents,
  message,
  reasonThrown,
  said,
  streamEvents,
  targetWith,
} from "./target.fixture.ts";

const letters = (text: string): string[] => Array.from(text);

/** The last event, whose name and whose answer's status may differ. */
const ended = (event: string, status: string | null): object => ({
  type: `response.${event}`,
  response: {
    ...answerOf([message("m", said("Hi"))]),
    status,
    incomplete_details: { reason: "max_output_tokens" },
    error: { code: "server_is_overloaded", message: "m" },
  },
});

// What each event says, in one word or two.
function outline(events: readonly StreamEvent[]): string[] {
  return events.map(({ event }) => {
    switch (event.case) {
      case "blockStarted":
        return `start ${event.value.block} ${event.value.part?.kind.case}`;
      case "blockDelta": {
        const { delta, block } = event.value;
        return `${block} ${delta.case} ${typeof delta.value === "string" ? delta.value : ""}`.trim();
      }
      case "blockFinished":
        return `end ${event.value.block}`;
      case "candidateFinished":
        return `finish ${event.value.finish?.native}`;
      default:
        return String(event.case);
    }
  });
}

describe("OpenAiResponsesStreamDecoder", () => {
  test("a stream becomes blocks in the order of its items, each closed when its item is", () => {
    const answer = answerOf([
      { type: "reasoning", id: "rs", summary: [{ type: "summary_text", text: "hm" }], encrypted_content: "gA" },
      message("msg", said("Hi", [{ type: "url_citation", url: "https://a", start_index: 0, end_index: 2 }])),
      { type: "function_call", id: "fc", call_id: "c1", name: "f", arguments: "{}" },
    ]);
    expect(outline(streamEvents(eventsOf(answer, letters)))).toEqual([
      "started",
      "start 0 reasoning",
      "0 reasoningSummary h",
      "0 reasoningSummary m",
      "0 state",
      "end 0",
      "start 1 text",
      "1 text H",
      "1 text i",
      "1 citation",
      "end 1",
      "start 2 toolCall",
      "2 argumentsJson {",
      "2 argumentsJson }",
      "end 2",
      "finish completed",
      "completed",
    ]);
  });

  test("encrypted reasoning is that of the finished item, never the beginning that comes first", () => {
    const answer = answerOf([
      { type: "reasoning", id: "rs", summary: [], encrypted_content: "whole" },
      message("msg", said("x")),
    ]);
    const [part] = foldEvents(eventsOf(answer, letters)).candidates[0]?.message?.parts ?? [];
    expect(part?.state).toMatchObject([
      {
        origin: { provider: "house", dialect: "openai-responses", model: "m1" },
        format: "openai-responses.encrypted_content",
        payload: { case: "text", value: "whole" },
      },
    ]);
    expect(part?.state).toHaveLength(1);
  });

  test("started tells who answers as soon as it is known", () => {
    const events = streamEvents(
      eventsOf(answerOf([message("m", said("x"))], { metadata: { system_fingerprint: "fp_1" } }), letters),
    );
    expect(events[0]?.event).toMatchObject({
      case: "started",
      value: { upstreamId: "resp_1", systemFingerprint: "fp_1", origin: { model: "m1", servedModel: "m1-2026" } },
    });
  });

  test("a character that is cut in two is put together again", () => {
    const halves = (): string[] => ["a\ud83d", "\ude00b"];
    const parts = foldEvents(eventsOf(answerOf([message("m", said("a😀b"))]), halves)).candidates[0]?.message?.parts;
    expect(parts?.[0]?.kind.value).toMatchObject({ text: "a😀b" });
  });

  test("log probabilities of deltas are kept, those of the whole only where there were none", () => {
    const logprobs = [{ token: "x", logprob: -0.5, bytes: [120], top_logprobs: [{ token: "y", logprob: -1 }] }];
    const at = { output_index: 0, content_index: 0 };
    const done = { type: "response.output_text.done", ...at, text: "x", logprobs };
    const item = { type: "response.output_item.done", output_index: 0, item: message("m", said("x")) };
    const end = { type: "response.completed", response: answerOf([message("m", said("x"))]) };
    for (const first of [logprobs, []]) {
      const delta = { type: "response.output_text.delta", ...at, delta: "x", logprobs: first };
      const part = foldEvents([delta, done, item, end]).candidates[0]?.message?.parts[0];
      expect(part?.kind.value).toMatchObject({ text: "x", logprobs: [{ token: "x", top: [{ token: "y" }] }] });
      expect(part?.kind.case === "text" && part.kind.value.logprobs).toHaveLength(1);
    }
  });

  test("padding, progress and partial pictures pass without a trace", () => {
    const unknown: string[] = [];
    const [created, ...rest] = eventsOf(answerOf([message("m", said("x"))]), letters);
    const passing = [
      { type: "response.web_search_call.searching", output_index: 0, item_id: "ws" },
      { type: "response.image_generation_call.partial_image", output_index: 0, partial_image_b64: "AA" },
      { type: "response.queued", response: {} },
      { type: "keepalive", sequence_number: 3 },
    ];
    const events = streamEvents([created, "", " ", ...passing, ...rest], targetWith(), countingIds(unknown));
    expect(outline(events)).toHaveLength(6);
    expect(unknown).toEqual([]);
  });

  test("unknown events, members, items and words are counted, and the answer is read", () => {
    const unknown: string[] = [];
    const answer = answerOf(
      [
        { ...message("m", said("x", [{ type: "novel_citation" }])), mood: "good", phase: "overture" },
        { type: "hologram_call", id: "h" },
      ],
      { weather: "fine", usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2, joules: 3 } },
    );
    const events = [...eventsOf(answer, letters)];
    events.splice(1, 0, { type: "response.novelty", x: 1 });
    expect(foldEvents(events, targetWith(), countingIds(unknown)).candidates[0]?.message?.parts).toHaveLength(2);
    expect(unknown.toSorted()).toEqual([
      "annotations[].type=novel_citation",
      "event=response.novelty",
      "output[].message.mood",
      "output[].phase=overture",
      "output[].type=hologram_call",
      "response.novelty.x",
      "response.usage.joules",
      "response.weather",
    ]);
  });

  test("a text that contradicts its deltas is counted, and what was delivered stays", () => {
    const unknown: string[] = [];
    const at = { output_index: 0, content_index: 0 };
    const events = [
      { type: "response.output_text.delta", ...at, delta: "one thing" },
      { type: "response.output_text.done", ...at, text: "another" },
      { type: "response.completed", response: answerOf([message("m", said("another"))]) },
    ];
    const parts = foldEvents(events, targetWith(), countingIds(unknown)).candidates[0]?.message?.parts;
    expect(parts?.[0]?.kind.value).toMatchObject({ text: "one thing" });
    expect(unknown).toEqual(["output[].content[].text differs from its deltas"]);
  });

  test("arguments that contradict their deltas are never run", () => {
    const call = { type: "function_call", id: "fc", call_id: "c", name: "f", arguments: "" };
    const run = (): unknown =>
      streamEvents([
        { type: "response.output_item.added", output_index: 0, item: call },
        { type: "response.function_call_arguments.delta", output_index: 0, delta: '{"a":1}' },
        { type: "response.function_call_arguments.done", output_index: 0, arguments: '{"a":2}' },
      ]);
    expect(reasonThrown(run)).toBe("PROVIDER_BAD_OUTPUT");
  });
});

describe("the end of a stream", () => {
  const whole = eventsOf(answerOf([message("m", said("x"))]), letters);

  test("a stream that ends before its last event was interrupted, however much of it came", () => {
    for (let length = 0; length < whole.length; length++) {
      expect(reasonThrown(() => streamEvents(whole.slice(0, length)))).toBe("STREAM_INTERRUPTED");
    }
    expect(reasonThrown(() => streamEvents([...whole.slice(0, -1), "[DONE]"]))).toBe("STREAM_INTERRUPTED");
  });

  test("what follows the last event is ignored", () => {
    const decoder = openaiResponses.streamDecoder(targetWith(), countingIds());
    const events: StreamEvent[] = [];
    for (const event of whole) decoder.push(JSON.stringify(event), events);
    expect(decoder.terminated).toBe(true);
    decoder.push("not JSON", events);
    decoder.push(JSON.stringify({ type: "error", code: "server_error" }), events);
    decoder.end(events);
    expect(outline(events).at(-1)).toBe("completed");
  });

  test("servers that name events in the framing only are read", () => {
    const decoder = openaiResponses.streamDecoder(targetWith(), countingIds());
    const events: StreamEvent[] = [];
    for (const event of whole) {
      const { type, ...rest } = event as { type: string };
      decoder.push(JSON.stringify(rest), events, type);
    }
    decoder.end(events);
    expect(outline(events).at(-1)).toBe("completed");
  });

  test.each([
    [
      "an error event",
      { type: "error", code: "rate_limit_exceeded", message: "m", param: null },
      "PROVIDER_RATE_LIMITED",
    ],
    ["a nested error event", { type: "error", error: { code: "insufficient_quota" } }, "PROVIDER_BILLING"],
    ["a bare error", { error: { type: "server_error", message: "m" } }, "PROVIDER_ERROR"],
    [
      "a failed answer",
      { type: "response.failed", response: { error: { code: "bio_policy" } } },
      "PROVIDER_CONTENT_BLOCKED",
    ],
    ["a failed answer that says nothing", { type: "response.failed", response: {} }, "PROVIDER_ERROR"],
    ["a cancelled answer", { type: "response.cancelled", response: { status: "cancelled" } }, "PROVIDER_ERROR"],
    ["something without a type", { object: "chat.completion.chunk" }, "PROVIDER_BAD_OUTPUT"],
    ["broken JSON", '{"type":"response.out', "PROVIDER_BAD_OUTPUT"],
    ["HTML", "<html>", "PROVIDER_BAD_OUTPUT"],
    ["a list", "[1]", "PROVIDER_BAD_OUTPUT"],
    ["a member of a strange type", { type: "response.output_item.added", item: { type: {} } }, "STREAM_INTERRUPTED"],
    [
      "a call without a name",
      {
        type: "response.completed",
        response: answerOf([message("m", said("x")), { type: "function_call", id: "x", arguments: "{}" }]),
      },
      "PROVIDER_BAD_OUTPUT",
    ],
    ["an event that it is complete, of a failure", ended("completed", "failed"), "PROVIDER_OVERLOADED"],
    ["an event that it is complete, of a cancelled answer", ended("completed", "cancelled"), "PROVIDER_ERROR"],
    ["an event that it is complete, of an answer that runs", ended("completed", "in_progress"), "PROVIDER_BAD_OUTPUT"],
    ["an event that it is complete, of an unknown status", ended("completed", "new"), "PROVIDER_BAD_OUTPUT"],
    ["an event that it has failed, of a complete answer", ended("failed", "completed"), "PROVIDER_OVERLOADED"],
  ])("a stream with %s ends typed", (_, event, reason) => {
    expect(reasonThrown(() => streamEvents([...whole.slice(0, 5), event]))).toBe(reason);
  });

  test.each([
    [ended("completed", "incomplete"), FinishReason.MAX_TOKENS],
    [ended("incomplete", "completed"), FinishReason.MAX_TOKENS],
    [ended("incomplete", "in_progress"), FinishReason.MAX_TOKENS],
    [ended("completed", null), FinishReason.STOP],
  ])("the ending of %j is the worse of what its event and its status say", (event, reason) => {
    const [candidate] = foldEvents([...whole.slice(0, -1), event]).candidates;
    expect(candidate?.finish?.reason).toBe(reason);
  });

  test.each([["0"], [1.5], [-1], [{}], ["x"], [1e9]])("a piece of reasoning at the place %j ends typed", (place) => {
    const type = "response.reasoning_summary_text.delta";
    const piece = { type, output_index: 0, summary_index: place, delta: "hm" };
    expect(reasonThrown(() => streamEvents([...whole.slice(0, 1), piece]))).toBe("PROVIDER_BAD_OUTPUT");
  });

  test("an item that ends with a type that is no text is still written as the call that it began as", () => {
    const search = { id: "ws", type: "web_search_call", status: "completed", action: { type: "search", query: "q" } };
    const answer = foldEvents([
      { type: "response.output_item.added", output_index: 0, item: search },
      { type: "response.output_item.done", output_index: 0, item: { ...search, type: { a: 1 } } },
      { type: "response.completed", response: answerOf([]) },
    ]);
    expect(() => toJsonString(ChatResponseSchema, answer)).not.toThrow();
    expect(answer.candidates[0]?.message?.parts.map(({ kind }) => kind.case)).toEqual(["toolCall", "toolResult"]);
  });

  test("a named error is one, whatever it holds", () => {
    const decoder = openaiResponses.streamDecoder(targetWith(), countingIds());
    expect(reasonThrown(() => decoder.push("oh no", [], "error"))).toBe("PROVIDER_ERROR");
    const odd = JSON.stringify({ type: "error", code: { toString: 1 } });
    expect(reasonThrown(() => decoder.push(odd, [], "error"))).toBe("PROVIDER_ERROR");
  });

  test("what a failure cost is told before it", () => {
    const decoder = openaiResponses.streamDecoder(targetWith(), countingIds());
    const events: StreamEvent[] = [];
    const usage = { input_tokens: 5, output_tokens: 1, total_tokens: 6 };
    const failed = { type: "response.failed", response: { status: "failed", usage, error: { code: "server_error" } } };
    expect(reasonThrown(() => decoder.push(JSON.stringify(failed), events))).toBe("PROVIDER_ERROR");
    expect(outline(events)).toEqual(["started", "usageUpdated"]);
  });

  test("no error quotes what the provider sent", () => {
    const decoder = openaiResponses.streamDecoder(targetWith(), countingIds());
    const run = (): void => decoder.push('{"type":"secret words', []);
    expect(reasonThrown(run)).toBe("PROVIDER_BAD_OUTPUT");
    expect(run).toThrow(/^Cannot read the answer of house\/m1: an event of the stream is text, not JSON$/);
  });
});
