import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  BlockWriter,
  Executor,
  FinishReason,
  Modality,
  PartSchema,
  candidateFinished,
  fold,
  reasoningPart,
  refusalPart,
  textPart,
  toolCallPart,
  type BlockDelta,
} from "../../contract/index.ts";
import { encodeResponse } from "./encode-response.ts";
import { startedEvent, completedEvent } from "./answers.fixture.ts";

import { accumulate, chunksOf, json, streamed, text, type Json } from "./chunks.fixture.ts";

describe("CandidateChunks", () => {
  test("writes parallel calls by their ordinal, and none that the provider ran", () => {
    const own = create(PartSchema, {
      kind: {
        case: "toolCall",
        value: {
          callId: "p",
          name: "web_search",
          executor: Executor.PROVIDER,
          input: { case: "argumentsJson", value: "" },
        },
      },
    });
    const custom = create(PartSchema, {
      kind: { case: "toolCall", value: { callId: "c2", name: "g", input: { case: "text", value: "" } } },
    });
    const chunks = chunksOf(
      streamed(
        [
          [own, json("{}")],
          [toolCallPart("c1", "f", ""), json('{"a"'), json(":1}")],
          [custom, { case: "toolText", value: "free" }],
        ],
        FinishReason.TOOL_CALLS,
      ),
    );
    expect(chunks.slice(1).map(({ choices: [choice] }) => choice?.delta)).toEqual([
      { tool_calls: [{ index: 0, id: "c1", type: "function", function: { name: "f", arguments: "" } }] },
      { tool_calls: [{ index: 0, function: { arguments: '{"a"' } }] },
      { tool_calls: [{ index: 0, function: { arguments: ":1}" } }] },
      { tool_calls: [{ index: 1, id: "c2", custom: { name: "g", input: "" } }] },
      { tool_calls: [{ index: 1, custom: { input: "free" } }] },
      {},
    ]);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe("tool_calls");
  });

  test("gives a call without arguments an empty object", () => {
    const chunks = chunksOf(streamed([[toolCallPart("c1", "f", "")]], FinishReason.TOOL_CALLS));
    expect(accumulate(chunks)["tool_calls"]).toMatchObject([{ id: "c1", function: { name: "f", arguments: "{}" } }]);
  });

  test("writes calls in the deprecated shape where the request used functions", () => {
    const chunks = chunksOf(streamed([[toolCallPart("c1", "f", ""), json("{}")]], FinishReason.TOOL_CALLS), {
      legacyFunctions: true,
    });
    expect(chunks.slice(1).map(({ choices: [choice] }) => [choice?.delta, choice?.finish_reason])).toEqual([
      [{ function_call: { name: "f", arguments: "" } }, null],
      [{ function_call: { arguments: "{}" } }, null],
      [{}, "function_call"],
    ]);
  });

  test("writes log probabilities with the text they belong to", () => {
    const events = [startedEvent("req_1")];
    const writer = new BlockWriter();
    const block = writer.open(events, 0, textPart(""));
    const token = { $typeName: "parley.v1.TokenLogprob", token: "x", logprob: -1, top: [] } as const;
    writer.append(events, 0, block, text("x"), [{ ...token, top: [] }]);
    writer.append(events, 0, block, { case: "logprobsOnly", value: { $typeName: "parley.v1.LogprobsOnly" } }, [
      { ...token, top: [] },
    ]);
    writer.close(events, 0, block);
    const refusal = writer.open(events, 0, refusalPart(""));
    writer.append(events, 0, refusal, { case: "refusal", value: "n" }, [{ ...token, top: [] }]);
    writer.close(events, 0, refusal);
    events.push(candidateFinished(0, FinishReason.STOP, "stop"), completedEvent());
    const entry = { token: "x", logprob: -1, bytes: null, top_logprobs: [] };
    expect(
      chunksOf(events)
        .slice(1, -1)
        .map(({ choices: [choice] }) => [choice?.delta, choice?.logprobs]),
    ).toEqual([
      [{ content: "x" }, { content: [entry], refusal: null }],
      [{}, { content: [entry], refusal: null }],
      [{ refusal: "n" }, { content: null, refusal: [entry] }],
    ]);
  });

  test("writes sound as it comes", () => {
    const sound = create(PartSchema, {
      kind: { case: "media", value: { modality: Modality.AUDIO, generatedId: "audio_1" } },
    });
    const events = streamed([
      [sound, { case: "transcript", value: "hi" }, { case: "media", value: new Uint8Array([0, 1, 2]) }],
    ]);
    for (const { event } of events) {
      if (event.case !== "blockFinished" || event.value.part?.kind.case !== "media") continue;
      event.value.part.kind.value.expiresAt = { $typeName: "google.protobuf.Timestamp", seconds: 9n, nanos: 0 };
    }
    expect(
      chunksOf(events)
        .slice(1, -1)
        .map(({ choices: [choice] }) => choice?.delta["audio"]),
    ).toEqual([{ id: "audio_1" }, { transcript: "hi" }, { data: "AAEC" }, { expires_at: 9 }]);
  });

  test("streams what adds up to the whole answer's message", () => {
    const image = create(PartSchema, {
      kind: {
        case: "media",
        value: { modality: Modality.IMAGE, source: { case: "url", value: "https://e.example/a" } },
      },
    });
    const state: BlockDelta["delta"] = {
      case: "state",
      value: { $typeName: "parley.v1.OpaqueState", format: "x.signature", payload: { case: "text", value: "sig" } },
    };
    const citation: BlockDelta["delta"] = {
      case: "citation",
      value: { $typeName: "parley.v1.Citation", url: "https://e.example", offsetUnit: 3, sourceIds: [], state: [] },
    };
    const events = streamed([
      [reasoningPart(""), { case: "reasoningText", value: "h" }, { case: "reasoningText", value: "m" }, state],
      [reasoningPart("again")],
      [textPart("Hel"), text("lo"), citation],
      [refusalPart(""), { case: "refusal", value: "no" }],
      [textPart(" world")],
      [toolCallPart("c1", "f", ""), json("{}")],
      [image],
    ]);
    const whole = encodeResponse(fold(events), { legacyFunctions: false, nowSeconds: 1 }) as {
      choices: { message: Json }[];
    };
    const { role: _role, ...message } = whole.choices[0]!.message;
    const { images, ...streamedMessage } = accumulate(chunksOf(events));
    expect({ ...streamedMessage, images: (images as Json[]).map(({ index: _index, ...one }) => one) }).toEqual(message);
  });
});
