import { describe, expect, test } from "vitest";
import { decode, decoded, json, messages } from "./decode.fixture.ts";

const PNG = "iVBORw0KGgo=";

describe("decodeRequest: messages", () => {
  test("decodes the plain roles in their order, with names", () => {
    expect(
      messages(
        { role: "system", content: "S" },
        { role: "developer", content: [{ type: "text", text: "D" }] },
        { role: "user", content: "U", name: "ada" },
        { role: "assistant", content: "A" },
        { role: "system", content: "again" },
      ),
    ).toEqual([
      { role: "ROLE_SYSTEM", parts: [{ text: { text: "S" } }] },
      { role: "ROLE_DEVELOPER", parts: [{ text: { text: "D" } }] },
      { role: "ROLE_USER", parts: [{ text: { text: "U" } }], name: "ada" },
      { role: "ROLE_ASSISTANT", parts: [{ text: { text: "A" } }] },
      { role: "ROLE_SYSTEM", parts: [{ text: { text: "again" } }] },
    ]);
  });

  test("decodes every kind of user content", () => {
    const content = [
      { type: "text", text: "look" },
      { type: "image_url", image_url: { url: "https://e.example/a.png", detail: "low" } },
      { type: "image_url", image_url: { url: `data:image/PNG;base64,${PNG}` } },
      { type: "input_audio", input_audio: { data: "AAEC", format: "mp3" } },
      { type: "input_audio", input_audio: { data: "AAEC", format: "wav" } },
      { type: "file", file: { file_id: "file-1" } },
      { type: "file", file: { file_data: "data:application/pdf;base64,AAEC", filename: "a.pdf" } },
      { type: "file", file: { file_data: "AAEC", filename: "a.bin" } },
      { type: "video_url", video_url: { url: "https://e.example/a.mp4" } },
    ];
    expect(messages({ role: "user", content })).toEqual([
      {
        role: "ROLE_USER",
        parts: [
          { text: { text: "look" } },
          { media: { modality: "MODALITY_IMAGE", url: "https://e.example/a.png", detail: "low" } },
          { media: { modality: "MODALITY_IMAGE", mime_type: "image/png", inline: PNG } },
          { media: { modality: "MODALITY_AUDIO", mime_type: "audio/mpeg", inline: "AAEC" } },
          { media: { modality: "MODALITY_AUDIO", mime_type: "audio/wav", inline: "AAEC" } },
          { media: { modality: "MODALITY_DOCUMENT", file: { id: "file-1" } } },
          { media: { modality: "MODALITY_DOCUMENT", mime_type: "application/pdf", inline: "AAEC", filename: "a.pdf" } },
          {
            media: {
              modality: "MODALITY_DOCUMENT",
              mime_type: "application/octet-stream",
              inline: "AAEC",
              filename: "a.bin",
            },
          },
          { media: { modality: "MODALITY_VIDEO", url: "https://e.example/a.mp4" } },
        ],
      },
    ]);
  });

  test("decodes cache marks on parts, messages and tools", () => {
    const mark = { type: "ephemeral", ttl: "1h" };
    const request = decoded({
      messages: [
        { role: "system", content: [{ type: "text", text: "S", cache_control: { type: "ephemeral" } }] },
        { role: "user", content: "U", cache_control: { type: "ephemeral", ttl: "5m" } },
        { role: "user", content: [{ type: "text", text: "V", prompt_cache_breakpoint: { mode: "explicit" } }] },
        { role: "tool", tool_call_id: "c", content: "R", cache_control: mark },
      ],
      tools: [{ type: "function", function: { name: "f" }, cache_control: mark }],
    });
    expect(request["messages"]).toEqual([
      { role: "ROLE_SYSTEM", parts: [{ text: { text: "S" }, cache_breakpoint: {} }] },
      { role: "ROLE_USER", parts: [{ text: { text: "U" }, cache_breakpoint: { ttl_seconds: 300 } }] },
      { role: "ROLE_USER", parts: [{ text: { text: "V" }, cache_breakpoint: {} }] },
      {
        role: "ROLE_TOOL",
        parts: [
          {
            tool_result: { call_id: "c", content: [{ text: { text: "R" } }] },
            cache_breakpoint: { ttl_seconds: 3600 },
          },
        ],
      },
    ]);
    expect(request["tools"]).toEqual([{ function: { name: "f" }, cache_breakpoint: { ttl_seconds: 3600 } }]);
  });

  test("decodes an assistant's calls, refusal, spoken answer and prefill", () => {
    expect(
      messages(
        {
          role: "assistant",
          content: null,
          tool_calls: [
            {
              id: "c1",
              type: "function",
              index: 0,
              function: { name: "f", arguments: '{"a":', parsed_arguments: null },
            },
            { id: "c2", type: "custom", custom: { name: "g", input: "free text" } },
          ],
          annotations: [],
          parsed: null,
          function_call: null,
        },
        {
          role: "tool",
          tool_call_id: "c1",
          content: [
            { type: "text", text: "one" },
            { type: "image_url", image_url: { url: "https://e.example/x" } },
          ],
        },
        { role: "assistant", content: [{ type: "refusal", refusal: "no" }], refusal: null },
        { role: "assistant", refusal: "never", audio: { id: "audio_1", data: "AAEC", expires_at: 1, transcript: "x" } },
        { role: "assistant", content: "The answer is", prefix: true },
      ),
    ).toEqual([
      {
        role: "ROLE_ASSISTANT",
        parts: [
          { tool_call: { call_id: "c1", name: "f", arguments_json: '{"a":', arguments_invalid: true } },
          { tool_call: { call_id: "c2", name: "g", text: "free text" } },
        ],
      },
      {
        role: "ROLE_TOOL",
        parts: [
          {
            tool_result: {
              call_id: "c1",
              content: [
                { text: { text: "one" } },
                { media: { modality: "MODALITY_IMAGE", url: "https://e.example/x" } },
              ],
            },
          },
        ],
      },
      { role: "ROLE_ASSISTANT", parts: [{ refusal: { text: "no" } }] },
      {
        role: "ROLE_ASSISTANT",
        parts: [
          { refusal: { text: "never" } },
          { media: { modality: "MODALITY_AUDIO", file: { id: "audio_1" }, generated_id: "audio_1" } },
        ],
      },
      { role: "ROLE_ASSISTANT", parts: [{ text: { text: "The answer is" } }], prefill: true },
    ]);
  });

  test("gives the calls of the deprecated function_call ids, and their results the same ones", () => {
    const { request, legacyFunctions } = decode({
      model: "m",
      functions: [{ name: "f", parameters: { type: "object" } }],
      function_call: { name: "f" },
      messages: [
        { role: "assistant", content: null, function_call: { name: "f", arguments: "{}" } },
        { role: "function", name: "f", content: "one" },
        { role: "assistant", function_call: { name: "f", arguments: "{}" } },
        { role: "function", name: "f", content: null },
      ],
    });
    const ids = request.messages.map(({ parts: [part] }) =>
      part?.kind.case === "toolCall" || part?.kind.case === "toolResult" ? part.kind.value.callId : undefined,
    );
    expect(ids).toEqual(["call_legacy_0", "call_legacy_0", "call_legacy_1", "call_legacy_1"]);
    expect(legacyFunctions).toBe(true);
    expect(json(request)["tool_choice"]).toEqual({ mode: "TOOL_MODE_REQUIRED", names: ["f"] });
    expect(json(request)["tools"]).toEqual([{ function: { name: "f", parameters_json: '{"type":"object"}' } }]);
  });

  test("decodes reasoning that comes back as text", () => {
    const reasoning = { text: ["because"], visibility: "REASONING_VISIBILITY_FULL" };
    for (const fields of [
      { reasoning_content: "because" },
      { reasoning: "because" },
      { reasoning_content: "because", reasoning_details: [] },
    ]) {
      expect(messages({ role: "assistant", content: "A", ...fields })).toEqual([
        { role: "ROLE_ASSISTANT", parts: [{ reasoning }, { text: { text: "A" } }] },
      ]);
    }
  });

  test("decodes another gateway's reasoning_details: fragments join, ids group, state goes to its call", () => {
    const [message] = messages({
      role: "assistant",
      reasoning: "ignored beside the details",
      reasoning_details: [
        { type: "reasoning.text", text: "one ", index: 0, format: "anthropic-claude-v1" },
        { type: "reasoning.text", text: "thought", index: 0, signature: "sig", format: "anthropic-claude-v1" },
        { type: "reasoning.summary", summary: "sum", id: "rs_1", index: 1 },
        { type: "reasoning.encrypted", data: "enc", id: "rs_1", index: 2, format: "openai-responses-v1" },
        { type: "reasoning.encrypted", data: "thought signature", id: "c1", format: "google-gemini-v1" },
      ],
      tool_calls: [{ id: "c1", type: "function", function: { name: "f", arguments: "{}" } }],
    }) as { parts: unknown[] }[];
    expect(message?.parts).toEqual([
      {
        reasoning: { text: ["one thought"], visibility: "REASONING_VISIBILITY_FULL" },
        state: [{ format: "anthropic-claude-v1", text: "sig" }],
      },
      {
        id: "rs_1",
        reasoning: { summary: ["sum"], visibility: "REASONING_VISIBILITY_SUMMARY" },
        state: [{ format: "openai-responses-v1", text: "enc" }],
      },
      {
        tool_call: { call_id: "c1", name: "f", arguments_json: "{}" },
        state: [{ format: "google-gemini-v1", text: "thought signature" }],
      },
    ]);
  });

  test("makes no part of empty text", () => {
    expect(messages({ role: "user", content: "" }, { role: "assistant", content: "", tool_calls: [] })).toEqual([
      { role: "ROLE_USER" },
      { role: "ROLE_ASSISTANT" },
    ]);
  });
});
