import { array, assert, constantFrom, dictionary, jsonValue, oneof, property, record, string } from "fast-check";
import { expect, test } from "vitest";
import { Refusal } from "../wire-format.ts";
import { readRequest } from "./read.ts";

function problemsOf(body: string): unknown {
  try {
    const { ask } = readRequest(body);
    return typeof ask.lastUserText === "string" ? undefined : ask;
  } catch (error) {
    return error instanceof Refusal && error.reply.status === 400 ? undefined : error;
  }
}

const content = oneof(
  string(),
  array(oneof(record({ type: constantFrom("text", "refusal", "file"), text: string() }), jsonValue())),
);
const message = oneof(
  record(
    { role: constantFrom("user", "assistant", "system", "tool", "function"), content },
    { requiredKeys: ["role"] },
  ),
  record({ role: constantFrom("assistant"), tool_calls: array(jsonValue()), content }),
  jsonValue(),
);
const name = constantFrom(
  "tools",
  "tool_choice",
  "functions",
  "response_format",
  "stop",
  "stream_options",
  "logit_bias",
  "n",
);
const tool = oneof(
  record({ type: constantFrom("function", "custom"), function: jsonValue(), custom: jsonValue() }),
  jsonValue(),
);

test("readRequest reads or refuses whatever comes, and never fails", () => {
  const body = record({
    model: string(),
    messages: array(message),
    rest: dictionary(name, oneof(jsonValue(), array(tool))),
  });
  const holds = (text: string): void => expect(problemsOf(text)).toBeUndefined();
  assert(
    property(body, ({ rest, ...request }) => {
      holds(JSON.stringify({ ...rest, ...request }));
    }),
    { numRuns: 400 },
  );
  assert(
    property(string(), (text) => {
      holds(text);
    }),
  );
});
