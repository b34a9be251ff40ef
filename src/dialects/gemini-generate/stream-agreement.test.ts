import { toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventGrammar, StreamEventSchema, type StreamEvent } from "../../contract/index.ts";
import { geminiGenerate } from "./index.ts";
import { countingIds, foldBody, foldStream, piece, reasonThrown, targetWith } from "./target.fixture.ts";

type Wire = Record<string, unknown>;

const words = fc.string({ unit: "binary", maxLength: 30 });
const signature = fc.option(fc.constantFrom("c2ln", "AAAA"), { nil: undefined });
const args = fc.option(fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }), {
  nil: undefined,
});

const part: fc.Arbitrary<Wire> = fc.oneof(
  fc.record({ text: words, thoughtSignature: signature }),
  fc.record({ text: words, thought: fc.constant(true) }),
  fc.record({ functionCall: fc.record({ name: fc.constantFrom("f", "g"), args }), thoughtSignature: signature }),
  fc.record({ functionResponse: fc.record({ name: fc.constantFrom("f", "g") }) }),
  fc.record({
    inlineData: fc.record({
      mimeType: fc.constantFrom("image/png", "audio/L16"),
      data: fc.base64String({ maxLength: 12 }),
    }),
  }),
  fc.record({ executableCode: fc.record({ code: words }) }),
  fc.record({ codeExecutionResult: fc.record({ output: words }) }),
  fc.record({ toolCall: fc.record({ toolType: fc.constant("X") }), thoughtSignature: signature }),
  fc.record({ novelty: fc.integer() }),
);

// Text without a signature comes in pieces of any size, cut at UTF-16 units as JSON escapes let upstreams do.
function cut(wire: Wire, size: number): Wire[] {
  const { text } = wire;
  if (typeof text !== "string" || text === "" || wire["thoughtSignature"] !== undefined) return [wire];
  return Array.from({ length: Math.ceil(text.length / size) }, (_, at) => ({
    ...wire,
    text: text.slice(at * size, (at + 1) * size),
  }));
}

function streamOf(parts: readonly Wire[], size: number, perEvent: number): unknown[] {
  const pieces = parts.flatMap((one) => cut(one, size));
  const events = Array.from({ length: Math.ceil(pieces.length / perEvent) }, (_, at) =>
    piece(pieces.slice(at * perEvent, (at + 1) * perEvent)),
  );
  return [...events, piece([], "STOP")];
}

describe("streamDecoder and decodeResponse agree", () => {
  test("streamDecoder gives the same answer for any split, and decodeResponse for the whole", () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 3 }));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 7 }), sizes, (parts, [size, perEvent]) => {
        const whole = foldBody({ ...piece(parts, "STOP") });
        expect(foldStream(streamOf(parts, size, perEvent))).toEqual(whole);
        expect(foldStream(streamOf(parts, 1000, 100))).toEqual(whole);
      }),
      { numRuns: 300 },
    );
  });

  test("streamDecoder answers any JSON with events in order or a typed error", () => {
    const inner = fc.constantFrom(
      ..."text thought thoughtSignature name id args partialArgs willContinue jsonPath stringValue mimeType data fileUri code language outcome output toolType response parts".split(
        " ",
      ),
    );
    const leaf = fc.constantFrom<unknown>(null, true, 0, -1, 1e99, "", "x", "\ud83d", "$.a", [], {}, [null], {
      text: 1,
    });
    const object = fc.dictionary(
      inner,
      fc.oneof(leaf, fc.array(fc.dictionary(inner, leaf, { maxKeys: 3 }), { maxLength: 2 })),
      { maxKeys: 5 },
    );
    const kind = fc.constantFrom(
      ..."text inlineData fileData functionCall functionResponse executableCode codeExecutionResult toolCall toolResponse thought thoughtSignature audioTranscription novelty".split(
        " ",
      ),
    );
    const beside = fc.constantFrom(
      ..."finishMessage safetyRatings citationMetadata groundingMetadata urlContextMetadata logprobsResult continuationToken".split(
        " ",
      ),
    );
    const wild = fc.record({
      parts: fc.array(fc.oneof(leaf, fc.dictionary(kind, fc.oneof(leaf, object), { maxKeys: 3 })), { maxLength: 4 }),
      more: fc.dictionary(beside, fc.oneof(leaf, object), { maxKeys: 2 }),
    });
    fc.assert(
      fc.property(fc.array(wild, { maxLength: 4 }), (answers) => {
        const events: StreamEvent[] = [];
        const decoder = geminiGenerate.streamDecoder(targetWith(), { ...countingIds(), onUnknown: () => undefined });
        const outcome = reasonThrown(() => {
          for (const { parts, more } of answers) decoder.push(JSON.stringify(piece(parts, undefined, more)), events);
          decoder.push(JSON.stringify(piece([], "STOP")), events);
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
