import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  BlockWriter,
  FinishReason,
  StreamEventSchema,
  candidateFinished,
  completed,
  keptAlive,
  textPart,
} from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import { ownError } from "./errors.ts";
import { openAiSpec } from "./openai-spec.ts";
import { startedEvent, completedEvent, sseData } from "./answers.fixture.ts";

import { chunksOf, encoderFor, streamed, text } from "./chunks.fixture.ts";

describe("ChunkEncoder", () => {
  test.skipIf(!openAiSpec)("is checked by a check that finds something", () => {
    expect(openAiSpec?.check("CreateChatCompletionStreamResponse", { choices: [{}] })).not.toEqual([]);
  });

  test("writes the role first, then text, then the finish reason with parley, then [DONE]", () => {
    const chunks = chunksOf(streamed([[textPart(""), text("Hel"), text('lo\n\u2028"')]]));
    const common = {
      id: "req_1",
      object: "chat.completion.chunk",
      created: 1_790_000_000,
      model: "house/qwen/qwen3",
      system_fingerprint: "fp_1",
    };
    const choice = { index: 0, logprobs: null, finish_reason: null };
    expect(chunks.slice(0, 3)).toEqual([
      { ...common, choices: [{ ...choice, delta: { role: "assistant", content: "", refusal: null } }] },
      { ...common, choices: [{ ...choice, delta: { content: "Hel" } }] },
      { ...common, choices: [{ ...choice, delta: { content: 'lo\n\u2028"' } }] },
    ]);
    expect(chunks[3]).toMatchObject({
      choices: [{ index: 0, delta: {}, finish_reason: "stop" }],
      service_tier: "default",
      parley: {
        request_id: "req_1",
        cost_usd: "0.00123",
        finish: [{ index: 0, reason: "stop", native: "native" }],
        usage: { source: "reported", input_tokens: 10 },
      },
    });
    expect(chunks).toHaveLength(4);
  });

  test("writes usage only where it was asked for: a last chunk without choices, and null in all others", () => {
    const events = streamed([[textPart(""), text("x")]]);
    const chunks = chunksOf(events, { includeUsage: true });
    expect(chunks.slice(0, -1).map((chunk) => chunk["usage"])).toEqual([null, null, null]);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 25 }, parley: { request_id: "req_1" } });
    expect(chunks.at(-2)).toMatchObject({ choices: [{ finish_reason: "stop" }] });
    expect(chunks.at(-2)).not.toHaveProperty("parley");
    for (const chunk of chunksOf(events)) expect(chunk).not.toHaveProperty("usage");
    const unknown = [...events.slice(0, -1), completed({})];
    expect(chunksOf(unknown, { includeUsage: true }).at(-1)).toMatchObject({ choices: [], usage: null });
  });

  test("interleaves several answers and gives parley to the last one's end", () => {
    const events = [startedEvent("req_1")];
    const writer = new BlockWriter();
    const [a, b] = [writer.open(events, 0, textPart("")), writer.open(events, 1, textPart(""))];
    writer.append(events, 0, a, text("A"));
    writer.append(events, 1, b, text("B"));
    writer.close(events, 0, a);
    events.push(candidateFinished(0, FinishReason.STOP, "stop"));
    writer.append(events, 1, b, text("B"));
    writer.close(events, 1, b);
    events.push(candidateFinished(1, FinishReason.MAX_TOKENS, "length"), completedEvent());
    const chunks = chunksOf(events);
    expect(
      chunks.map(({ choices: [choice] }) => [
        choice?.index,
        choice?.delta["role"] ?? choice?.delta["content"] ?? choice?.finish_reason,
      ]),
    ).toEqual([
      [0, "assistant"],
      [1, "assistant"],
      [0, "A"],
      [1, "B"],
      [0, "stop"],
      [1, "B"],
      [1, "length"],
    ]);
    expect(chunks.filter((chunk) => "parley" in chunk)).toEqual([chunks.at(-1)]);
  });

  test("keeps alive with a comment, also before the answer starts", () => {
    const encoder = encoderFor();
    expect(encoder.encode([keptAlive()])).toBe(": keep-alive\n\n");
    expect(encoder.encode([startedEvent("req_1")])).toContain('"role":"assistant"');
  });

  test("ends with the error and no [DONE] after a failure, and shows no finish reason it was holding", () => {
    const events = streamed([[textPart(""), text("x")]]).slice(0, -1);
    const error = ownError(new ParleyError("STREAM_INTERRUPTED", "Cannot complete the answer"), {
      requestId: "req_1",
      errorId: "err_9",
    });
    events.push(create(StreamEventSchema, { event: { case: "failed", value: { error } } }));
    const encoder = encoderFor();
    const written = encoder.encode(events);
    expect(written).not.toContain("[DONE]");
    expect(written).not.toContain('"finish_reason":"stop"');
    expect(JSON.parse(sseData(written).at(-1) ?? "")).toMatchObject({
      error: {
        type: "server_error",
        code: "stream_interrupted",
        parley: { reason: "stream_interrupted", error_id: "err_9" },
      },
    });
    expect(encoder.ended).toBe(true);
    expect(encoder.encode([completedEvent()])).toBe("");
  });

  test.each([FinishReason.MALFORMED_TOOL_CALL, FinishReason.PROVIDER_ERROR])(
    "ends with an error where the answer ended with %s, which is no answer",
    (finish) => {
      const written = encoderFor().encode(streamed([[textPart(""), text("x")]], finish));
      expect(written).not.toContain("[DONE]");
      expect(sseData(written).at(-1)).toContain('{"error":');
    },
  );
});
