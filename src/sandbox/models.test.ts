import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CATALOGUE } from "../errors/catalogue.ts";
import { realRuntime } from "../runtime/real.ts";
import {
  type ExpectedOutcome,
  SANDBOX_MODELS,
  type Sandbox,
  type SandboxModel,
  startSandbox,
  storyText,
} from "./index.ts";
import { call, chat, eventData, type Seen } from "./test-client.ts";

// An upright reader, written apart from the gateway: what it makes of each model must be what the table says.

interface Verdict {
  readonly whole: boolean;
  readonly text: string;
}

const broken = (text = ""): Verdict => ({ whole: false, text });

interface WholeAnswer {
  choices: {
    message: { content: string | null; tool_calls?: { function: { arguments: string } }[] };
    finish_reason: string | null;
  }[];
}

interface StreamEvent {
  choices: {
    delta: { content?: string; tool_calls?: { function?: { arguments?: string } }[] };
    finish_reason: string | null;
  }[];
}

const FINISHES = ["stop", "length", "content_filter", "tool_calls"];

function readWhole(seen: Seen): Verdict {
  if (seen.status !== 200 || !seen.whole || seen.headers["content-type"] !== "application/json") return broken();
  try {
    const utf8 = new TextDecoder("utf-8", { fatal: true }).decode(seen.body);
    const { choices } = JSON.parse(utf8) as WholeAnswer;
    for (const made of choices[0]?.message.tool_calls ?? []) JSON.parse(made.function.arguments);
    if (!FINISHES.includes(choices[0]?.finish_reason ?? "")) return broken();
    return { whole: true, text: choices[0]?.message.content ?? "" };
  } catch {
    return broken();
  }
}

function readStream(seen: Seen): Verdict {
  // Whoever asked for a stream can still read a whole answer; the reverse would ask for a reader that nobody has ready.
  if (seen.headers["content-type"] === "application/json") return readWhole(seen);
  if (seen.status !== 200 || !seen.headers["content-type"]?.startsWith("text/event-stream")) return broken();
  let text = "";
  let input = "";
  let finish: string | null = null;
  let done = false;
  try {
    for (const data of eventData(seen.body)) {
      if (data.length > 1_048_576 || data.includes("\uFFFD")) return broken(text + input);
      if (data === "[DONE]") done = true;
      if (done) continue;
      const event = JSON.parse(data) as StreamEvent;
      for (const { delta, finish_reason } of event.choices) {
        text += delta.content ?? "";
        input += delta.tool_calls?.[0]?.function?.arguments ?? "";
        finish = finish_reason ?? finish;
      }
    }
    if (input !== "") JSON.parse(input);
  } catch {
    return broken(text + input);
  }
  return { whole: (done || seen.whole) && FINISHES.includes(finish ?? ""), text };
}

// Whoever waits for what never comes leaves once the answer stands still.
const HANGING = new Set([
  "fault-silence",
  "fault-headers-then-silence",
  "fault-stall",
  "fault-stall-pings",
  "fault-slow-body",
]);
const SHORTER: Readonly<Record<string, string>> = {
  "fault-slow-first-token": "wait_ms=1,",
  "fault-stall-pings": "wait_ms=1,",
  "fault-endless-line": "bytes=3000000,",
};

async function callModel(sandbox: Sandbox, row: SandboxModel, stream: boolean): Promise<Seen> {
  const model = `${row.name}@${SHORTER[row.name] ?? ""}id=${stream ? "stream" : "unary"}`;
  if (!HANGING.has(row.name)) return call(sandbox.url, { body: chat(model, { stream }) });
  const tokens = Number(row.settings.after ?? 0);
  return call(sandbox.url, {
    body: chat(model, { stream }),
    onStart: (request) => {
      if (row.name === "fault-silence")
        void sandbox.books.until((books) => books.of(model).length > 0).then(() => request.destroy());
    },
    onHeaders: (request) => {
      if (row.name === "fault-headers-then-silence") request.destroy();
    },
    onPart: (body, request) => {
      if (!stream || eventData(body).length > tokens) request.destroy();
    },
  });
}

const HONEST: Readonly<Record<ExpectedOutcome["class"], readonly string[]>> = {
  answer: ["answer"],
  fails_before_content: ["failure"],
  caller_error: ["failure"],
  fails_after_content: ["failure after content"],
  answer_or_failure: ["answer", "failure", "failure after content"],
};

function resultOf({ whole, text }: Verdict, row: SandboxModel): string {
  if (!whole) return text === "" ? "failure" : "failure after content";
  const tellsStory = row.group === "fault" && row.name !== "fault-huge-event";
  return tellsStory && text !== storyText ? "wrong answer" : "answer";
}

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ runtime: realRuntime(), tokenDelayMs: 0 });
});
afterAll(() => sandbox.close());

describe.each([...SANDBOX_MODELS])("$name", (row) => {
  test.each(["unary", "stream"] as const)("does to a %s request what its row says", async (mode) => {
    const seen = await callModel(sandbox, row, mode === "stream");
    const verdict = mode === "stream" ? readStream(seen) : readWhole(seen);
    // What is only slow is an answer to those who wait.
    const outcome = row.name === "fault-slow-first-token" ? row.expected.unary : row.expected[mode];
    expect(HONEST[outcome.class]).toContain(resultOf(verdict, row));
    expect(row.answersWell[mode]).toBe(row.expected[mode].class === "answer");
  });

  test("has words for people and reasons that the error catalogue knows", () => {
    for (const words of [row.summary, row.unary, row.stream]) expect(words).toMatch(/^[A-Z0-9].*\.$/);
    const reasons = [row.expected.unary, row.expected.stream].flatMap(({ reason }) => reason ?? []);
    expect(Object.keys(CATALOGUE)).toEqual(expect.arrayContaining(reasons));
  });
});

test("SANDBOX_MODELS names each model once", () => {
  expect(new Set(SANDBOX_MODELS.map((model) => model.name)).size).toBe(SANDBOX_MODELS.length);
});
