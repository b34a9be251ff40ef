import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { surelyValid } from "./fast-rules.ts";
import { ChatRequestSchema, Role, textPart, toolCallPart, violations } from "./index.ts";

type Init = MessageInitShape<typeof ChatRequestSchema>;

const hello: Init = { model: "m", messages: [{ role: Role.USER, parts: [textPart("hello")] }] };

describe("surelyValid", () => {
  test("is sure of everyday requests, so that they skip the full validator", () => {
    const requests: Init[] = [
      hello,
      { ...hello, sampling: { temperature: 0, topP: 1, maxOutputTokens: 5, stop: ["a"], logitBias: { "5": -100 } } },
      { ...hello, messages: [{ role: Role.ASSISTANT, parts: [toolCallPart("c", "f", "{}")] }] },
      {
        ...hello,
        tools: [{ kind: { case: "function", value: { name: "f", parametersJson: "{}" } } }],
        toolChoice: { mode: 1 },
      },
      {
        ...hello,
        metadata: { a: "b" },
        tags: { team: "x" },
        routing: { fallbackModels: ["x/y"], constraints: { regions: ["eu"] } },
      },
      { ...hello, output: { format: { case: "jsonSchema", value: { name: "n", schemaJson: "{}" } }, modalities: [1] } },
    ];
    for (const init of requests) expect(surelyValid(ChatRequestSchema, create(ChatRequestSchema, init))).toBe(true);
  });

  test("is never sure of a message that the full validator refuses", () => {
    const full = createValidator();
    const text = fc.oneof(
      fc.constant(""),
      fc.string({ maxLength: 5 }),
      fc.constant("😀".repeat(200)),
      fc.constant("x".repeat(300)),
    );
    const number = fc.oneof(
      fc.double({ min: -3, max: 3, noNaN: true }),
      fc.constant(Number.NaN),
      fc.constant(Infinity),
    );
    const list = (max: number) => fc.array(text, { maxLength: max });
    const part = fc.record({
      role: fc.integer({ min: 0, max: 7 }),
      parts: fc.array(text.map(textPart), { maxLength: 2 }),
      name: text,
    });
    const tool = fc.record({
      kind: fc.record({ case: fc.constant("function" as const), value: fc.record({ name: text }) }),
    });
    const sampling = {
      temperature: number,
      topP: number,
      minP: number,
      repetitionPenalty: number,
      candidates: fc.nat(200),
      topLogprobs: fc.nat(30),
      stop: list(70),
      logitBias: fc.dictionary(fc.string(), number),
    };
    const constraints = fc.record({
      maxInputNanoUsdPerMillionTokens: fc.bigInt({ min: -2n, max: 2n }),
      regions: list(70),
    });
    const routing = { maxAttempts: fc.nat(9), fallbackModels: list(20), rankBy: fc.nat(6), constraints };
    const fields = {
      model: text,
      messages: fc.array(part, { maxLength: 2 }),
      tools: fc.array(fc.oneof(tool, fc.constant({})), { maxLength: 2 }),
      sampling: fc.record(sampling, { requiredKeys: [] }),
      routing: fc.record(routing, { requiredKeys: [] }),
      delivery: fc.nat(7),
      metadata: fc.dictionary(text, text),
      endUserId: text,
    };
    // One field at a time: requests of which every field is random are never valid.
    const request = fc.oneof(
      ...Object.entries(fields).map(([name, value]) =>
        (value as fc.Arbitrary<unknown>).map((one) => ({ ...hello, [name]: one })),
      ),
    );
    let sure = 0;
    fc.assert(
      fc.property(request, (init) => {
        const message = create(ChatRequestSchema, init as Init);
        if (!surelyValid(ChatRequestSchema, message)) return;
        sure += 1;
        expect(full.validate(ChatRequestSchema, message).kind).toBe("valid");
      }),
      { numRuns: 3000 },
    );
    expect(sure).toBeGreaterThan(100);
  });
});

describe("violations", () => {
  test.each<[string, Init, string]>([
    ["no messages", { model: "m" }, "messages"],
    ["a role that is not told", { ...hello, messages: [{ parts: [textPart("x")] }] }, "messages[0].role"],
    ["a tool without a kind", { ...hello, tools: [{}] }, "tools[0].kind"],
    ["a temperature of 3", { ...hello, sampling: { temperature: 3 } }, "sampling.temperature"],
    [
      "a name with blanks",
      { ...hello, tools: [{ kind: { case: "function", value: { name: "a b" } } }] },
      "tools[0].function.name",
    ],
    ["an empty stop", { ...hello, sampling: { stop: ["a", ""] } }, "sampling.stop[1]"],
    ["a key that is too long", { ...hello, metadata: { ["k".repeat(65)]: "v" } }, `metadata["${"k".repeat(65)}"]`],
  ])("names the field of %s", (_name, init, field) => {
    const [first] = violations(ChatRequestSchema, create(ChatRequestSchema, init));
    expect(first?.field).toBe(field);
    expect(first?.message).not.toBe("");
  });
});
