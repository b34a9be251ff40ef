import { describe, expect, test } from "vitest";
import { answerOf, type AnswerPart, answerSteps, type Candidate, tokenCount, truncate, withCache } from "./answer.ts";
import type { Ask } from "./ask.ts";
import { storyText, storyTokens } from "./story.ts";
import { splitFragments, splitTokens } from "./tokens.ts";

const ask: Ask = {
  model: "story",
  stream: false,
  lastUserText: "",
  prefill: undefined,
  toolResults: [],
  tools: [],
  toolChoice: "auto",
  parallelToolCalls: true,
  reasons: true,
  output: { kind: "text" },
  candidates: 1,
  maxOutputTokens: undefined,
  stop: [],
  inputTokens: 7,
};

const text = (...tokens: string[]): AnswerPart => ({ kind: "text", tokens });
const first = (candidates: readonly Candidate[]) => candidates[0]?.parts.map((part) => part.tokens.join(""));

describe("answerOf", () => {
  test("counts what it says", () => {
    const answer = answerOf(ask, [{ kind: "reasoning", tokens: ["a", "b"] }, text("c")]);
    expect(answer.usage).toMatchObject({ inputTokens: 7, outputTokens: 3, reasoningTokens: 2 });
    expect(withCache(answer, 5, 5).usage).toMatchObject({ inputTokens: 7, cachedTokens: 5, cacheWrittenTokens: 2 });
  });

  test("ends at the earliest stop sequence, also inside a token", () => {
    const { candidates, usage } = answerOf({ ...ask, stop: ["zz", "o w"] }, [text("hello", " world", "zz")]);
    expect(first(candidates)).toEqual(["hell"]);
    expect(candidates[0]?.finish).toBe("stop");
    expect(usage?.outputTokens).toBe(1);
  });

  test("ends at the output limit with finish reason length", () => {
    const { candidates } = answerOf({ ...ask, maxOutputTokens: 2 }, [text("a", "b", "c")]);
    expect(first(candidates)).toEqual(["ab"]);
    expect(candidates[0]?.finish).toBe("length");
  });

  test("gives the calls of each candidate ids of their own", () => {
    const call: AnswerPart = { kind: "tool_call", id: "0000", name: "f", freeText: false, tokens: ["{}"] };
    const { candidates } = answerOf({ ...ask, candidates: 3 }, [call], "tool_calls");
    const ids = candidates.flatMap(({ parts }) => parts.map((part) => (part.kind === "tool_call" ? part.id : "")));
    expect(new Set(ids).size).toBe(3);
  });
});

test("answerSteps lets candidates take turns, and parts too where the answer is interleaved", () => {
  const said = (interleaved: boolean, candidates: number) =>
    [...answerSteps(answerOf({ ...ask, candidates }, [text("a", "b"), text("c", "d")], "stop", interleaved))]
      .flatMap((step) => (step.type === "token" ? [step.text] : []))
      .join("");
  expect(said(false, 1)).toBe("abcd");
  expect(said(true, 1)).toBe("acbd");
  expect(said(false, 2)).toBe("aabbccdd");
});

test("truncate leaves a candidate alone that is short enough", () => {
  const candidate = { parts: [text("a")], finish: "stop" };
  expect(truncate(candidate, 1, undefined)).toBe(candidate);
  expect(truncate(candidate, 0, undefined)).toEqual({ parts: [], finish: undefined });
});

describe("storyTokens", () => {
  test("number themselves, lead with white space and never end with it", () => {
    const tokens = storyTokens(125);
    tokens.forEach((token, index) => {
      expect(Number.parseInt(token.trimStart(), 10)).toBe(index + 1);
      expect(token).toBe(token.trimEnd());
    });
    expect(storyTokens()).toHaveLength(60);
    expect(storyText).toBe(storyTokens(60).join(""));
    expect(tokens.join("").startsWith(storyText)).toBe(true);
  });

  test("hold characters of two, three and four bytes", () => {
    const sizes = Array.from(storyText, (character) => Buffer.byteLength(character));
    expect(new Set(sizes)).toEqual(new Set([1, 2, 3, 4]));
  });
});

test("splitTokens and splitFragments lose nothing and break no character", () => {
  for (const words of ["", " ", "a  b\n", "🚢".repeat(40), `  ${"x".repeat(50)} y `, storyText]) {
    expect(splitTokens(words).join("")).toBe(words);
    expect(splitFragments(words).join("")).toBe(words);
    for (const piece of [...splitTokens(words), ...splitFragments(words)]) expect(piece.isWellFormed()).toBe(true);
  }
});

test("tokenCount counts all candidates", () => {
  expect(tokenCount(answerOf({ ...ask, candidates: 2 }, [text("a", "b")]))).toBe(4);
});
