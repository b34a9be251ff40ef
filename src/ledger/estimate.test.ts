import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ChatRequestSchema, Modality, Role, UsageSchema, UsageSource, type Part } from "../contract/index.ts";
import { estimateUsage, inputSize, inputTokensUpperBound } from "./estimate.ts";

function request(parts: MessageInitShape<typeof ChatRequestSchema>["messages"] | string, more = {}) {
  const messages =
    typeof parts === "string"
      ? [{ role: Role.USER, parts: [{ kind: { case: "text" as const, value: { text: parts } } }] }]
      : parts!;
  return create(ChatRequestSchema, { model: "m", messages, ...more });
}

const media = (modality: Modality, source: object) =>
  request([{ role: Role.USER, parts: [{ kind: { case: "media", value: { modality, source } } } as unknown as Part] }]);

const empty = inputTokensUpperBound(request(""));

describe("inputTokensUpperBound", () => {
  test.each([
    ["ASCII", "hello world", 11],
    ["two-byte letters", "grüße", 7],
    ["CJK", "你好", 6],
    ["an emoji", "🚢", 4],
  ])("counts the UTF-8 bytes of %s", (_, text, bytes) => {
    expect(inputTokensUpperBound(request(text)) - empty).toBe(bytes);
  });

  test("counts everything that a provider reads: tools, schemas, calls, results, state, raw parameters", () => {
    const long = "x".repeat(1_000);
    const text = (value: string) => ({ kind: { case: "text" as const, value: { text: value } } });
    const whole = request(
      [
        { role: Role.ASSISTANT, parts: [{ kind: { case: "reasoning", value: { text: [long], summary: [long] } } }] },
        {
          role: Role.ASSISTANT,
          name: long,
          parts: [
            {
              kind: {
                case: "toolCall",
                value: { callId: "c", name: "f", input: { case: "argumentsJson", value: long } },
              },
              state: [{ format: "x", payload: { case: "text", value: long } }],
            },
            { kind: { case: "opaque", value: { json: long } } },
            { kind: { case: "refusal", value: { text: long } } },
          ],
        },
        {
          role: Role.TOOL,
          parts: [
            { kind: { case: "toolResult", value: { callId: "c", content: [text(long)] } } },
            { kind: { case: "searchResult", value: { title: "t", content: [text(long)] } } },
          ],
        },
      ],
      {
        tools: [
          { kind: { case: "function", value: { name: "f", description: long, parametersJson: long } } },
          { kind: { case: "custom", value: { name: "g", grammar: { syntax: "lark", definition: long } } } },
          { kind: { case: "native", value: { dialect: "d", type: "t", definitionJson: long } } },
        ],
        output: { format: { case: "jsonSchema", value: { name: "s", schemaJson: long } } },
        rawParams: [{ json: long }],
        prediction: [text(long)],
      },
    );
    const bound = inputTokensUpperBound(whole);
    expect(bound).toBeGreaterThan(16_000);
    expect(bound).toBeLessThan(18_000);
  });

  test("counts what providers tell a model of tools and schemas, which is billed too", () => {
    const tools = [{ kind: { case: "function" as const, value: { name: "f" } } }];
    expect(inputTokensUpperBound(request("", { tools })) - empty).toBeGreaterThan(1_000);
    const format = { case: "jsonSchema" as const, value: { name: "s", schemaJson: "{}" } };
    expect(inputTokensUpperBound(request("", { output: { format } })) - empty).toBeGreaterThan(1_000);
  });

  test.each([
    ["an image, whatever its size", Modality.IMAGE, { case: "url", value: "https://example.com/a.png" }, 48_169],
    ["sound by its bytes", Modality.AUDIO, { case: "inline", value: new Uint8Array(32_000) }, 1_000],
    ["a document by its bytes", Modality.DOCUMENT, { case: "inline", value: new Uint8Array(5_000) }, 5_000],
    ["a document's text by its bytes", Modality.DOCUMENT, { case: "text", value: "x".repeat(5_000) }, 5_000],
    ["a document behind an address", Modality.DOCUMENT, { case: "file", value: { id: "f" } }, 1_000_000],
  ])("covers %s", (_, modality, source, tokens) => {
    const bound = inputTokensUpperBound(media(modality, source)) - empty;
    expect(bound).toBeGreaterThanOrEqual(tokens);
    expect(bound).toBeLessThan(tokens * 1.1);
  });

  test("is never below the likely figure", () => {
    for (const one of [request(""), request("hello"), media(Modality.IMAGE, { case: "url", value: "x" })]) {
      const { upperBound, likely, least } = inputSize(one);
      expect(likely).toBeGreaterThan(0);
      expect(upperBound).toBeGreaterThanOrEqual(likely);
      expect(least).toBeLessThanOrEqual(likely);
    }
  });

  test("the least counts a sixteenth of the text, and nothing of media and state", () => {
    expect(inputSize(request("x".repeat(16_000))).least).toBe(1_000);
    expect(inputSize(media(Modality.IMAGE, { case: "url", value: "x" })).least).toBe(0);
  });
});

describe("estimateUsage", () => {
  const known = { outputChars: 301, inputTokensUpperBound: 900 };

  test("estimates everything where nothing was told: a third of the bound, three characters a token", () => {
    expect(estimateUsage({ ...known, reported: undefined })).toMatchObject({
      inputTokens: 300,
      outputTokens: 101,
      source: UsageSource.ESTIMATED,
      balanced: true,
    });
    expect(estimateUsage({ ...known, reported: undefined, likelyInputTokens: 250 }).inputTokens).toBe(250);
  });

  test("completes what a provider told before the end, and never lowers it", () => {
    const partial = (figures: object) => create(UsageSchema, { source: UsageSource.PARTIAL, ...figures });
    const early = partial({ inputTokens: 40, cacheReadTokens: 7, outputTokens: 1, reportedTotalTokens: 48 });
    expect(estimateUsage({ ...known, reported: early })).toMatchObject({
      inputTokens: 40,
      cacheReadTokens: 7,
      outputTokens: 101,
      source: UsageSource.PARTIAL,
      balanced: true,
    });
    expect(estimateUsage({ ...known, reported: early }).reportedTotalTokens).toBeUndefined();
    expect(early.outputTokens).toBe(1);
    const late = partial({ inputTokens: 40, outputTokens: 500 });
    expect(estimateUsage({ ...known, reported: late }).outputTokens).toBe(500);
    const reasoned = partial({ inputTokens: 40, outputTokens: 0, reasoningTokens: 90 });
    expect(estimateUsage({ ...known, reported: reasoned })).toMatchObject({ outputTokens: 11, reasoningTokens: 90 });
    expect(estimateUsage({ ...known, reported: partial({ outputTokens: 1 }) }).inputTokens).toBe(300);
  });

  test("keeps final figures as they are, zeros included", () => {
    const reported = create(UsageSchema, { inputTokens: 0, outputTokens: 0, source: UsageSource.REPORTED });
    expect(estimateUsage({ ...known, reported })).toBe(reported);
  });
});
