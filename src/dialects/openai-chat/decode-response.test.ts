import { describe, expect, test } from "vitest";
import { Executor, FinishReason, Modality } from "../../contract/index.ts";
import { ParleyError, reasonName } from "../../errors/index.ts";
import { openaiChat } from "./index.ts";
import { countingIds, foldBody, targetWith } from "./target.fixture.ts";

function answer(message: unknown, more: object = {}): object {
  return { id: "chatcmpl-1", model: "m1-2026", choices: [{ index: 0, message, finish_reason: "stop" }], ...more };
}

function parts(message: unknown, more: object = {}) {
  return foldBody(answer(message, more)).candidates[0]?.message?.parts ?? [];
}

function thrown(body: string): ParleyError {
  try {
    openaiChat.decodeResponse(body, targetWith(), countingIds());
  } catch (error) {
    if (error instanceof ParleyError) return error;
  }
  throw new Error("nothing typed was thrown");
}

describe("decodeResponse", () => {
  test("decodeResponse yields no deltas and no usage updates", () => {
    const body = JSON.stringify(answer({ content: "a" }, { usage: { prompt_tokens: 1, completion_tokens: 1 } }));
    const events = openaiChat.decodeResponse(body, targetWith(), countingIds());
    expect(events.map(({ event }) => event.case)).toEqual([
      "started",
      "blockStarted",
      "blockFinished",
      "candidateFinished",
      "completed",
    ]);
  });

  test("decodeResponse reads a body after blank lines", () => {
    expect(foldBody(`\n\n  \n${JSON.stringify(answer({ content: "a" }))}`).candidates).toHaveLength(1);
  });

  test("decodeResponse reads a body after a byte order mark", () => {
    expect(foldBody(`\ufeff${JSON.stringify(answer({ content: "a" }))}`).candidates).toHaveLength(1);
  });

  test("decodeResponse keeps the order reasoning, text, refusal, calls", () => {
    const message = {
      tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: "{}" } }],
      refusal: "No",
      content: "Yes",
      reasoning_content: "Hm",
    };
    expect(parts(message).map(({ kind }) => kind.case)).toEqual(["reasoning", "text", "refusal", "toolCall"]);
  });

  test("decodeResponse reads several candidates, also without numbers", () => {
    const choices = [
      { message: { content: "a" }, finish_reason: "stop" },
      { message: { content: "b" }, finish_reason: "length" },
    ];
    const { candidates } = foldBody({ choices });
    expect(candidates.map(({ index, finish }) => [index, finish?.reason])).toEqual([
      [0, FinishReason.STOP],
      [1, FinishReason.MAX_TOKENS],
    ]);
  });

  test("decodeResponse reads content that is a list", () => {
    const message = {
      content: [
        { type: "thinking", thinking: [{ type: "text", text: "Hm" }] },
        { type: "text", text: "Yes" },
        { type: "image_url", image_url: { url: "data:image/png;base64,AAEC" } },
        { type: "novelty", value: 1 },
      ],
    };
    expect(parts(message).map(({ kind }) => kind)).toMatchObject([
      { case: "reasoning", value: { text: ["Hm"] } },
      { case: "text", value: { text: "Yes" } },
      {
        case: "media",
        value: { modality: Modality.IMAGE, mimeType: "image/png", source: { value: new Uint8Array([0, 1, 2]) } },
      },
      {
        case: "opaque",
        value: { origin: { provider: "house" }, nativeType: "novelty", json: '{"type":"novelty","value":1}' },
      },
    ]);
  });

  test("decodeResponse reads generated images and speech", () => {
    const message = {
      content: null,
      images: [{ type: "image_url", image_url: { url: "https://a/b.png" } }],
      audio: { id: "audio_1", data: Buffer.from("RIFFxyz").toString("base64"), transcript: "Hi", expires_at: 7 },
    };
    expect(parts(message).map(({ kind }) => kind.value)).toMatchObject([
      { modality: Modality.IMAGE, source: { case: "url", value: "https://a/b.png" } },
      {
        modality: Modality.AUDIO,
        mimeType: "audio/wav",
        generatedId: "audio_1",
        transcript: "Hi",
        expiresAt: { seconds: 7n },
      },
    ]);
  });

  test("decodeResponse keeps tools that the provider ran and never shows them as calls of the caller", () => {
    const executed_tools = [{ index: 0, type: "search", arguments: '{"query":"x"}', output: "found" }];
    const response = foldBody(answer({ content: "a", executed_tools }));
    expect(response.candidates[0]?.finish?.reason).toBe(FinishReason.STOP);
    expect(response.candidates[0]?.message?.parts.map(({ kind }) => kind)).toMatchObject([
      { case: "text" },
      { case: "toolCall", value: { name: "search", executor: Executor.PROVIDER, input: { value: '{"query":"x"}' } } },
      { case: "toolResult", value: { executor: Executor.PROVIDER, nativeJson: JSON.stringify(executed_tools[0]) } },
    ]);
  });

  test("decodeResponse cites sources that stand beside the choices", () => {
    const results = [{ title: "A", url: "https://a", snippet: "says", date: "2026" }];
    const [text] = parts({ content: "a [1]" }, { citations: ["https://a"], search_results: results });
    expect(text?.kind.value).toMatchObject({
      citations: [
        { url: "https://a", title: "A", citedText: "says", sourceIds: ["1"], nativeJson: JSON.stringify(results[0]) },
      ],
    });
    const [plain] = parts({ content: "a [1]" }, { citations: ["https://a"] });
    expect(plain?.kind.value).toMatchObject({ citations: [{ url: "https://a", sourceIds: ["1"] }] });
  });

  test("decodeResponse counts offsets of citations as the settings say", () => {
    const annotations = [{ type: "url_citation", url_citation: { url: "https://a", start_index: 1, end_index: 2 } }];
    const unit = (target: ReturnType<typeof targetWith>) => {
      const [text] = foldBody(answer({ content: "abc", annotations }), target).candidates[0]?.message?.parts ?? [];
      return text?.kind.case === "text" ? text.kind.value.citations[0]?.offsetUnit : undefined;
    };
    expect([unit(targetWith()), unit(targetWith({ citation_offsets: "utf16" }))]).toEqual([3, 2]);
  });

  test("decodeResponse keeps state of a message without text", () => {
    const [part] = parts({ content: "", extra_content: { google: { thought_signature: "c2ln" } } });
    expect(part?.kind.case).toBeUndefined();
    expect(part?.state[0]).toMatchObject({ format: "openai-chat.extra_content" });
  });

  test("decodeResponse takes empty members of vendors that always send them for nothing", () => {
    const message = {
      content: "a",
      refusal: "",
      audio: { id: "", data: "", transcript: "", expires_at: 0 },
      function_call: { name: "", arguments: "" },
      tool_calls: null,
      annotations: null,
    };
    expect(parts(message).map(({ kind }) => kind.case)).toEqual(["text"]);
  });

  test.each([
    ["", "PROVIDER_BAD_OUTPUT"],
    ["  \n", "PROVIDER_BAD_OUTPUT"],
    ["<!doctype html><html>secret</html>", "PROVIDER_BAD_OUTPUT"],
    ["secret", "PROVIDER_BAD_OUTPUT"],
    ["[]", "PROVIDER_BAD_OUTPUT"],
    ["{}", "PROVIDER_BAD_OUTPUT"],
    ['{"choices":[]}', "PROVIDER_BAD_OUTPUT"],
    ['{"choices":{}}', "PROVIDER_BAD_OUTPUT"],
    ['{"choices":[null]}', "PROVIDER_BAD_OUTPUT"],
    ['{"choices":[{"index":0,"message":{"content":"secret"}}]}', "PROVIDER_BAD_OUTPUT"],
    ['{"choices":[{"index":0,"message":{"content":"secret"},"finish_reason":null}]}', "PROVIDER_BAD_OUTPUT"],
    ['{"choices":[{"index":0,"message":{"content":"x"},"finish_reason":"error"}]}', "PROVIDER_ERROR"],
    ['{"error":{"message":"no","code":"content_filter"}}', "PROVIDER_CONTENT_BLOCKED"],
    ['{"error":"no"}', "PROVIDER_ERROR"],
    ['{"error":{"message":"no","type":"overloaded_error"},"choices":[]}', "PROVIDER_OVERLOADED"],
    ['{"choices":[{"index":0,"error":{"code":502,"message":"no"}}]}', "PROVIDER_ERROR"],
    ['[{"error":{"code":429,"message":"no"}}]', "PROVIDER_RATE_LIMITED"],
    ['{"object":"error","message":"no","code":404}', "MODEL_NOT_FOUND"],
  ])("decodeResponse refuses the body %j with %s and quotes nothing of it", (body, reason) => {
    const error = thrown(body);
    expect(reasonName(error.reason)).toBe(reason);
    expect(error.message).not.toContain("secret");
  });

  test.each(["tool_calls", "annotations", "images", "reasoning_details", "executed_tools"])(
    "decodeResponse takes no text for the list %s or for an item of it, with an item or a member for each character",
    (member) => {
      for (const odd of ["xyz", ["xyz"]]) {
        const error = thrown(JSON.stringify(answer({ content: "a", [member]: odd })));
        expect(reasonName(error.reason)).toBe("PROVIDER_BAD_OUTPUT");
      }
    },
  );

  test("decodeResponse tells an empty finish reason apart from a stop", () => {
    const { finish } =
      foldBody({ choices: [{ index: 0, message: { content: "a" }, finish_reason: "" }] }).candidates[0] ?? {};
    expect([finish?.reason, finish?.native]).toEqual([FinishReason.OTHER, ""]);
  });
});
