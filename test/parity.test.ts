import type { MessageInitShape } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Role, textPart, toolCallPart, type ChatRequestSchema, type Part } from "../src/contract/index.ts";
import { storyText } from "../src/sandbox/index.ts";
import { doorsOf, type Door, type Outcome } from "./support/doors.ts";
import { startGateway, type TestGateway } from "./support/gateway.ts";

// The same scenario gives the same answer through every door.
let gateway: TestGateway;
let doors: Door[];

beforeAll(async () => {
  gateway = await startGateway();
  doors = doorsOf(gateway.url, gateway.adminKey);
});

afterAll(() => gateway.close());

type Request = MessageInitShape<typeof ChatRequestSchema>;

const user = (text: string) => ({ role: Role.USER, parts: [textPart(text)] });
const schema =
  '{"type":"object","properties":{"zeta":{"type":"integer"},"alpha":{"type":"string"}},"required":["zeta","alpha"],"additionalProperties":false}';
const weather = {
  kind: {
    case: "function",
    value: {
      name: "weather",
      description: "Weather of a city",
      parametersJson: '{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}',
    },
  },
} as const;
const clock = {
  kind: { case: "function", value: { name: "clock", parametersJson: '{"type":"object","properties":{}}' } },
} as const;

function toolResult(callId: string, text: string): Part {
  const part = textPart("");
  part.kind = {
    case: "toolResult",
    value: { $typeName: "parley.v1.ToolResultPart", callId, content: [textPart(text)], executor: 0 },
  };
  return part;
}

const SCENARIOS: Record<string, { request: Request; expected: Partial<Outcome> }> = {
  "an echo": {
    request: { model: "sandbox/echo@delay_ms=0", messages: [user("Hello, 世界 🌍")] },
    expected: { end: "completed", text: "Hello, 世界 🌍", finish: "STOP", provider: "sandbox", attempts: 1 },
  },
  "a system message and a conversation": {
    request: {
      model: "sandbox/echo@delay_ms=0",
      messages: [
        { role: Role.SYSTEM, parts: [textPart("Be brief")] },
        user("one"),
        { role: Role.ASSISTANT, parts: [textPart("1")] },
        user("two"),
      ],
    },
    expected: { end: "completed", text: "two" },
  },
  "a story": {
    request: { model: "sandbox/story@delay_ms=0", messages: [user("go")] },
    expected: { end: "completed", text: storyText, outputTokens: 60 },
  },
  "an output limit": {
    request: { model: "sandbox/story@delay_ms=0", messages: [user("go")], sampling: { maxOutputTokens: 5 } },
    expected: { end: "completed", finish: "MAX_TOKENS", outputTokens: 5 },
  },
  reasoning: {
    request: { model: "sandbox/think@delay_ms=0", messages: [user("why")] },
    expected: { end: "completed", text: "why", finish: "STOP" },
  },
  "a refusal": {
    request: { model: "sandbox/refuse@delay_ms=0", messages: [user("no")] },
    expected: { end: "completed", text: "" },
  },
  "a content filter": {
    request: { model: "sandbox/filter@delay_ms=0", messages: [user("x")] },
    expected: { end: "completed", finish: "CONTENT_FILTER" },
  },
  "a tool call": {
    request: { model: "sandbox/tools@delay_ms=0", messages: [user("weather?")], tools: [weather] },
    expected: { end: "completed", finish: "TOOL_CALLS", text: "" },
  },
  "parallel tool calls": {
    request: {
      model: "sandbox/tools@delay_ms=0",
      messages: [user("weather?")],
      tools: [weather, clock],
      toolChoice: { parallel: true },
    },
    expected: { end: "completed", finish: "TOOL_CALLS" },
  },
  "a tool's result": {
    request: {
      model: "sandbox/tools@delay_ms=0",
      messages: [
        user("weather?"),
        { role: Role.ASSISTANT, parts: [toolCallPart("call_1", "weather", '{"city":"Paris"}')] },
        { role: Role.TOOL, parts: [toolResult("call_1", "sunny, 21 degrees")] },
      ],
      tools: [weather],
    },
    expected: { end: "completed", finish: "STOP", calls: [] },
  },
  "structured output": {
    request: {
      model: "sandbox/json@delay_ms=0",
      messages: [user("x")],
      output: { format: { case: "jsonSchema", value: { name: "pair", schemaJson: schema, strict: true } } },
    },
    expected: { end: "completed", finish: "STOP" },
  },
  "a rescue by a route": {
    request: { model: "failover-demo", messages: [user("x")] },
    expected: { end: "completed", text: storyText, attempts: 2, model: "story" },
  },
  "a rescue by a fallback": {
    request: {
      model: "sandbox/fault-500",
      messages: [user("x")],
      routing: { fallbackModels: ["sandbox/echo@delay_ms=0"] },
    },
    expected: { end: "completed", text: "x", attempts: 2 },
  },
  "a model that does not exist": {
    request: { model: "sandbox/", messages: [user("x")] },
    expected: { end: "MODEL_NOT_FOUND" },
  },
  "a name that means nothing": {
    request: { model: "no-such-model", messages: [user("x")] },
    expected: { end: "MODEL_NOT_FOUND" },
  },
  "a context that is too long": {
    request: { model: "sandbox/long-context", messages: [user("word ".repeat(5000))] },
    expected: { end: "CONTEXT_TOO_LONG" },
  },
  "an empty conversation": { request: { model: "sandbox/echo", messages: [] }, expected: { end: "INVALID_REQUEST" } },
  "a temperature out of range": {
    request: { model: "sandbox/echo", messages: [user("x")], sampling: { temperature: 3 } },
    expected: { end: "INVALID_REQUEST" },
  },
};

/** What doors can differ in without one of them lying: identifiers and the model's suffix are left out. */
function comparable({
  end,
  text,
  reasoning,
  refusal,
  calls,
  finish,
  provider,
  attempts,
  inputTokens,
  outputTokens,
  terminals,
}: Outcome) {
  return { end, text, reasoning, refusal, calls, finish, provider, attempts, inputTokens, outputTokens, terminals };
}

describe.each(Object.entries(SCENARIOS))("%s", (_name, { request, expected }) => {
  test("is the same through every door", async () => {
    const outcomes = await Promise.all(doors.map((door) => door.ask(request)));
    for (const [index, outcome] of outcomes.entries()) {
      expect({ door: doors[index]?.name, ...outcome }).toMatchObject(expected);
      // A failure before content says nothing but its reason on some doors; its attempts are told on all.
      expect({ door: "all", ...comparable(outcome) }).toEqual({ door: "all", ...comparable(outcomes[0]!) });
    }
  });
});

test("structured output keeps the schema's key order through every door", async () => {
  const { request } = SCENARIOS["structured output"]!;
  for (const outcome of await Promise.all(doors.map((door) => door.ask(request)))) {
    expect(Object.keys(JSON.parse(outcome.text))).toEqual(["zeta", "alpha"]);
  }
});

describe("keys, through every door", () => {
  test.each([
    ["no key", ""],
    ["a short word", "x"],
    ["an unknown key", "a-key-that-nobody-configured"],
    ["a damaged key of ours", "parley_abcd1234_deadbeef"],
  ])("%s is UNAUTHENTICATED and reaches no provider", async (_name, key) => {
    const before = gateway.sandbox.books.attempts.length;
    for (const outcome of await Promise.all(
      doors.map((door) => door.ask({ model: "sandbox/echo", messages: [user("x")] }, key)),
    )) {
      expect(outcome.end).toBe("UNAUTHENTICATED");
    }
    expect(gateway.sandbox.books.attempts.length).toBe(before);
  });

  test("the local key may chat", async () => {
    for (const outcome of await Promise.all(
      doors.map((door) => door.ask({ model: "sandbox/echo@delay_ms=0", messages: [user("x")] }, gateway.localKey)),
    )) {
      expect(outcome.end).toBe("completed");
    }
  });
});

test("no prompt and no key is in the log", () => {
  const log = gateway.logText();
  for (const secret of [gateway.adminKey, gateway.localKey, "sunny, 21 degrees", "Hello, 世界"])
    expect(log).not.toContain(secret);
});
