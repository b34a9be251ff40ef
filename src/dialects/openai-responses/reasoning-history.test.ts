import { describe, expect, test } from "vitest";
import {
  adaptationsOf,
  assistant,
  call,
  foreign,
  inputOf,
  mine,
  state,
  text,
  type PartInit,
} from "./request.fixture.ts";
import { targetWith } from "./target.fixture.ts";

function thought(more: Partial<PartInit> & { text?: string[]; summary?: string[] } = {}): PartInit {
  const { text: texts = [], summary = [], ...rest } = more;
  return { id: "rs_1", kind: { case: "reasoning", value: { text: texts, summary } }, ...rest };
}

const encrypted = state("encrypted_content", "gAAAAB+/=");

describe("encodeReasoningItem", () => {
  test("encodeReasoningItem sends encrypted reasoning back byte for byte, without its id", () => {
    expect(inputOf([assistant(thought({ summary: ["s"], state: encrypted }), call("c1"))])).toEqual([
      { type: "reasoning", summary: [{ type: "summary_text", text: "s" }], encrypted_content: "gAAAAB+/=" },
      { type: "function_call", call_id: "c1", name: "f", arguments: "{}" },
    ]);
  });

  test("encodeReasoningItem sends reasoning that shows nothing, for its state is what counts", () => {
    expect(inputOf([assistant(thought({ state: encrypted }), text("a"))])).toEqual([
      { type: "reasoning", summary: [], encrypted_content: "gAAAAB+/=" },
      { role: "assistant", content: "a" },
    ]);
  });

  test("encodeReasoningItem keeps what a gateway behind the API wants back", () => {
    const members = [...encrypted, ...state("item_members", '{"format":"google-gemini-v1"}')];
    expect(inputOf([assistant(thought({ state: members }), text("a"))])).toMatchObject([
      { type: "reasoning", encrypted_content: "gAAAAB+/=", format: "google-gemini-v1" },
      {},
    ]);
  });

  test("encodeReasoningItem keeps state and text of another model out, and says so", () => {
    const strange = thought({ text: ["secret"], state: state("encrypted_content", "gBBB", foreign) });
    const messages = [assistant(strange, text("a"))];
    expect(inputOf(messages)).toEqual([{ role: "assistant", content: "a" }]);
    expect(adaptationsOf({ messages })).toEqual([
      "messages[0].parts[0].state: STATE_NOT_PORTABLE: state of other/g1 is not sent to house/m1",
      "messages[0].parts[0]: STATE_NOT_PORTABLE: reasoning of other/g1 is not sent to house/m1",
    ]);
  });

  test.each([{ provider: "elsewhere" }, { model: "m2" }, { dialect: "openai-chat" }])(
    "encodeReasoningItem keeps state of the same maker but for %j out",
    (other) => {
      const sealed = state("encrypted_content", "gBBB", { ...mine, ...other });
      const messages = [assistant(thought({ state: sealed }), text("a"))];
      expect(inputOf(messages)).toEqual([{ role: "assistant", content: "a" }]);
      expect(adaptationsOf({ messages })[0]).toContain("STATE_NOT_PORTABLE");
    },
  );

  test("encodeReasoningItem leaves reasoning without state out, unless the server takes text", () => {
    const messages = [{ ...assistant(thought({ text: ["t"], summary: ["s"] }), text("a")), origin: mine }];
    expect(inputOf(messages)).toEqual([{ role: "assistant", content: "a" }]);
    expect(adaptationsOf({ messages })).toEqual([
      "messages[0].parts[0]: reasoning goes back only with its encrypted state, which is not there",
    ]);
    expect(inputOf(messages, targetWith({ reasoning_history: "text" }))).toEqual([
      {
        type: "reasoning",
        summary: [{ type: "summary_text", text: "s" }],
        content: [{ type: "reasoning_text", text: "t" }],
      },
      { role: "assistant", content: "a" },
    ]);
    const strangers = [{ ...messages[0], origin: foreign }];
    expect(inputOf(strangers, targetWith({ reasoning_history: "text" }))).toEqual([
      { role: "assistant", content: "a" },
    ]);
  });

  test("encodeReasoningItem sends nothing where the server takes no reasoning", () => {
    const messages = [assistant(thought({ state: encrypted }), text("a"))];
    const target = targetWith({ reasoning_history: "none" });
    expect(inputOf(messages, target)).toEqual([{ role: "assistant", content: "a" }]);
    expect(adaptationsOf({ messages }, target)).toEqual([
      "messages[0].parts[0]: the provider takes no reasoning of earlier turns; it was left out",
    ]);
  });

  test("AssistantItems drops reasoning that nothing came of, since the format wants what it led to", () => {
    const messages = [assistant(text("a"), thought({ state: encrypted }))];
    expect(inputOf(messages)).toEqual([{ role: "assistant", content: "a" }]);
    expect(adaptationsOf({ messages })).toEqual([
      "messages[0].parts: reasoning that nothing came of cannot be sent back",
    ]);
    expect(inputOf([assistant(thought({ state: encrypted })), assistant(call("c1"))])).toHaveLength(2);
  });
});
