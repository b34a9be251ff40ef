import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  Executor,
  FinishReason,
  Modality,
  OffsetUnit,
  PartSchema,
  ReasoningVisibility,
  Role,
  reasoningPart,
  refusalPart,
  textPart,
  toolCallPart,
  type Part,
} from "../../contract/index.ts";
import { decodeRequest } from "./decode-request.ts";

import { encode, messageOf } from "./encode.fixture.ts";

const call = toolCallPart("c1", "f", '{"a": 1}');
const customCall = create(PartSchema, {
  kind: { case: "toolCall", value: { callId: "c2", name: "g", input: { case: "text", value: "free" } } },
});

describe("encodeMessage", () => {
  test("says null for content only where something else stands in its place", () => {
    expect(messageOf()).toEqual({ role: "assistant", content: "", refusal: null });
    expect(messageOf(textPart(""))).toMatchObject({ content: "" });
    expect(messageOf(call)).toMatchObject({ content: null });
    expect(messageOf(textPart("so"), call)).toMatchObject({ content: "so" });
    expect(messageOf(refusalPart("no"))).toMatchObject({ content: null, refusal: "no" });
  });

  test("shows the caller's calls, of functions and of custom tools, and never the provider's own", () => {
    const own = create(PartSchema, {
      kind: { case: "toolCall", value: { callId: "p", name: "web_search", executor: Executor.PROVIDER } },
    });
    const result = create(PartSchema, {
      kind: { case: "toolResult", value: { callId: "p", executor: Executor.PROVIDER, nativeJson: "{}" } },
    });
    const { message, finish_reason } = encode([
      { parts: [own, result, call, customCall], finish: FinishReason.TOOL_CALLS },
    ]).choices[0]!;
    expect(finish_reason).toBe("tool_calls");
    expect(message["tool_calls"]).toEqual([
      { id: "c1", type: "function", function: { name: "f", arguments: '{"a": 1}' } },
      { id: "c2", type: "custom", custom: { name: "g", input: "free" } },
    ]);
    expect(JSON.stringify(message)).not.toContain("web_search");
  });

  test("gives a call without arguments an empty object, for clients parse what they get", () => {
    for (const input of [{ case: undefined }, { case: "argumentsJson", value: "" }] as const) {
      const part = create(PartSchema, { kind: { case: "toolCall", value: { callId: "c1", name: "f", input } } });
      expect(messageOf(part)["tool_calls"]).toEqual([
        { id: "c1", type: "function", function: { name: "f", arguments: "{}" } },
      ]);
    }
  });

  test("answers a request with functions in the deprecated shape", () => {
    const legacy = encode([{ parts: [call], finish: FinishReason.TOOL_CALLS }], true).choices[0]!;
    expect(legacy.finish_reason).toBe("function_call");
    expect(legacy.message).toMatchObject({ content: null, function_call: { name: "f", arguments: '{"a": 1}' } });
    expect(legacy.message).not.toHaveProperty("tool_calls");
    const two = encode([{ parts: [call, toolCallPart("c3", "g", "{}")], finish: FinishReason.TOOL_CALLS }], true)
      .choices[0]!;
    expect(two.message["tool_calls"]).toHaveLength(2);
  });

  test("counts citations in characters of the joined content, whatever the provider counts", () => {
    const cited = (unit: OffsetUnit, start: number, end: number): Part =>
      create(PartSchema, {
        kind: {
          case: "text",
          value: {
            text: "né 😀 x",
            citations: [
              { url: "https://e.example", title: "E", outputStart: start, outputEnd: end, offsetUnit: unit },
              { title: "no address" },
            ],
          },
        },
      });
    for (const part of [
      cited(OffsetUnit.UTF8_BYTES, 4, 8),
      cited(OffsetUnit.UTF16, 3, 5),
      cited(OffsetUnit.CODE_POINTS, 3, 4),
    ]) {
      expect(messageOf(textPart("😀."), part)["annotations"]).toEqual([
        { type: "url_citation", url_citation: { url: "https://e.example", title: "E", start_index: 5, end_index: 6 } },
      ]);
    }
  });

  test("writes sound and images", () => {
    const audio = create(PartSchema, {
      kind: {
        case: "media",
        value: {
          modality: Modality.AUDIO,
          source: { case: "inline", value: new Uint8Array([0, 1, 2]) },
          transcript: "hi",
          generatedId: "audio_1",
          expiresAt: { seconds: 1_790_000_100n, nanos: 0 },
        },
      },
    });
    const image = create(PartSchema, {
      kind: {
        case: "media",
        value: {
          modality: Modality.IMAGE,
          mimeType: "image/webp",
          source: { case: "inline", value: new Uint8Array([0, 1, 2]) },
        },
      },
    });
    expect(messageOf(audio, image)).toEqual({
      role: "assistant",
      content: null,
      refusal: null,
      audio: { id: "audio_1", data: "AAEC", expires_at: 1_790_000_100, transcript: "hi" },
      images: [{ type: "image_url", image_url: { url: "data:image/webp;base64,AAEC" } }],
    });
  });

  test("writes log probabilities, without infinities", () => {
    const token = { token: "a", logprob: -0.5, bytes: new Uint8Array([97]) };
    const part = create(PartSchema, {
      kind: {
        case: "text",
        value: { text: "a", logprobs: [{ ...token, top: [token, { token: "b", logprob: Number.NEGATIVE_INFINITY }] }] },
      },
    });
    expect(encode([{ parts: [part] }]).choices[0]!.logprobs).toEqual({
      content: [
        {
          token: "a",
          logprob: -0.5,
          bytes: [97],
          top_logprobs: [
            { token: "a", logprob: -0.5, bytes: [97] },
            { token: "b", logprob: -9999, bytes: null },
          ],
        },
      ],
      refusal: null,
    });
  });

  test("keeps reasoning apart, with details only where the text alone would lose something", () => {
    expect(messageOf(reasoningPart("hm"), textPart("A"))).toEqual({
      role: "assistant",
      content: "A",
      refusal: null,
      reasoning_content: "hm",
    });
  });

  test("sends reasoning and state such that they come back as the very same parts", () => {
    const origin = { provider: "house", dialect: "openai-chat", model: "qwen/qwen3" };
    const parts = [
      create(PartSchema, {
        id: "rs_1",
        kind: {
          case: "reasoning",
          value: { text: ["one", "two"], summary: ["sum"], visibility: ReasoningVisibility.FULL },
        },
        state: [
          { origin, format: "x.signature", payload: { case: "text", value: "sig" } },
          { origin, format: "x.bytes", payload: { case: "raw", value: Buffer.from([0, 255]) } },
        ],
      }),
      create(PartSchema, {
        kind: { case: "reasoning", value: { visibility: ReasoningVisibility.OMITTED } },
        state: [{ format: "x.redacted", payload: { case: "text", value: "zzz" } }],
      }),
      create(PartSchema, {
        kind: { case: "text", value: { text: "A" } },
        state: [{ origin, format: "x.signature", payload: { case: "text", value: "text sig" } }],
      }),
      create(PartSchema, {
        kind: { case: "toolCall", value: { callId: "c1", name: "f", input: { case: "argumentsJson", value: "{}" } } },
        state: [{ origin, format: "x.signature", payload: { case: "text", value: "call sig" } }],
      }),
    ];
    const message = messageOf(...parts);
    expect(message["reasoning_content"]).toBe("one\n\ntwo\n\nsum");
    const { request } = decodeRequest(Buffer.from(JSON.stringify({ model: "m", messages: [message] })), {
      maxDepth: 32,
    });
    expect(request.messages[0]).toMatchObject({ role: Role.ASSISTANT });
    expect(request.messages[0]?.parts).toEqual(parts);
  });
});
