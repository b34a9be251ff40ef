import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  BlockWriter,
  ChatRequestSchema,
  EventGrammar,
  FinishReason,
  OffsetUnit,
  candidateFinished,
  completed,
  fold,
  reasoningPart,
  started,
  textPart,
  toolCallPart,
  type Citation,
  type StreamEvent,
} from "../contract/index.ts";
import { compileContent } from "../policy/content/content-policy.ts";
import { passText } from "../policy/content/text-stream.ts";
import { AnswerFilter } from "./filter.ts";

const { output: rules } = compileContent([
  { name: "pii", on: "output", action: "mask", pii: ["email", "credit_card", "iban"] },
  { name: "keys", on: "output", action: "mask", pattern: "sk-[a-z0-9]{8,}", replacement: "[KEY]" },
])!;
const never = () => Promise.reject(new Error("there is no hook"));
const newFilter = () => new AnswerFilter(rules!, create(ChatRequestSchema, {}), never);

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** Passes events as reads of these sizes would bring them. */
function passed(events: readonly StreamEvent[], sizes: readonly number[]): StreamEvent[] {
  const filter = newFilter();
  const out: StreamEvent[] = [];
  let at = 0;
  for (const size of [...sizes, events.length]) {
    out.push(...filter.push(events.slice(at, at + size)).events);
    at += size;
  }
  return out;
}

const words = fc.constantFrom(
  ...'a sk- sk-12345678 me@example.com 4111-1111-1111-1111 4111 1111 🚢 é " \\ DE89370400440532013000 , .'.split(" "),
  " ",
  " ",
);
const text = fc.array(words, { maxLength: 12 }).map((list) => list.join(""));

test("deltas, parts and the whole say the same, whatever blocks interleave and wherever they are cut", () => {
  const piece = fc.tuple(fc.nat(2), fc.nat(9));
  fc.assert(
    fc.property(
      text,
      text,
      text,
      fc.array(piece, { maxLength: 60 }),
      fc.array(fc.nat(5), { maxLength: 30 }),
      (said, thought, argument, order, sizes) => {
        const events: StreamEvent[] = [started({})];
        const writer = new BlockWriter();
        const args = JSON.stringify({ a: argument });
        const left = [said, thought, args];
        const blocks = [textPart(""), reasoningPart(""), toolCallPart("c", "f", "")].map((part) =>
          writer.open(events, 0, part),
        );
        const take = (which: number, length: number): void => {
          const value = left[which]!.slice(0, length);
          left[which] = left[which]!.slice(length);
          const name = (["text", "reasoningText", "argumentsJson"] as const)[which]!;
          if (value !== "") writer.append(events, 0, blocks[which]!, { case: name, value });
        };
        for (const [which, length] of order) take(which, length);
        for (const which of [0, 1, 2]) take(which, Infinity);
        writer.closeAll(events);
        events.push(candidateFinished(0, FinishReason.STOP, "stop"), completed({}));

        const out = passed(events, sizes);
        const grammar = new EventGrammar();
        expect(out.map((event) => grammar.check(event)).filter((wrong) => wrong !== undefined)).toEqual([]);
        const expected = [said, thought, args].map(
          (whole, index) => passText(rules!.texts, index === 2 ? "json" : "plain", whole).text,
        );
        const streamed = blocks.map((block) =>
          out
            .map(({ event }) =>
              event.case === "blockDelta" && event.value.block === block ? textOf(event.value.delta.value) : "",
            )
            .join(""),
        );
        expect(streamed).toEqual(expected);
        const parts = fold(out).candidates[0]!.message!.parts.map(({ kind }) => kind);
        expect(parts[0]).toMatchObject({ value: { text: expected[0] } });
        expect((parts[1]!.value as { text: string[] }).text.join("")).toBe(expected[1]);
        expect(parts[2]).toMatchObject({ value: { input: { value: expected[2] } } });
        const isChanged = expected.join("\n") !== [said, thought, args].join("\n");
        expect(fold(out).adaptations.length > 0).toBe(isChanged);
      },
    ),
    { numRuns: 200 },
  );
});

const citation = (outputStart: number, outputEnd: number, more: Partial<Citation> = {}): Citation => ({
  $typeName: "parley.v1.Citation",
  outputStart,
  outputEnd,
  offsetUnit: OffsetUnit.CODE_POINTS,
  sourceIds: [],
  state: [],
  ...more,
});

test("citations of what is masked are left out, places behind it are not told, and state goes with what it seals", () => {
  const events: StreamEvent[] = [started({})];
  const writer = new BlockWriter();
  const block = writer.open(events, 0, textPart(""));
  writer.append(events, 0, block, { case: "text", value: "🚢 See me@example.com for more" });
  const cited = [
    citation(0, 5, { title: "before" }),
    citation(4, 10, { title: "of it" }),
    citation(21, 29, { title: "behind", nativeJson: '{"start":21}' }),
    citation(0, 1, { citedText: "written by me@example.com" }),
  ];
  for (const value of cited) writer.append(events, 0, block, { case: "citation", value });
  writer.append(events, 0, block, {
    case: "state",
    value: { $typeName: "parley.v1.OpaqueState", format: "x.y", payload: { case: "text", value: "sealed" } },
  });
  writer.closeAll(events);
  events.push(candidateFinished(0, FinishReason.STOP, "stop"), completed({}));
  const out = passed(events, []);
  const [part] = fold(out).candidates[0]!.message!.parts;
  expect(part).toMatchObject({ state: [], kind: { value: { text: "🚢 See [EMAIL] for more" } } });
  const kept = (part!.kind.value as { citations: Citation[] }).citations;
  expect(kept.map(({ title, outputStart, nativeJson }) => [title, outputStart, nativeJson])).toEqual([
    ["before", 0, undefined],
    ["behind", undefined, undefined],
  ]);
  const streamed = out.flatMap(({ event }) => (event.case === "blockDelta" ? [event.value.delta] : []));
  expect(streamed.filter((delta) => delta.case === "citation").map(({ value }) => value.title)).toEqual([
    "before",
    "behind",
  ]);
  expect(streamed.some((delta) => delta.case === "state")).toBe(false);
  expect(fold(out).adaptations.map(({ field }) => field.replace("candidates[0].message.parts[0].", ""))).toEqual([
    "text.text",
    "state",
    "text.citations",
  ]);
});

test("an answer may only go on elsewhere where nothing of a match can have left before", () => {
  const filter = newFilter();
  filter.push([started({})]);
  expect([filter.bars("Hello there "), filter.bars("Hello sk-"), filter.bars(undefined)]).toEqual([false, true, false]);
});
