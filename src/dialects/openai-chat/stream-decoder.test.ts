import { describe, expect, test } from "vitest";
import { FinishReason, fold } from "../../contract/index.ts";
import { chunk, foldChunks, streamEvents } from "./target.fixture.ts";

const stop = chunk({}, "stop");

describe("streamDecoder reads text", () => {
  test("streamDecoder yields started, block, deltas, usage and the finish in order", () => {
    const usage = { prompt_tokens: 2, completion_tokens: 2, total_tokens: 4 };
    const events = streamEvents([
      chunk({ role: "assistant", content: "" }),
      chunk({ content: "Hel" }),
      chunk({ content: "lo" }),
      stop,
      { id: "chatcmpl-1", choices: [], usage, service_tier: "flex" },
      "[DONE]",
    ]);
    expect(events.map(({ event }) => event.case)).toEqual([
      "started",
      "blockStarted",
      "blockDelta",
      "blockDelta",
      "usageUpdated",
      "blockFinished",
      "candidateFinished",
      "completed",
    ]);
    const response = fold(events);
    expect(response.upstreamId).toBe("chatcmpl-1");
    expect(response.origin).toMatchObject({
      provider: "house",
      dialect: "openai-chat",
      model: "m1",
      servedModel: "m1-2026",
    });
    expect(response.serviceTier).toBe("flex");
    expect(response.candidates[0]?.message?.parts[0]?.kind.value).toMatchObject({ text: "Hello" });
  });

  test("streamDecoder holds a character back that is split over two deltas", () => {
    const events = streamEvents([chunk({ content: "a\ud83d" }), chunk({ content: "\ude00b" }), stop]);
    const deltas = events.flatMap(({ event }) => (event.case === "blockDelta" ? [event.value.delta.value] : []));
    expect(deltas).toEqual(["a", "😀b"]);
  });

  test("streamDecoder ends a character that never became whole as U+FFFD", () => {
    const response = foldChunks([chunk({ content: "a\ud83d" }), stop]);
    expect(response.candidates[0]?.message?.parts[0]?.kind.value).toMatchObject({ text: "a\ufffd" });
  });

  test("streamDecoder keeps candidates apart when they interleave and leave a number out", () => {
    const response = foldChunks([
      chunk({ content: "a" }, null, 2),
      chunk({ content: "b" }, null, 0),
      chunk({ content: "c" }, "length", 2),
      chunk({ content: "d" }, "stop", 0),
    ]);
    const seen = response.candidates.map(({ index, message, finish }) => [
      index,
      message?.parts[0]?.kind.value,
      finish?.reason,
    ]);
    expect(seen).toMatchObject([
      [0, { text: "bd" }, FinishReason.STOP],
      [2, { text: "ac" }, FinishReason.MAX_TOKENS],
    ]);
  });

  test("streamDecoder passes over blank data, a first chunk of filter results, and whatever follows the terminator", () => {
    const response = foldChunks([
      "  ",
      "\n",
      { choices: [], created: 0, id: "", model: "", prompt_filter_results: [{ prompt_index: 0 }] },
      chunk({ content: "x" }),
      stop,
      " [DONE] ",
      "not json",
      chunk({ content: "y" }),
    ]);
    expect(response.upstreamId).toBe("chatcmpl-1");
    expect(response.candidates[0]?.message?.parts).toHaveLength(1);
    expect(response.candidates[0]?.message?.parts[0]?.kind.value).toMatchObject({ text: "x" });
  });

  test("streamDecoder ignores whole messages beside deltas, and takes one that comes alone", () => {
    const beside = foldChunks([
      { choices: [{ index: 0, delta: { content: "a" }, message: { content: "a" } }] },
      { choices: [{ index: 0, delta: {}, message: { content: "a" }, finish_reason: "stop" }] },
    ]);
    expect(beside.candidates[0]?.message?.parts[0]?.kind.value).toMatchObject({ text: "a" });
    const alone = foldChunks([{ choices: [{ index: 0, message: { content: "a" }, finish_reason: "stop" }] }]);
    expect(alone.candidates[0]?.message?.parts[0]?.kind.value).toMatchObject({ text: "a" });
  });

  test("streamDecoder reads refusals, citations and log probabilities", () => {
    const entry = { token: "Hi", logprob: -0.5, bytes: [72, 105], top_logprobs: [{ token: "Ho", logprob: -2 }] };
    const response = foldChunks([
      { choices: [{ index: 0, delta: { content: "Hi" }, logprobs: { content: [entry], refusal: null } }] },
      chunk({
        annotations: [
          { type: "url_citation", url_citation: { url: "https://a", title: "A", start_index: 0, end_index: 2 } },
        ],
      }),
      chunk({ refusal: "No." }),
      stop,
    ]);
    const [text, refusal] = response.candidates[0]?.message?.parts ?? [];
    expect(text?.kind.value).toMatchObject({
      text: "Hi",
      citations: [{ url: "https://a", title: "A", outputStart: 0, outputEnd: 2, offsetUnit: 3 }],
      logprobs: [{ token: "Hi", logprob: -0.5, bytes: new Uint8Array([72, 105]), top: [{ token: "Ho", logprob: -2 }] }],
    });
    expect(refusal?.kind).toMatchObject({ case: "refusal", value: { text: "No." } });
  });

  test("streamDecoder joins audio whose base64 is cut anywhere", () => {
    const bytes = new Uint8Array(100).map((_, index) => index * 7);
    const base64 = Buffer.from(bytes).toString("base64");
    const pieces = base64.match(/.{1,5}/g) ?? [];
    const response = foldChunks([
      chunk({ audio: { id: "audio_1" } }),
      ...pieces.map((data) => chunk({ audio: { data, transcript: "la" } })),
      chunk({ audio: { expires_at: 1_800_000_000 } }),
      stop,
    ]);
    const media = response.candidates[0]?.message?.parts[0]?.kind.value;
    expect(media).toMatchObject({
      generatedId: "audio_1",
      source: { case: "inline", value: bytes },
      transcript: "la".repeat(pieces.length),
      expiresAt: { seconds: 1_800_000_000n },
    });
  });
});
