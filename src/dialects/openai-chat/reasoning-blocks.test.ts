import { describe, expect, test } from "vitest";
import { chunk, foldChunks } from "./target.fixture.ts";

const stop = chunk({}, "stop");

describe("streamDecoder reads reasoning", () => {
  test.each(["reasoning_content", "reasoning"])("streamDecoder reads reasoning from %s", (member) => {
    const response = foldChunks([
      chunk({ [member]: "Hm" }),
      chunk({ [member]: "m", content: "" }),
      chunk({ content: "Yes" }),
      stop,
    ]);
    expect(response.candidates[0]?.message?.parts.map(({ kind }) => kind.case)).toEqual(["reasoning", "text"]);
    expect(response.candidates[0]?.message?.parts[0]?.kind.value).toMatchObject({ text: ["Hmm"] });
  });

  test("streamDecoder puts details together, once, with their signature as state", () => {
    const detail = { type: "reasoning.text", format: "anthropic-claude-v1", index: 0 };
    const response = foldChunks([
      chunk({ reasoning: "Hm", reasoning_details: [{ ...detail, text: "Hm" }] }),
      chunk({ reasoning: "m", reasoning_details: [{ ...detail, text: "m" }] }),
      chunk({ reasoning_details: [{ ...detail, signature: "sig" }] }),
      chunk({ reasoning_details: [{ type: "reasoning.encrypted", data: "xyz", index: 0 }] }),
      chunk({ reasoning_details: [{ type: "reasoning.encrypted", data: "uvw", index: 0 }] }),
      stop,
    ]);
    const parts = response.candidates[0]?.message?.parts ?? [];
    expect(parts.map(({ kind }) => kind.case === "reasoning" && kind.value.text)).toEqual([["Hmm"], [], []]);
    expect(
      parts.map(({ state }) => state.map(({ payload }) => JSON.parse(payload.value as string) as unknown)),
    ).toEqual([
      [{ ...detail, text: "Hmm", signature: "sig" }],
      [{ type: "reasoning.encrypted", data: "xyz", index: 0 }],
      [{ type: "reasoning.encrypted", data: "uvw", index: 0 }],
    ]);
  });
});
