import { describe, expect, test } from "vitest";
import { Executor, FinishReason, type StreamEvent } from "../../contract/index.ts";
import { geminiGenerate } from "./index.ts";
import { countingIds, foldStream, piece, reasonThrown, streamEvents, targetWith } from "./target.fixture.ts";

const text = (value: string) => piece([{ text: value }]);
const stop = piece([], "STOP");
const mcp = { functionCall: { name: "mcp", args: {} } };
const mcpResult = { functionResponse: { name: "mcp", response: { ok: true } } };

function shapes(events: StreamEvent[]): string[] {
  return events.map(({ event }) => {
    if (event.case === "blockDelta") {
      const { case: kind, value } = event.value.delta;
      return `delta ${event.value.block} ${kind} ${typeof value === "string" ? value : ""}`;
    }
    if (event.case === "blockStarted") return `open ${event.value.block} ${event.value.part?.kind.case}`;
    return event.case === "blockFinished" ? `close ${event.value.block}` : (event.case ?? "");
  });
}

describe("streamDecoder yields the contract's events", () => {
  test("streamDecoder gives each piece of text as it comes; another kind is another block", () => {
    const events = streamEvents([
      piece([{ text: "H", thought: true }]),
      piece([{ text: "m", thought: true }, { text: "a" }]),
      text("b"),
      piece([{ inlineData: { mimeType: "image/png", data: "AQ==" } }]),
      text("c"),
      stop,
    ]);
    expect(shapes(events)).toEqual([
      "started",
      "open 0 reasoning",
      "delta 0 reasoningText H",
      "delta 0 reasoningText m",
      "open 1 text",
      "delta 1 text a",
      "delta 1 text b",
      "open 2 media",
      "close 2",
      "open 3 text",
      "delta 3 text c",
      "close 0",
      "close 1",
      "close 3",
      "candidateFinished",
      "completed",
    ]);
  });

  test("streamDecoder reads interleaved candidates", () => {
    const both = (a: string, b: string, finishReason?: string) => ({
      candidates: [
        { index: 0, content: { parts: [{ text: a }] }, finishReason },
        { index: 1, content: { parts: [{ text: b }] }, finishReason },
      ],
    });
    const { candidates } = foldStream([both("a", "x"), both("b", "y", "STOP")]);
    expect(candidates.map(({ message }) => message?.parts[0]?.kind.value)).toMatchObject([
      { text: "ab" },
      { text: "xy" },
    ]);
  });

  test("streamDecoder holds half a character back until it is whole", () => {
    const { candidates } = foldStream([text("a\ud83d"), text("\ude00b"), text("\ud83d"), stop]);
    expect(candidates[0]?.message?.parts[0]?.kind.value).toMatchObject({ text: "a😀b\ufffd" });
  });

  test("streamDecoder adds log probabilities to the text before them", () => {
    const logprobsResult = { chosenCandidates: [{ token: "a", logProbability: -1 }] };
    const events = streamEvents([piece([{ text: "a" }], undefined, { logprobsResult }), stop]);
    expect(shapes(events)[3]).toBe("delta 0 logprobsOnly ");
  });
});

describe("streamDecoder tells the caller's calls from the provider's", () => {
  const calls = (answers: unknown[]) =>
    (foldStream(answers).candidates[0]?.message?.parts ?? []).map(({ kind }) =>
      kind.case === "toolCall" || kind.case === "toolResult"
        ? `${kind.case} ${kind.value.name} ${kind.value.executor === Executor.PROVIDER ? "provider" : "caller"}`
        : kind.case,
    );

  test.each([
    [
      "a result in a later event",
      [piece([mcp], "STOP"), piece([mcpResult]), text("Done"), stop],
      ["toolCall mcp provider", "toolResult mcp provider", "text"],
    ],
    ["a result without a call", [piece([mcpResult]), stop], ["toolResult mcp provider"]],
    [
      "a call that only the caller can run",
      [piece([{ functionCall: { name: "mine" } }], "STOP")],
      ["toolCall mine caller"],
    ],
    [
      "both at once",
      [piece([mcp, { functionCall: { name: "mine" } }]), piece([mcpResult]), stop],
      ["toolCall mcp provider", "toolResult mcp provider", "toolCall mine caller"],
    ],
    ["a call before text", [piece([mcp]), text("x"), stop], ["toolCall mcp caller", "text"]],
    [
      "padding after a call",
      [piece([mcp]), piece([{ text: "" }]), piece([mcpResult]), stop],
      ["toolCall mcp provider", "toolResult mcp provider"],
    ],
  ])("streamDecoder reads %s", (_story, answers, expected) => {
    expect(calls(answers)).toEqual(expected);
  });

  test("streamDecoder matches results by id where there is one", () => {
    const call = (id: string) => ({ functionCall: { name: "mcp", id } });
    const answer = foldStream([
      piece([call("a"), call("b")]),
      piece([{ functionResponse: { name: "mcp", id: "b" } }]),
      stop,
    ]);
    const ids = answer.candidates[0]?.message?.parts.map(({ kind }) =>
      kind.case === "toolCall" || kind.case === "toolResult" ? kind.value.callId : "",
    );
    expect(ids).toEqual(["b", "b", "a"]);
    expect(answer.candidates[0]?.finish?.reason).toBe(FinishReason.TOOL_CALLS);
  });
});

describe("streamDecoder ends honestly", () => {
  test.each([
    ["nothing at all", []],
    ["padding", ["", "  "]],
    ["a cut without a finish reason", [text("x")]],
    ["a habitual terminator without a finish reason", [text("x"), "[DONE]"]],
    ["figures alone", [{ usageMetadata: { totalTokenCount: 1 } }]],
    ["one of two candidates without a finish reason", [{ candidates: [{ finishReason: "STOP" }, { index: 1 }] }]],
  ])("streamDecoder fails with STREAM_INTERRUPTED on %s", (_story, answers) => {
    expect(reasonThrown(() => streamEvents(answers))).toBe("STREAM_INTERRUPTED");
  });

  test.each([
    ["an error object", { error: { code: 500, status: "INTERNAL", message: "no" } }, "PROVIDER_ERROR"],
    ["an error in a list", [{ error: { code: 503, status: "UNAVAILABLE" } }], "PROVIDER_OVERLOADED"],
    ["a quota", { error: { code: 429, status: "RESOURCE_EXHAUSTED" } }, "PROVIDER_RATE_LIMITED"],
    ["broken JSON", '{"candidates":[{"content', "PROVIDER_BAD_OUTPUT"],
    ["text", "secret words", "PROVIDER_BAD_OUTPUT"],
    ["a number", "42", "PROVIDER_BAD_OUTPUT"],
    ["a list", "[1]", "PROVIDER_BAD_OUTPUT"],
    ["null", "null", "PROVIDER_BAD_OUTPUT"],
  ])("streamDecoder fails typed on %s within the stream, quoting nothing", (_story, answer, reason) => {
    let message = "";
    const seen = reasonThrown(() => {
      try {
        streamEvents([text("x"), answer, stop]);
      } catch (error) {
        message = (error as Error).message;
        throw error;
      }
    });
    expect(seen).toBe(reason);
    expect(message).not.toContain("secret");
  });

  test("streamDecoder tells what a failure cost, and leaves what was said before", () => {
    const events: StreamEvent[] = [];
    const decoder = geminiGenerate.streamDecoder(targetWith(), countingIds());
    decoder.push(JSON.stringify(text("x")), events);
    const failure = { error: { code: 500 }, usageMetadata: { totalTokenCount: 3 } };
    expect(reasonThrown(() => decoder.push(JSON.stringify(failure), events))).toBe("PROVIDER_ERROR");
    expect(shapes(events)).toEqual(["started", "open 0 text", "delta 0 text x", "usageUpdated"]);
  });

  test("streamDecoder takes an event named error as one, whatever it holds", () => {
    const decoder = geminiGenerate.streamDecoder(targetWith(), countingIds());
    expect(reasonThrown(() => decoder.push("oops", [], "error"))).toBe("PROVIDER_ERROR");
  });

  test("streamDecoder ignores what follows a habitual terminator", () => {
    const decoder = geminiGenerate.streamDecoder(targetWith(), countingIds());
    const events: StreamEvent[] = [];
    decoder.push(JSON.stringify(piece([{ text: "x" }], "STOP")), events);
    expect(decoder.terminated).toBe(false);
    decoder.push("[DONE]", events);
    expect(decoder.terminated).toBe(true);
    decoder.push("garbage", events);
    decoder.end(events);
    expect(events.at(-1)?.event.case).toBe("completed");
  });

  test("streamDecoder tells unknown finish reasons and members, once each, and goes on", () => {
    const unknown: string[] = [];
    const options = { ...countingIds(), onUnknown: (path: string) => unknown.push(path) };
    const odd = {
      ...piece([{ text: "a", mood: 1 }], undefined, { taste: 1 }),
      brand: 1,
      usageMetadata: { totalTokenCount: 1, luck: 2 },
    };
    const { finish } = foldStream([odd, odd, piece([], "TIRED")], targetWith(), options).candidates[0] ?? {};
    expect([finish?.reason, finish?.native]).toEqual([FinishReason.OTHER, "TIRED"]);
    expect(unknown).toEqual([
      "brand",
      "usageMetadata.luck",
      "candidates[].taste",
      "candidates[].content.parts[].mood",
      "candidates[].finishReason=TIRED",
    ]);
  });

  test("streamDecoder survives deep nesting, in members it knows and in others", () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    const known = `{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":${deep}}}}]}}]}`;
    const other = `{"other":${deep},"candidates":[{"content":{"parts":[{"text":"x"}]}}]}`;
    for (const data of [known, other])
      expect(reasonThrown(() => foldStream([data, stop]))).toMatch(/PROVIDER_BAD_OUTPUT|nothing thrown/);
  });
});
