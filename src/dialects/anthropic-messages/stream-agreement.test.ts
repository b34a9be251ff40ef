import { toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventGrammar, StreamEventSchema, type StreamEvent } from "../../contract/index.ts";
import { anthropicMessages } from "./index.ts";
import { begin, block, bodyWith, ending } from "./stream.fixture.ts";
import { countingIds, foldBody, foldStream, reasonThrown, targetWith } from "./target.fixture.ts";

type Block = { readonly [member: string]: any };

const words = fc.string({ unit: "binary", maxLength: 30 });
const json = fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 });
const id = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const citation = fc.record({
  type: fc.constantFrom("char_location", "web_search_result_location", "new_location"),
  cited_text: words,
  document_index: fc.nat(3),
  start_char_index: fc.nat(9),
  encrypted_index: id,
});

const blocks: fc.Arbitrary<Block> = fc.oneof(
  fc.record({ type: fc.constant("text"), text: words, citations: fc.array(citation, { maxLength: 2 }) }),
  fc.record({ type: fc.constant("thinking"), thinking: words, signature: fc.string({ maxLength: 20 }) }),
  fc.record({ type: fc.constant("redacted_thinking"), data: fc.string({ maxLength: 20 }) }),
  fc.record({
    type: fc.constantFrom("tool_use", "server_tool_use", "mcp_tool_use"),
    id,
    name: fc.constantFrom("f", "g"),
    input: json,
    caller: fc.constantFrom({ type: "direct" }, { type: "code", tool_id: "x" }),
  }),
  fc.record({ type: fc.constant("web_search_tool_result"), tool_use_id: id, content: fc.jsonValue({ maxDepth: 2 }) }),
  fc.record({ type: fc.constantFrom("container_upload", "hologram"), file_id: words }),
);

// Cuts at UTF-16 units, also within a character, as JSON escapes let upstreams do.
function cut(text: string, sizes: readonly number[]): string[] {
  const pieces: string[] = [];
  for (let at = 0, turn = 0; at < text.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    pieces.push(text.slice(at, at + size));
    at += size;
  }
  return pieces;
}

function streamed(whole: Block, index: number, sizes: readonly number[]): unknown[] {
  const pieces = (type: string, member: string, text: string): object[] =>
    cut(text, sizes).map((piece) => ({ type, [member]: piece }));
  switch (whole["type"]) {
    case "text": {
      const cited = (whole["citations"] as object[]).map((one) => ({ type: "citations_delta", citation: one }));
      return block(index, { type: "text", text: "" }, ...pieces("text_delta", "text", whole["text"]), ...cited);
    }
    case "thinking": {
      const signature = whole["signature"] === "" ? [] : [{ type: "signature_delta", signature: whole["signature"] }];
      const start = { type: "thinking", thinking: "", signature: "" };
      return block(index, start, ...pieces("thinking_delta", "thinking", whole["thinking"]), ...signature);
    }
    case "tool_use":
    case "server_tool_use":
    case "mcp_tool_use": {
      const input = JSON.stringify(whole["input"]);
      return block(index, { ...whole, input: {} }, ...pieces("input_json_delta", "partial_json", input));
    }
    default:
      return block(index, whole);
  }
}

describe("streamDecoder and decodeResponse agree", () => {
  test("streamDecoder gives the same answer for any split, and decodeResponse for the whole", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(blocks, { maxLength: 6 }), sizes, (content, split) => {
        const whole = foldBody(bodyWith(content));
        const stream = (by: readonly number[]): unknown[] => [
          begin,
          ...content.flatMap((one, index) => streamed(one, index, by)),
          ...ending("end_turn"),
        ];
        expect(foldStream(stream(split))).toEqual(whole);
        expect(foldStream(stream([1000]))).toEqual(whole);
      }),
      { numRuns: 200 },
    );
  });

  test("streamDecoder answers any JSON with events in order or a typed error", () => {
    const leaf = fc.constantFrom<unknown>(null, true, 0, -1, 1e99, "", "x", "\ud83d", "{}", [], {}, [null], {
      text: 1,
    });
    const type = fc.constantFrom(
      "text",
      "thinking",
      "redacted_thinking",
      "tool_use",
      "web_search_tool_result",
      "compaction",
      "x",
    );
    const members = [
      "text",
      "citations",
      "thinking",
      "signature",
      "data",
      "id",
      "name",
      "input",
      "tool_use_id",
      "content",
      "caller",
      "is_error",
    ];
    const start = fc
      .tuple(
        fc.oneof(type, leaf),
        fc.dictionary(fc.constantFrom(...members), fc.oneof(leaf, fc.array(leaf, { maxLength: 2 })), { maxKeys: 5 }),
      )
      .map(([kind, more]) => ({ ...more, type: kind }));
    const deltaTypes = [
      "text_delta",
      "input_json_delta",
      "thinking_delta",
      "signature_delta",
      "citations_delta",
      "compaction_delta",
      "x",
    ];
    const deltaMembers = ["text", "partial_json", "thinking", "signature", "citation", "content"];
    const delta = fc
      .tuple(fc.constantFrom(...deltaTypes), fc.dictionary(fc.constantFrom(...deltaMembers), leaf, { maxKeys: 4 }))
      .map(([kind, more]) => ({ ...more, type: kind }));
    const usage = fc.dictionary(
      fc.constantFrom(
        "input_tokens",
        "output_tokens",
        "cache_creation",
        "iterations",
        "server_tool_use",
        "output_tokens_details",
      ),
      fc.oneof(leaf, fc.array(fc.dictionary(fc.constantFrom("type", "input_tokens", "model"), leaf), { maxLength: 2 })),
    );
    const wild = fc.tuple(fc.oneof(start, leaf), fc.array(fc.oneof(delta, leaf), { maxLength: 3 }), usage);
    fc.assert(
      fc.property(fc.array(wild, { maxLength: 4 }), (list) => {
        const events: StreamEvent[] = [];
        const decoder = anthropicMessages.streamDecoder(targetWith(), countingIds());
        const outcome = reasonThrown(() => {
          decoder.push(JSON.stringify(begin), events);
          for (const [index, [from, deltas, figures]] of list.entries()) {
            for (const event of block(index, from as object, ...(deltas as object[])))
              decoder.push(JSON.stringify(event), events);
            decoder.push(JSON.stringify({ type: "message_delta", delta: {}, usage: figures }), events);
          }
          for (const event of ending("end_turn")) decoder.push(JSON.stringify(event), events);
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
