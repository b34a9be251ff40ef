import { expect, test } from "vitest";
import { tokenLogprobs } from "./token-logprobs.ts";

const entry = { token: "a", logprob: -0.5, bytes: [97] };

test("tokenLogprobs keeps tokens with their alternatives, and no alternatives of alternatives", () => {
  const nested = { ...entry, top_logprobs: [{ ...entry, token: "b", top_logprobs: [entry] }] };
  const [read] = tokenLogprobs([nested]);
  expect(read).toMatchObject({ token: "a", logprob: -0.5, bytes: Uint8Array.of(97), top: [{ token: "b", top: [] }] });
});

test.each([undefined, "x", {}, [null], ["x"], [{ token: 1, logprob: 0 }], [{ token: "a", logprob: "0" }]])(
  "tokenLogprobs finds none in %j",
  (entries) => {
    expect(tokenLogprobs(entries)).toEqual([]);
  },
);
