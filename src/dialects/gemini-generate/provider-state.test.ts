import { describe, expect, test } from "vitest";
import { Executor, FinishReason, fold } from "../../contract/index.ts";
import { geminiGenerate } from "./index.ts";
import {
  assistant,
  call,
  encode,
  encodeMessages,
  foreign,
  mine,
  result,
  state,
  text,
  tools,
  user,
  type MessageInit,
  type PartInit,
} from "./request.fixture.ts";
import { countingIds, foldBody, piece, streamEvents, targetWith } from "./target.fixture.ts";

const thought = (origin: object | undefined, signature?: string): MessageInit => ({
  ...assistant(
    { kind: { case: "reasoning", value: { text: ["Hm"] } }, ...(signature ? { state: state(signature, origin) } : {}) },
    text("a"),
  ),
  ...(origin ? { origin } : {}),
});

describe("encode sends state back to its origin only, on the very part", () => {
  test("encode puts each signature on the part that it came with", () => {
    const source = { case: "inline", value: new Uint8Array([1]) } as const;
    const drawn: PartInit = {
      kind: { case: "media", value: { modality: 2, mimeType: "image/png", source } },
      state: state("s4"),
    };
    const { contents, adaptations } = encodeMessages([
      user(text("Hi")),
      assistant(
        { kind: { case: "reasoning", value: { text: ["Hm", "."] } }, state: state("s1") },
        { ...text("b"), state: state("s2") },
        { ...call("c1"), state: state("s3") },
        call("c2"),
        drawn,
        { state: state("s5") },
      ),
    ]);
    expect((contents[1] as { parts: unknown[] }).parts).toEqual([
      { text: "Hm.", thought: true, thoughtSignature: "s1" },
      { text: "b", thoughtSignature: "s2" },
      { functionCall: { id: "c1", name: "f", args: {} }, thoughtSignature: "s3" },
      { functionCall: { id: "c2", name: "f", args: {} } },
      { inlineData: { mimeType: "image/png", data: "AQ==" }, thoughtSignature: "s4" },
      { text: "", thoughtSignature: "s5" },
    ]);
    expect(adaptations).toEqual([]);
  });

  test.each([
    ["another provider", { ...mine, provider: "other" }],
    ["another model", { ...mine, model: "m2" }],
    ["another dialect", foreign],
  ])("encode leaves state and reasoning of %s out, and tells", (_story, origin) => {
    const { contents, adaptations } = encodeMessages([user(text("Hi")), thought(origin, "sig")]);
    expect(contents[1]).toEqual({ role: "model", parts: [{ text: "a" }] });
    expect(adaptations.map(({ field }) => field)).toEqual(["messages[1].parts[0].state", "messages[1].parts[0]"]);
    for (const { reason } of adaptations) expect(reason).toMatch(/^STATE_NOT_PORTABLE: /);
  });

  test("encode sends the model's own reasoning back without a signature, and none of an unknown model", () => {
    const own = encodeMessages([user(text("Hi")), thought(mine)]);
    expect(own.contents[1]).toEqual({ role: "model", parts: [{ text: "Hm", thought: true }, { text: "a" }] });
    const unknown = encodeMessages([user(text("Hi")), thought(undefined)]);
    expect(unknown.contents[1]).toEqual({ role: "model", parts: [{ text: "a" }] });
    expect(unknown.adaptations[0]?.reason).toContain("an unknown model");
  });

  test("encode leaves reasoning of nothing out without a word", () => {
    const empty: PartInit = { kind: { case: "reasoning", value: {} } };
    for (const origin of [mine, foreign]) {
      const { contents, adaptations } = encodeMessages([user(text("Hi")), { ...assistant(empty, text("a")), origin }]);
      expect([contents[1], adaptations]).toEqual([{ role: "model", parts: [{ text: "a" }] }, []]);
    }
  });

  test("encode leaves state in an unknown format out", () => {
    const { body, adaptations } = encodeMessages([
      user(text("Hi")),
      assistant({ ...text("a"), state: state("x", mine, "gemini-generate.other") }),
    ]);
    expect(body).not.toContain('"x"');
    expect(adaptations).toHaveLength(1);
  });
});

describe("encode stands in for signatures that a model demands", () => {
  const strict = targetWith({ signature_check: true });
  const signed = (messages: MessageInit[], target = strict) => {
    const { contents, adaptations } = encodeMessages(messages, target);
    const parts = contents.flatMap(
      (content) => (content as { parts: { functionCall?: object; thoughtSignature?: string }[] }).parts,
    );
    return [parts.filter((part) => part.functionCall).map((part) => part.thoughtSignature), adaptations.length];
  };
  const stand = "skip_thought_signature_validator";

  test.each([
    [
      "each step of the current turn, its first call only",
      [
        user(text("Hi")),
        assistant(call("a"), call("b")),
        tools(result("a"), result("b")),
        assistant(call("c")),
        tools(result("c")),
      ],
      [stand, undefined, stand],
      1,
    ],
    [
      "a turn that the provider's own results go on with",
      [user(text("Hi")), assistant(call("a")), user(result("a"))],
      [stand],
      1,
    ],
    [
      "no earlier turn",
      [user(text("Hi")), assistant(call("a")), tools(result("a")), assistant(text("x")), user(text("So"))],
      [undefined],
      0,
    ],
    [
      "no call that has its own",
      [user(text("Hi")), assistant({ ...call("a"), state: state("own") }, call("b"))],
      ["own", undefined],
      0,
    ],
  ])("encode stands in for %s", (_story, messages, signatures, told) => {
    expect(signed(messages)).toEqual([signatures, told]);
    expect(signed(messages, targetWith())[0]).not.toContain(stand);
  });

  test("encode replaces a foreign signature and tells both", () => {
    const messages = [
      user(text("Hi")),
      assistant({ ...call("a"), state: state("theirs", foreign) }),
      tools(result("a")),
    ];
    expect(signed(messages)).toEqual([[stand], 2]);
    expect(encodeMessages(messages, strict).adaptations[1]).toMatchObject({ quirkId: "T1", appliedJson: `"${stand}"` });
  });
});

describe("encode sends steps of the provider's own tools back word for word", () => {
  const parts = [
    {
      toolCall: { id: "t1", toolType: "FILE_SEARCH", args: { q: 9007199254740993n.toString() } },
      thoughtSignature: "s1",
    },
    { toolResponse: { id: "t1", toolType: "FILE_SEARCH", response: { z: 1, a: 2 } } },
    { executableCode: { language: "PYTHON", code: "print(1)" } },
    { codeExecutionResult: { outcome: "OUTCOME_FAILED", output: "1\n" } },
    { functionCall: { name: "mcp", args: { x: 1 } } },
    { functionResponse: { name: "mcp", response: { y: 2 } } },
    { novelty: { b: 1, a: 2 }, thoughtSignature: "s2" },
    { text: "Done" },
  ];
  const answer = foldBody(piece(parts, "STOP", { groundingMetadata: { webSearchQueries: ["q"] } }));
  const message = answer.candidates[0]?.message;

  test("decodeResponse shows none of them as the caller's calls", () => {
    expect(answer.candidates[0]?.finish?.reason).toBe(FinishReason.STOP);
    const kinds = message?.parts.map(({ kind }) =>
      kind.case === "toolCall" || kind.case === "toolResult"
        ? [kind.case, kind.value.executor, kind.value.nativeType]
        : [kind.case],
    );
    expect(kinds).toEqual([
      ["toolCall", Executor.PROVIDER, "toolCall"],
      ["toolResult", Executor.PROVIDER, "toolResponse"],
      ["toolCall", Executor.PROVIDER, "executableCode"],
      ["toolResult", Executor.PROVIDER, "codeExecutionResult"],
      ["toolCall", Executor.PROVIDER, "functionCall"],
      ["toolResult", Executor.PROVIDER, "functionResponse"],
      ["opaque"],
      ["text"],
      ["opaque"],
    ]);
    const ran = message?.parts[3]?.kind.value;
    expect(ran).toMatchObject({ isError: true, nativeJson: JSON.stringify(parts[3]?.codeExecutionResult) });
    const ids = message?.parts.flatMap(({ kind }) =>
      kind.case === "toolCall" || kind.case === "toolResult" ? [kind.value.callId] : [],
    );
    expect(ids).toEqual(["t1", "t1", "call_1", "call_1", "call_2", "call_2"]);
  });

  test("encode returns exactly these parts to their maker", () => {
    const { contents, adaptations } = encodeMessages([user(text("Hi")), message as MessageInit, user(text("So"))]);
    expect(contents[1]).toEqual({ role: "model", parts });
    expect(adaptations).toEqual([]);
  });

  test("encode keeps them from everybody else, and tells", () => {
    const { contents, adaptations } = encodeMessages([user(text("Hi")), message as MessageInit, user(text("So"))], {
      ...targetWith(),
      model: "m2",
    });
    expect(contents[1]).toEqual({ role: "model", parts: [{ text: "Done" }] });
    expect(new Set(adaptations.map(({ reason }) => reason.split(":")[0]))).toEqual(new Set(["STATE_NOT_PORTABLE"]));
  });
});

describe("encode goes on with an answer that stopped to be continued", () => {
  const stopped = fold(streamEvents([piece([{ text: "Once" }], "CONTINUATION", { continuationToken: "tok" })]))
    .candidates[0];

  test("decode says that the answer pauses and keeps the token", () => {
    expect(stopped?.finish?.reason).toBe(FinishReason.PAUSED);
    expect(stopped?.message?.parts[1]?.state[0]).toMatchObject({
      format: "gemini-generate.continuation_token",
      payload: { value: "tok" },
    });
  });

  test("encode sends the same request with the token, without what was said so far", () => {
    const messages = [user(text("Hi")), stopped?.message as MessageInit];
    expect(JSON.parse(encode({ messages }).body)).toEqual({
      contents: [{ role: "user", parts: [{ text: "Hi" }] }],
      continuationToken: "tok",
    });
    const elsewhere = encode({ messages }, { ...targetWith(), model: "m2" });
    expect(JSON.parse(elsewhere.body)).toMatchObject({ contents: [{ role: "user" }, { role: "model" }] });
    expect(elsewhere.adaptations).toHaveLength(1);
  });

  test("encode goes on from the last of several stops", () => {
    const again = fold(streamEvents([piece([{ text: " upon" }], "CONTINUATION", { continuationToken: "tok2" })]));
    const messages = [user(text("Hi")), stopped?.message, again.candidates[0]?.message] as MessageInit[];
    expect(JSON.parse(encode({ messages }).body)).toEqual({
      contents: [{ role: "user", parts: [{ text: "Hi" }] }],
      continuationToken: "tok2",
    });
  });

  test("encode sends what was said, and no token, once the user has gone on", () => {
    const { body, adaptations } = encode({
      messages: [user(text("Hi")), stopped?.message as MessageInit, user(text("So"))],
    });
    expect(JSON.parse(body)).toMatchObject({
      contents: [{ role: "user" }, { role: "model", parts: [{ text: "Once" }] }, { role: "user" }],
    });
    expect(body).not.toContain("tok");
    expect(adaptations).toEqual([]);
  });
});

test("encode returns a streamed turn of reasoning, calls and signatures exactly", () => {
  const turn = [
    piece([{ text: "Let me ", thought: true }]),
    piece([{ text: "see", thought: true }]),
    piece([{ text: "I look. " }]),
    piece([
      { functionCall: { name: "f", args: { a: 1 }, id: "c1" }, thoughtSignature: "s1" },
      { functionCall: { name: "g", args: {}, id: "c2" } },
    ]),
    piece([{ text: "", thoughtSignature: "s2" }], "STOP"),
  ];
  const message = fold(streamEvents(turn, targetWith(), countingIds())).candidates[0]?.message;
  const { contents } = encodeMessages([user(text("Hi")), message as MessageInit, tools(result("c1"), result("c2"))]);
  expect((contents[1] as { parts: unknown[] }).parts).toEqual([
    { text: "Let me see", thought: true },
    { text: "I look. " },
    { functionCall: { id: "c1", name: "f", args: { a: 1 } }, thoughtSignature: "s1" },
    { functionCall: { id: "c2", name: "g", args: {} } },
    { text: "", thoughtSignature: "s2" },
  ]);
  expect(geminiGenerate.id).toBe("gemini-generate");
});
