import { describe, expect, test } from "vitest";
import { FinishReason } from "../../contract/index.ts";
import { jsonObjectTree } from "../json-tree.ts";
import { PartialArguments } from "./partial-arguments.ts";
import { foldStream, piece, reasonThrown, streamEvents } from "./target.fixture.ts";

const patch = (jsonPath: string, value: object, willContinue = false) => ({
  jsonPath,
  ...value,
  ...(willContinue ? { willContinue } : {}),
});

function assembled(...patches: object[]): string {
  const args = new PartialArguments();
  for (const one of patches) args.take(jsonObjectTree(JSON.stringify(one))!);
  return args.json(true);
}

describe("PartialArguments", () => {
  test("PartialArguments puts values at their paths, in the order in which they came", () => {
    expect(
      assembled(
        patch("$.b", { stringValue: "x\n" }, true),
        patch("$.a.list[0]", { numberValue: 1 }),
        patch("$.b", { stringValue: '"y' }),
        patch("$['a'][\"list\"][1].c", { boolValue: false }),
        patch("$.a['it\\'s']", { nullValue: "NULL_VALUE" }),
        patch("$.__proto__.x", { stringValue: "" }),
        patch("$.b2", { stringValue: "one" }),
        patch("$.b2", { stringValue: "two" }),
      ),
    ).toBe('{"b":"x\\n\\"y","a":{"list":[1,{"c":false}],"it\'s":null},"__proto__":{"x":""},"b2":"two"}');
  });

  test("PartialArguments keeps numbers as they were written", () => {
    const args = new PartialArguments();
    args.take(jsonObjectTree('{"jsonPath":"$.n","numberValue":9007199254740993}')!);
    expect(args.json(true)).toBe('{"n":9007199254740993}');
    expect(args.json(false)).toBe('{"n":9007199254740993');
  });

  test.each([
    [patch("a", { stringValue: "" })],
    [patch("$", { stringValue: "" })],
    [patch("$.", { stringValue: "" })],
    [patch("$..a", { stringValue: "" })],
    [patch("$[0]", { stringValue: "" })],
    [patch("$.a[5]", { stringValue: "" })],
    [patch("$.a[9999999]", { stringValue: "" })],
    [patch(`$${".a".repeat(65)}`, { stringValue: "" })],
    [patch("$.a", {})],
    [{ stringValue: "" }],
  ])("PartialArguments fails on %j", (one) => {
    expect(reasonThrown(() => assembled(one))).toBe("PROVIDER_BAD_OUTPUT");
  });

  test("PartialArguments fails where a value would have to be two things", () => {
    expect(reasonThrown(() => assembled(patch("$.a", { numberValue: 1 }), patch("$.a.b", { numberValue: 1 })))).toBe(
      "PROVIDER_BAD_OUTPUT",
    );
  });
});

describe("streamDecoder reads calls that come in pieces", () => {
  const open = { functionCall: { name: "f", id: "c1", willContinue: true }, thoughtSignature: "s" };
  const more = (value: string) => ({
    functionCall: { partialArgs: [patch("$.a", { stringValue: value }, true)], willContinue: true },
  });

  test("streamDecoder gives the call once it is whole, with its signature, and the next one after it", () => {
    const answer = foldStream([
      piece([open]),
      piece([more("x")]),
      piece([more("y")]),
      piece([{ functionCall: {} }]),
      piece([{ functionCall: { name: "g", partialArgs: [patch("$.b", { numberValue: 1 })] } }], "STOP"),
    ]);
    expect(answer.candidates[0]?.message?.parts).toMatchObject([
      {
        kind: { value: { callId: "c1", name: "f", argumentsInvalid: false, input: { value: '{"a":"xy"}' } } },
        state: [{ payload: { value: "s" } }],
      },
      { kind: { value: { name: "g", input: { value: '{"b":1}' } } } },
    ]);
    expect(answer.candidates[0]?.finish?.reason).toBe(FinishReason.TOOL_CALLS);
  });

  test("streamDecoder never shows a call that was cut as a whole one", () => {
    const [call] = foldStream([piece([open]), piece([more("x")], "MAX_TOKENS")]).candidates[0]?.message?.parts ?? [];
    expect(call?.kind.value).toMatchObject({ argumentsInvalid: true, input: { value: '{"a":"x"' } });
  });

  test("streamDecoder opens the block by id and name and adds the arguments", () => {
    const cases = streamEvents([piece([{ functionCall: { name: "f", args: { a: 1 } } }]), piece([], "STOP")]).map(
      ({ event }) => event.case,
    );
    expect(cases).toEqual(["started", "blockStarted", "blockDelta", "blockFinished", "candidateFinished", "completed"]);
  });
});
