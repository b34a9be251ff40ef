import fc from "fast-check";
import { expect, test } from "vitest";
import { openaiResponses } from "./index.ts";
import { eventsOf } from "./answer.fixture.ts";
import { answerOf, countingIds, foldBody, foldEvents, reasonThrown, targetWith } from "./target.fixture.ts";

const text = fc.string({ unit: fc.constantFrom("a", " ", "\n", "é", "漢", "😀", '"', "{", "\u0000"), maxLength: 12 });
const id = fc.nat(99).map((number) => `id_${number}`);

const note = fc.record({
  type: fc.constantFrom("url_citation", "file_citation", "new_kind"),
  url: fc.webUrl(),
  start_index: fc.nat(5),
  end_index: fc.nat(9),
});

const item = fc.oneof(
  fc.record({
    type: fc.constant("message"),
    id,
    role: fc.constant("assistant"),
    phase: fc.constantFrom(undefined, "commentary", "final_answer"),
    content: fc.array(
      fc.oneof(
        fc.record({ type: fc.constant("output_text"), text, annotations: fc.array(note, { maxLength: 2 }) }),
        fc.record({ type: fc.constant("refusal"), refusal: text }),
        fc.record({ type: fc.constant("output_hologram"), depth: fc.nat() }),
      ),
      { maxLength: 3 },
    ),
  }),
  fc.record({
    type: fc.constant("reasoning"),
    id,
    summary: fc.array(fc.record({ type: fc.constant("summary_text"), text }), { maxLength: 2 }),
    content: fc.array(fc.record({ type: fc.constant("reasoning_text"), text }), { maxLength: 2 }),
    encrypted_content: fc.constantFrom(null, "gAAAA"),
  }),
  fc.record({
    type: fc.constant("function_call"),
    id,
    call_id: id,
    name: fc.constantFrom("f", "g"),
    arguments: fc.constantFrom("", "{}", '{"a":1.0}', '{"a":'),
    namespace: fc.constantFrom(undefined, "tools"),
  }),
  fc.record({ type: fc.constant("custom_tool_call"), id, call_id: id, name: fc.constant("sql"), input: text }),
  fc.record({
    type: fc.constant("code_interpreter_call"),
    id,
    code: text,
    outputs: fc.array(fc.record({ type: fc.constant("logs"), logs: text }), { maxLength: 2 }),
  }),
  fc.record({
    type: fc.constant("web_search_call"),
    id,
    action: fc.record({ type: fc.constant("search"), query: text }),
  }),
  fc.record({ type: fc.constant("shell_call"), id, call_id: id, action: fc.constant({ commands: ["ls"] }) }),
  fc.record({ type: fc.constant("mcp_list_tools"), id, tools: fc.constant([]) }),
  fc.record({ type: fc.constant("surprise"), id, what: text }),
);

const answer = fc.array(item, { maxLength: 5 }).map((output) => answerOf(output as object[]));

test("openaiResponses folds a stream to the same answer as the whole, however its texts are cut", () => {
  fc.assert(
    fc.property(answer, fc.integer({ min: 1, max: 4 }), (whole, length) => {
      const pieces = (one: string): string[] => one.match(new RegExp(`[^]{1,${length}}`, "g")) ?? [];
      expect(foldEvents(eventsOf(whole, pieces))).toEqual(foldBody(whole));
    }),
    { numRuns: 300 },
  );
});

test("openaiResponses reads the same from deltas, from items alone and from the last event alone", () => {
  fc.assert(
    fc.property(answer, (whole) => {
      const all = eventsOf(whole, (one) => [one]);
      const types = (event: object): string => (event as { type: string }).type;
      const itemsOnly = all.filter((event) => /created|output_item|completed/.test(types(event)));
      const lastOnly = all.filter((event) => /created|completed/.test(types(event)));
      const expected = foldBody(whole);
      expect(foldEvents(itemsOnly)).toEqual(expected);
      expect(foldEvents(lastOnly)).toEqual(expected);
    }),
    { numRuns: 150 },
  );
});

// Places, ids and events that servers leave out.
const leniencies: readonly (readonly [string, (event: Record<string, unknown>) => object | undefined])[] = [
  ["no output_index", (event) => ({ ...event, output_index: undefined })],
  ["no ids", (event) => ({ ...event, item_id: undefined })],
  ["the same output_index for all items", (event) => ({ ...event, output_index: 0 })],
  ["ids made anew in every event", (event) => ({ ...event, item_id: Math.PI.toString() })],
  ["no items that begin", (event) => (event["type"] === "response.output_item.added" ? undefined : event)],
  ["no output in the last event", (event) => withoutOutput(event)],
];

function withoutOutput(event: Record<string, unknown>): object {
  const { response } = event as { response?: object };
  return response ? { ...event, response: { ...response, output: [] } } : event;
}

test.for(leniencies)("openaiResponses reads the stream of a server with %s", ([, change]) => {
  const whole = answerOf([
    { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "hm" }], encrypted_content: "gAAAA" },
    { type: "message", id: "msg_1", role: "assistant", content: [{ type: "output_text", text: "Hello" }] },
    { type: "function_call", id: "fc_1", call_id: "call_1", name: "f", arguments: '{"a":1}' },
    { type: "function_call", id: "fc_2", call_id: "call_2", name: "f", arguments: '{"a":2}' },
  ]);
  const events = eventsOf(whole, (one) => Array.from(one)).flatMap((event) => change({ ...event }) ?? []);
  expect(foldEvents(events)).toEqual(foldBody(whole));
});

test("openaiResponses ends any sequence of events typed or whole, never otherwise", () => {
  const piece = fc.oneof(
    answer.chain((whole) => fc.constantFrom(...eventsOf(whole, (one) => Array.from(one)))),
    fc.record({ type: fc.constantFrom("response.output_text.delta", "error", "x"), delta: fc.anything() }),
    fc.jsonValue().map((value) => ({ type: "response.output_item.done", item: value })),
    fc.jsonValue().map((value) => ({ type: "response.completed", response: value })),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (events) => {
      const decoder = openaiResponses.streamDecoder(targetWith(), countingIds());
      const outcome = reasonThrown(() => {
        for (const event of events) decoder.push(JSON.stringify(event), []);
        decoder.end([]);
      });
      expect(outcome).not.toContain("not typed");
    }),
    { numRuns: 500 },
  );
});
