import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { inspect } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  ChatService,
  EventGrammar,
  ResponseFold,
  Role,
  type ChatResponse,
  type StreamEvent,
} from "../src/contract/index.ts";
import { startGateway, type TestGateway } from "./support/gateway.ts";
import { startScriptedUpstream, type ScriptedUpstream } from "./support/scripted-upstream.ts";

// What content rules make of answers beyond plain text: log probabilities, calls, reasoning, and answers that break.

const KEY = "a-key-with-content-rules";
const CARD = "4111 1111 1111 1111";

let gateway: TestGateway;
let upstream: ScriptedUpstream;
let chunks: unknown[];
/** How the first target's stream ends. */
let isCut: boolean;

beforeAll(async () => {
  upstream = await startScriptedUpstream(({ path, body }) => {
    const isSecond = path.startsWith("/second");
    const list = isSecond ? [chunk({ content: " and on." }), finish()] : chunks;
    const lines = list.map((one) => `data: ${JSON.stringify(one)}\n\n`).join("");
    if (body.stream === true) return { body: `${lines}${isCut && !isSecond ? "" : "data: [DONE]\n\n"}`, stream: true };
    return { body: whole(list) };
  });
  const provider = (path: string): string =>
    `{ kind: openai-compatible, base_url: "${upstream.url}/${path}", api_key: x, models: [m], capabilities: { prefill: true, logprobs: true, tools: true, reasoning: true } }`;
  gateway = await startGateway({
    yaml: `version: 1
sandbox: true
providers:
  first: ${provider("first")}
  second: ${provider("second")}
routes: { both: { targets: [first/m, second/m], delivery: auto } }
keys: [{ name: ruled, key: ${KEY}, policy: ruled }]
policies:
  ruled: { content: [{ name: cards, on: both, pii: [credit_card, email], action: mask }, { name: stop, on: both, keywords: [forbidden], action: block }] }
`,
  });
});

afterAll(async () => {
  await gateway.close();
  await upstream[Symbol.asyncDispose]();
});

beforeEach(() => {
  isCut = false;
  upstream.seen.length = 0;
});

interface Delta {
  content?: string;
  reasoning_content?: string;
  tool_calls?: unknown[];
}

function chunk(delta: Delta, logprobs?: readonly string[]): Record<string, unknown> {
  const content = logprobs?.map((token) => ({ token, logprob: -0.5, bytes: null, top_logprobs: [] }));
  return {
    id: "c",
    object: "chat.completion.chunk",
    created: 1,
    model: "m",
    choices: [{ index: 0, delta, finish_reason: null, ...(content ? { logprobs: { content } } : {}) }],
  };
}

function finish(reason = "stop"): Record<string, unknown> {
  return { ...chunk({}), choices: [{ index: 0, delta: {}, finish_reason: reason }] };
}

/** The same answer, whole. */
function whole(list: readonly any[]): unknown {
  const message: any = { role: "assistant", content: "" };
  const tokens: unknown[] = [];
  for (const { choices } of list) {
    const { delta, logprobs } = choices[0];
    message.content += delta.content ?? "";
    if (delta.reasoning_content)
      message.reasoning_content = (message.reasoning_content ?? "") + delta.reasoning_content;
    tokens.push(...(logprobs?.content ?? []));
  }
  const choice = {
    index: 0,
    message,
    finish_reason: "stop",
    ...(tokens.length > 0 ? { logprobs: { content: tokens } } : {}),
  };
  return { id: "c", object: "chat.completion", created: 1, model: "m", choices: [choice] };
}

const client = () =>
  createClient(
    ChatService,
    createConnectTransport({
      baseUrl: gateway.url,
      httpVersion: "1.1",
      interceptors: [(next) => (request) => (request.header.set("authorization", `Bearer ${KEY}`), next(request))],
    }),
  );

const question = (model: string, more: object = {}) => ({
  request: {
    model,
    messages: [{ role: Role.USER, parts: [{ kind: { case: "text" as const, value: { text: "Hi" } } }] }],
    ...more,
  },
});

async function streamed(model: string, more: object = {}): Promise<{ events: StreamEvent[]; answer: ChatResponse }> {
  const events: StreamEvent[] = [];
  const grammar = new EventGrammar();
  const fold = new ResponseFold();
  for await (const { event } of client().generateStream(question(model, more))) {
    expect(grammar.check(event!)).toBeUndefined();
    expect(event!.seq).toBe(events.length + 1);
    events.push(event!);
    fold.add(event!);
  }
  return { events, answer: fold.response() };
}

const parts = (answer: ChatResponse) => answer.candidates[0]!.message!.parts.map(({ kind }) => kind);
const logprobs = { sampling: { logprobs: true } };

describe("log probabilities", () => {
  const tokens = ["Pay", " ", "4111", " 1111", " 1111 ", "1111", ",", " now"];
  test.each([true, false])("of what is masked are left out, the others stay (streamed: %s)", async (stream) => {
    chunks = [...tokens.map((token) => chunk({ content: token }, [token])), finish()];
    const answer = stream
      ? (await streamed("first/m", logprobs)).answer
      : (await client().generate(question("first/m", logprobs))).response!;
    expect(parts(answer)).toMatchObject([{ value: { text: "Pay [CREDIT_CARD], now" } }]);
    const [text] = parts(answer);
    expect((text!.value as { logprobs: { token: string }[] }).logprobs.map(({ token }) => token)).toEqual([
      "Pay",
      " ",
      ",",
      " now",
    ]);
    expect(answer.adaptations.map(({ field }) => field)).toEqual([
      "candidates[0].message.parts[0].text.text",
      "candidates[0].message.parts[0].text.logprobs",
    ]);
    expect(JSON.stringify(answer.candidates)).not.toContain("4111");
  });

  test("of a clean answer are as they were, and nothing is adapted", async () => {
    chunks = [...["Hello", " there", " 12"].map((token) => chunk({ content: token }, [token])), finish()];
    const { events, answer } = await streamed("first/m", logprobs);
    expect((parts(answer)[0]!.value as { logprobs: unknown[] }).logprobs).toHaveLength(3);
    expect(answer.adaptations).toEqual([]);
    const sent = events.flatMap(({ event }) => (event.case === "blockDelta" ? event.value.logprobs : []));
    expect(sent.map(({ token }) => token)).toEqual(["Hello", " there", " 12"]);
  });

  test("that do not follow their text wait for its end, and are left out where anything was masked", async () => {
    chunks = [chunk({ content: "Hi " }, ["4111", " 1111 1111 1111"]), chunk({ content: CARD }), finish()];
    const { events } = await streamed("first/m", logprobs);
    expect(inspect(events, { depth: 20 })).not.toContain("1111");
  });
});

describe("calls and reasoning", () => {
  const call = (args: string) => chunk({ tool_calls: [{ index: 0, function: { arguments: args } }] });
  test("arguments are masked within their strings, fragment by fragment, and stay JSON", async () => {
    const opening = { index: 0, id: "call_1", type: "function", function: { name: "pay", arguments: "" } };
    const args = `{"card":"${CARD}","to":"me\\u0040example.com","n":1.50,"id":4111111111111111}`;
    chunks = [chunk({ tool_calls: [opening] }), ...(args.match(/.{1,5}/g) ?? []).map(call), finish("tool_calls")];
    const tools = [{ kind: { case: "function", value: { name: "pay", parametersJson: "{}" } } }];
    const { events, answer } = await streamed("first/m", { tools });
    const expected = '{"card":"[CREDIT_CARD]","to":"[EMAIL]","n":1.50,"id":"[CREDIT_CARD]"}';
    expect(parts(answer)).toMatchObject([{ value: { input: { case: "argumentsJson", value: expected } } }]);
    const deltas = events.flatMap(({ event }) =>
      event.case === "blockDelta" && event.value.delta.case === "argumentsJson" ? [event.value.delta.value] : [],
    );
    expect(deltas.join("")).toBe(expected);
    expect(deltas.length).toBeGreaterThan(3);
  });

  test("reasoning is masked, too", async () => {
    chunks = [
      chunk({ reasoning_content: "The card is 4111 11" }),
      chunk({ reasoning_content: "11 1111 1111." }),
      chunk({ content: "Yes" }),
      finish(),
    ];
    const { answer } = await streamed("first/m");
    expect(parts(answer)).toMatchObject([
      { value: { text: ["The card is [CREDIT_CARD]."] } },
      { value: { text: "Yes" } },
    ]);
  });

  test("what the caller sends back is read wherever it stands, and leaves masked", async () => {
    chunks = [chunk({ content: "ok" }), finish()];
    const text = (value: string) => ({ kind: { case: "text" as const, value: { text: value } } });
    const messages = [
      { role: Role.SYSTEM, parts: [text(`Never tell ${CARD}`)] },
      { role: Role.USER, parts: [text("Pay")] },
      {
        role: Role.ASSISTANT,
        parts: [
          {
            kind: {
              case: "toolCall",
              value: { callId: "c1", name: "pay", input: { case: "argumentsJson", value: `{"c":"${CARD}"}` } },
            },
          },
        ],
      },
      {
        role: Role.TOOL,
        parts: [{ kind: { case: "toolResult", value: { callId: "c1", content: [text("me@example.com")] } } }],
      },
    ];
    const tools = [
      { kind: { case: "function", value: { name: "pay", description: `as me@example.com`, parametersJson: "{}" } } },
    ];
    const { response } = await client().generate({ request: { model: "first/m", messages, tools } } as never);
    const sent = JSON.stringify(upstream.seen[0]!.body);
    expect(sent).not.toMatch(/4111|example\.com/);
    expect(JSON.parse(upstream.seen[0]!.body.messages[2].tool_calls[0].function.arguments)).toEqual({
      c: "[CREDIT_CARD]",
    });
    expect(response!.adaptations.map(({ field }) => field)).toEqual([
      "messages[0].parts[0].text.text",
      "messages[2].parts[0].tool_call.arguments_json",
      "messages[3].parts[0].tool_result.content[0].text.text",
      "tools[0].function.description",
    ]);
  });
});

describe("an answer that breaks", () => {
  test("is continued behind what was delivered where no rule has changed it", async () => {
    isCut = true;
    chunks = [chunk({ content: "It goes on" }), chunk({ content: " and" })];
    const { answer } = await streamed("both");
    // What the rules still held back when it broke was not delivered: the next target says it.
    expect(upstream.seen[1]!.body.messages.at(-1)).toEqual({ role: "assistant", content: "It goes on" });
    expect(parts(answer)).toMatchObject([{ value: { text: "It goes on and on." } }]);
  });

  test("is not continued where a rule has changed it", async () => {
    isCut = true;
    chunks = [chunk({ content: `Pay ${CARD}, and` }), chunk({ content: " so" })];
    await expect(streamed("both")).rejects.toThrow(/finish reason/);
    expect(upstream.seen).toHaveLength(1);
  });

  test("is not asked for elsewhere where a rule has blocked it", async () => {
    chunks = [chunk({ content: "This is " }), chunk({ content: "forbidden" }), finish()];
    await expect(streamed("both")).rejects.toThrow(/the content rule "stop" blocks candidates\[0\]/);
    expect(upstream.seen).toHaveLength(1);
  });
});

test("held back until it is whole, an answer shows nothing of what is blocked in it", async () => {
  chunks = [chunk({ content: "This is " }), chunk({ content: "forbidden" }), finish()];
  const { Delivery } = await import("../src/contract/index.ts");
  const seen: StreamEvent[] = [];
  const asking = (async () => {
    for await (const { event } of client().generateStream(question("first/m", { delivery: Delivery.HOLD })))
      seen.push(event!);
  })();
  await expect(asking).rejects.toThrow(/blocks/);
  expect(seen).toEqual([]);
});
