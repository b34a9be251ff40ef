import { describe, expect, test } from "vitest";
import { bodyOf, encode, type RequestInit } from "./request.fixture.ts";

describe("encode merges raw parameters", () => {
  const raw = (json: string, more: object = {}): RequestInit => ({
    rawParams: [{ json, dialect: "openai-chat", ...more }],
  });

  test("encode keeps their text, and null removes nothing that is not there", () => {
    const { body } = encode(raw('{"chat_template_kwargs": {"b":1,"a":12345678901234567890}, "gone": null}'));
    expect(body).toContain('"chat_template_kwargs":{"b":1,"a":12345678901234567890}');
    expect(body).not.toContain("gone");
  });

  test.each([
    [{ provider: "house" }, true],
    [{ provider: "house", dialect: undefined }, true],
    [{ provider: "other" }, false],
    [{ provider: "house", dialect: "gemini-generate" }, false],
    [{ dialect: "gemini-generate" }, false],
  ])("encode merges them for %j: %s", (scope, merged) => {
    const { dialect, ...rest } = { dialect: "openai-chat" as string | undefined, ...scope };
    const init: RequestInit = {
      rawParams: [{ json: '{"x":1}', ...(dialect === undefined ? {} : { dialect }), ...rest }],
    };
    expect("x" in bodyOf(init)).toBe(merged);
  });

  test.each(['{"model":"x"}', '{"\\u006dessages":[]}', '{"temperature":1}', "[]", "{", '{"stream_options":{}}'])(
    "encode refuses %s",
    (json) => {
      expect(() => encode(raw(json))).toThrow(expect.objectContaining({ field: "raw_params[0].json", reason: 1 }));
    },
  );

  test("encode writes __proto__ as a plain member", () => {
    expect(encode(raw('{"__proto__":{"a":1}}')).body).toContain('"__proto__":{"a":1}');
  });
});
