import { toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventGrammar, StreamEventSchema, type StreamEvent } from "../../contract/index.ts";
import { openaiChat } from "./index.ts";
import { chunk, countingIds, foldBody, foldChunks, reasonThrown, targetWith } from "./target.fixture.ts";

const stop = chunk({}, "stop");

interface Answer {
  readonly reasoning: string;
  readonly text: string;
  readonly calls: readonly { readonly name: string; readonly args: string }[];
}

const answers: fc.Arbitrary<Answer> = fc.record({
  reasoning: fc.string({ unit: "binary", maxLength: 30 }),
  text: fc.string({ unit: "binary", maxLength: 60 }),
  calls: fc.array(fc.record({ name: fc.constantFrom("f", "g"), args: fc.json({ maxDepth: 2 }) }), { maxLength: 4 }),
});

// Cuts at UTF-16 units, also within a character, as JSON escapes let upstreams do.
function cut(text: string, sizes: readonly number[]): string[] {
  const pieces: string[] = [];
  let at = 0;
  for (let turn = 0; at < text.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    pieces.push(text.slice(at, at + size));
    at += size;
  }
  return pieces;
}

function chunksOf(answer: Answer, sizes: readonly number[]): unknown[] {
  const fragments = answer.calls.map(({ name, args }, index) => [
    { index, id: `id${index}`, type: "function", function: { name, arguments: "" } },
    ...cut(args, sizes).map((piece) => ({ index, function: { arguments: piece } })),
  ]);
  const longest = Math.max(0, ...fragments.map(({ length }) => length));
  // Round robin: the calls' fragments interleave.
  const interleaved = Array.from({ length: longest }, (_, turn) =>
    fragments.flatMap((list) => list.slice(turn, turn + 1)),
  );
  return [
    chunk({ role: "assistant", content: "" }),
    ...cut(answer.reasoning, sizes).map((piece) => chunk({ reasoning_content: piece })),
    ...cut(answer.text, sizes).map((piece) => chunk({ content: piece })),
    ...interleaved.flat().map((fragment) => chunk({ tool_calls: [fragment] })),
    chunk({}, answer.calls.length > 0 ? "tool_calls" : "stop"),
    "[DONE]",
  ];
}

function bodyOf(answer: Answer): unknown {
  const toolCalls = answer.calls.map(({ name, args }, index) => ({
    id: `id${index}`,
    type: "function",
    function: { name, arguments: args },
  }));
  const message = {
    role: "assistant",
    content: answer.text,
    reasoning_content: answer.reasoning,
    ...(toolCalls.length > 0 ? { tool_calls: toolCalls } : {}),
  };
  const finish = toolCalls.length > 0 ? "tool_calls" : "stop";
  return { id: "chatcmpl-1", model: "m1-2026", choices: [{ index: 0, message, finish_reason: finish }] };
}

const INNER_MEMBERS = (
  "id index type function name arguments custom input text url_citation url image_url data transcript expires_at " +
  "signature thinking summary extra_content output"
).split(" ");

describe("streamDecoder and decodeResponse agree", () => {
  test("streamDecoder gives the same answer for any split, and decodeResponse for the whole", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(answers, sizes, (answer, split) => {
        const whole = foldBody(bodyOf(answer));
        expect(foldChunks(chunksOf(answer, split))).toEqual(whole);
        expect(foldChunks(chunksOf(answer, [1000]))).toEqual(whole);
      }),
      { numRuns: 200 },
    );
  });

  test("streamDecoder answers any JSON with events in order or a typed error", () => {
    const member = fc.constantFrom(
      "content",
      "tool_calls",
      "audio",
      "annotations",
      "reasoning_details",
      "images",
      "executed_tools",
      "function_call",
      "refusal",
    );
    // Objects with the members that the codec reads, holding anything.
    const inner = fc.constantFrom(...INNER_MEMBERS);
    const leaf = fc.constantFrom<unknown>(null, true, 0, -1, 1e99, "", "x", "\ud83d", "{}", [], {}, [null], {
      text: 1,
    });
    const piece = fc.dictionary(inner, fc.oneof(leaf, fc.dictionary(inner, leaf, { maxKeys: 4 })), { maxKeys: 6 });
    const value = fc.oneof(leaf, piece, fc.array(piece, { maxLength: 3 }));
    const wild = fc.dictionary(member, value, { maxKeys: 4 });
    fc.assert(
      fc.property(fc.array(wild, { maxLength: 4 }), (deltas) => {
        const events: StreamEvent[] = [];
        const decoder = openaiChat.streamDecoder(targetWith(), countingIds());
        const outcome = reasonThrown(() => {
          for (const delta of deltas) decoder.push(JSON.stringify(chunk(delta)), events);
          decoder.push(JSON.stringify(stop), events);
          decoder.end(events);
        });
        expect(["nothing thrown", "PROVIDER_BAD_OUTPUT"]).toContain(outcome);
        const grammar = new EventGrammar();
        expect(events.flatMap((event) => grammar.check(event) ?? [])).toEqual([]);
        // What was not of the expected type must not have slipped into a message.
        for (const event of events) expect(toBinary(StreamEventSchema, event).length).toBeGreaterThan(0);
      }),
      { numRuns: 2000 },
    );
  });
});
