import { expect, test } from "vitest";
import { encode, type RequestInit } from "./request.fixture.ts";
import { reasonThrown } from "./target.fixture.ts";

const raw = (json: string, more: object = { dialect: "anthropic-messages" }): RequestInit => ({
  rawParams: [{ json, ...more }],
});

test("encode merges raw parameters as they were written, and null removes", () => {
  const { body } = encode({ endUserId: "u", ...raw('{"container":{"n":9007199254740993},"inference_geo":"us"}') });
  expect(body).toContain('"container":{"n":9007199254740993},"inference_geo":"us"');
  expect(encode({ serviceTier: "x", ...raw('{"container":null}') }).body).not.toContain("container");
});

test.each([
  [{ provider: "house" }, true],
  [{ provider: "house", dialect: "anthropic-messages" }, true],
  [{ provider: "house", dialect: "openai-chat" }, false],
  [{ provider: "other", dialect: "anthropic-messages" }, false],
  [{ dialect: "openai-chat" }, false],
])("encode takes raw parameters for %j: %s", (more, isTaken) => {
  expect(encode(raw('{"container":"c"}', more)).body.includes("container")).toBe(isTaken);
});

test.each(["[]", "1", "{", '{"messages":[]}', '{"thinking":{}}', '{"betas":"x"}'])(
  "encode refuses the raw parameters %s",
  (json) => {
    expect(reasonThrown(() => encode(raw(json)))).toBe("INVALID_REQUEST");
  },
);
