import { describe, expect, test } from "vitest";
import { FinishReason, Modality, ReasoningVisibility, type ChatResponse, type Part } from "../../contract/index.ts";
import { geminiGenerate } from "./index.ts";
import { countingIds, foldBody, foldStream, piece, reasonThrown, targetWith } from "./target.fixture.ts";

const parts = (response: ChatResponse): Part[] => response.candidates[0]?.message?.parts ?? [];
const kinds = (response: ChatResponse) => parts(response).map(({ kind }) => kind.case ?? "state");

describe("decodeResponse reads parts", () => {
  test("decodeResponse tells who answered", () => {
    const { origin, upstreamId } = foldBody(piece([{ text: "a" }], "STOP"), { ...targetWith(), region: "eu" });
    expect(origin).toMatchObject({
      provider: "house",
      dialect: "gemini-generate",
      model: "m1",
      servedModel: "m1-001",
      region: "eu",
    });
    expect(upstreamId).toBe("r1");
  });

  test("decodeResponse yields no deltas and no figures on the way", () => {
    const body = JSON.stringify({ ...piece([{ text: "a" }], "STOP"), usageMetadata: { totalTokenCount: 1 } });
    const events = geminiGenerate.decodeResponse(body, targetWith(), countingIds());
    expect(events.map(({ event }) => event.case)).toEqual([
      "started",
      "blockStarted",
      "blockFinished",
      "candidateFinished",
      "completed",
    ]);
  });

  test("decodeResponse keeps thoughts, text, calls and images in their order", () => {
    const response = foldBody(
      piece(
        [
          { text: "Hm", thought: true },
          { text: "See" },
          { functionCall: { id: "c9", name: "f", args: { a: 1 } } },
          { functionCall: { name: "g" } },
          { inlineData: { mimeType: "image/png", data: "AQID" } },
          { inlineData: { mimeType: "image/png", data: "AQID" } },
          { text: "." },
        ],
        "STOP",
      ),
    );
    expect(kinds(response)).toEqual(["reasoning", "text", "toolCall", "toolCall", "media", "media", "text"]);
    expect(parts(response)[0]?.kind.value).toMatchObject({ text: ["Hm"], visibility: ReasoningVisibility.SUMMARY });
    expect(parts(response)[2]?.kind.value).toMatchObject({
      callId: "c9",
      name: "f",
      input: { case: "argumentsJson", value: '{"a":1}' },
    });
    expect(parts(response)[3]?.kind.value).toMatchObject({
      callId: "call_1",
      name: "g",
      input: { case: undefined },
      argumentsInvalid: false,
    });
    expect(parts(response)[4]?.kind.value).toMatchObject({
      modality: Modality.IMAGE,
      mimeType: "image/png",
      source: { case: "inline", value: new Uint8Array([1, 2, 3]) },
    });
    expect(response.candidates[0]?.finish).toMatchObject({ reason: FinishReason.TOOL_CALLS, native: "STOP" });
  });

  test("decodeResponse keeps arguments as they were written", () => {
    const args = '{"z":9007199254740993,"10":1.0,"a":{"b":[1e400,"\\u003c"]}}';
    const body = `{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":${args.replaceAll(",", " ,\n ")}}}]},"finishReason":"STOP"}]}`;
    expect(parts(foldBody(body))[0]?.kind.value).toMatchObject({ input: { value: args } });
  });

  test("decodeResponse puts sound that comes in pieces together", () => {
    const sound = (data: string, more: object = {}) => ({
      inlineData: { mimeType: "audio/L16;rate=24000", data },
      ...more,
    });
    const response = foldBody(
      piece(
        [
          sound("AQI="),
          sound("Aw==", { audioTranscription: { text: "hi" } }),
          sound("BA==", { thoughtSignature: "s" }),
        ],
        "STOP",
      ),
    );
    expect(parts(response).map(({ kind }) => kind.value)).toMatchObject([
      { modality: Modality.AUDIO, transcript: "hi", source: { value: new Uint8Array([1, 2, 3]) } },
      { modality: Modality.AUDIO, source: { value: new Uint8Array([4]) } },
    ]);
  });

  test("decodeResponse keeps blocks that it does not know, and thoughts that are no text, word for word", () => {
    const known: string[] = [];
    const options = { ...countingIds(), onUnknown: (path: string) => known.push(path) };
    const drawn = { inlineData: { mimeType: "image/png", data: "AQ==" }, thought: true };
    const response = foldBody(
      piece([{ novelty: { z: 1, a: 2 } }, drawn, {}, { thought: true }], "STOP"),
      targetWith(),
      options,
    );
    expect(parts(response).map(({ kind }) => kind.value)).toMatchObject([
      { nativeType: "novelty", json: '{"novelty":{"z":1,"a":2}}', origin: { provider: "house" } },
      { nativeType: "inlineData", json: JSON.stringify(drawn) },
    ]);
    expect(known).toEqual(["candidates[].content.parts[].novelty"]);
  });

  test("decodeResponse keeps files by their address", () => {
    const response = foldBody(piece([{ fileData: { fileUri: "https://g/f", mimeType: "video/mp4" } }], "STOP"));
    expect(parts(response)[0]?.kind.value).toMatchObject({
      modality: Modality.VIDEO,
      source: { case: "url", value: "https://g/f" },
    });
  });

  test("decodeResponse reads every candidate, by index or by place", () => {
    const one = (text: string, more: object = {}) => ({
      content: { parts: [{ text }] },
      finishReason: "STOP",
      ...more,
    });
    const { candidates } = foldBody({ candidates: [one("a"), one("b", { index: 2 })] });
    expect(candidates.map(({ index, message }) => [index, message?.parts[0]?.kind.value])).toMatchObject([
      [0, { text: "a" }],
      [2, { text: "b" }],
    ]);
  });

  test("decodeResponse reads an answer without parts as an empty one", () => {
    expect(kinds(foldBody({ candidates: [{ finishReason: "STOP" }] }))).toEqual([]);
  });
});

describe("decodeResponse reads signatures", () => {
  test("decodeResponse gives a part with a signature a block of its own, and state alone as well", () => {
    const response = foldBody(
      piece(
        [
          { text: "a" },
          { text: "b", thoughtSignature: "s1" },
          { text: "c" },
          { text: "", thoughtSignature: "s2" },
          { text: "", thought: true, thoughtSignature: "s3" },
          { thoughtSignature: "s4" },
          { text: "" },
        ],
        "STOP",
      ),
    );
    expect(parts(response).map(({ kind, state }) => [kind.case, state.map(({ payload }) => payload.value)])).toEqual([
      ["text", []],
      ["text", ["s1"]],
      ["text", []],
      [undefined, ["s2"]],
      ["reasoning", ["s3"]],
      [undefined, ["s4"]],
    ]);
    expect(parts(response)[1]?.state[0]).toMatchObject({
      format: "gemini-generate.thought_signature",
      origin: { provider: "house", dialect: "gemini-generate", model: "m1" },
    });
  });

  test("decodeResponse does not lose an image whose part has a signature", () => {
    const response = foldStream([
      piece([{ inlineData: { mimeType: "image/png", data: "AQ==" }, thoughtSignature: "s" }], "STOP"),
    ]);
    expect(parts(response)[0]).toMatchObject({ kind: { case: "media" }, state: [{ payload: { value: "s" } }] });
  });
});

describe("decodeResponse fails with a typed error", () => {
  test.each([
    ["no candidates", {}, "PROVIDER_BAD_OUTPUT"],
    ["a candidate without a finish reason", piece([{ text: "a" }]), "PROVIDER_BAD_OUTPUT"],
    ["a finish reason that says nothing", piece([], "FINISH_REASON_UNSPECIFIED"), "PROVIDER_BAD_OUTPUT"],
    ["a blocked prompt", { promptFeedback: { blockReason: "SAFETY" } }, "PROVIDER_CONTENT_BLOCKED"],
    [
      "a blocked prompt with an empty list",
      { candidates: [], promptFeedback: { blockReason: "NEW" } },
      "PROVIDER_CONTENT_BLOCKED",
    ],
    ["an error in a 200", { error: { code: 503, status: "UNAVAILABLE" } }, "PROVIDER_OVERLOADED"],
    ["a list with an error", [{ error: { code: 429, status: "RESOURCE_EXHAUSTED" } }], "PROVIDER_RATE_LIMITED"],
    ["HTML", "<html>", "PROVIDER_BAD_OUTPUT"],
    ["nothing", "", "PROVIDER_BAD_OUTPUT"],
    ["a list", "[]", "PROVIDER_BAD_OUTPUT"],
    ["candidates that are no list", { candidates: {} }, "PROVIDER_BAD_OUTPUT"],
    ["a candidate of null", { candidates: [null] }, "PROVIDER_BAD_OUTPUT"],
    ["parts that are no list", { candidates: [{ content: { parts: "x" } }] }, "PROVIDER_BAD_OUTPUT"],
    ["a part of null", piece([null], "STOP"), "PROVIDER_BAD_OUTPUT"],
    ["a part that is a text, with a member for each character", piece(["xyz"], "STOP"), "PROVIDER_BAD_OUTPUT"],
    ["a call without a name", piece([{ functionCall: { args: {} } }], "STOP"), "PROVIDER_BAD_OUTPUT"],
    [
      "too many calls",
      piece(
        Array.from({ length: 1025 }, () => ({ functionCall: { name: "f" } })),
        "STOP",
      ),
      "PROVIDER_BAD_OUTPUT",
    ],
    ["too many candidates", { candidates: [{ index: 128 }] }, "PROVIDER_BAD_OUTPUT"],
    ["a missing signature", piece([], "MISSING_THOUGHT_SIGNATURE"), "STATE_INVALID"],
  ])("decodeResponse fails on %s", (_story, body, reason) => {
    expect(reasonThrown(() => foldBody(body))).toBe(reason);
  });

  test("decodeResponse lets feedback on a prompt be that was answered", () => {
    const body = { ...piece([{ text: "a" }], "STOP"), promptFeedback: { safetyRatings: [], blockReason: "SAFETY" } };
    expect(kinds(foldBody(body))).toEqual(["text"]);
  });
});

test("decodeResponse attaches log probabilities to the text", () => {
  const entry = (token: string, logProbability: number) => ({ token, logProbability, tokenId: 1 });
  const logprobsResult = {
    chosenCandidates: [entry("a", -0.5), { token: "?" }, entry("b", -1)],
    topCandidates: [{ candidates: [entry("a", -0.5), entry("c", -2)] }],
  };
  const response = foldBody(piece([{ text: "ab" }], "STOP", { logprobsResult }));
  expect(parts(response)[0]?.kind.value).toMatchObject({
    text: "ab",
    logprobs: [
      { token: "a", logprob: -0.5, top: [{ token: "a" }, { token: "c", logprob: -2 }] },
      { token: "b", top: [] },
    ],
  });
});
