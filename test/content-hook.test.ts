import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Role } from "../src/contract/index.ts";
import { doorsOf, type Door } from "./support/doors.ts";
import { startGateway, type TestGateway } from "./support/gateway.ts";

// A classifier of one's own, asked over real HTTP: what it says holds, and nothing leaves before it has said it.

interface Question {
  request_id: string;
  direction: "input" | "output";
  key: string;
  tags: Record<string, string>;
  texts: { field: string; text: string }[];
}

const SECRET = "the-secret-of-the-classifier";
const keyOf = (policy: string): string => `a-key-of-the-policy-${policy}`;

let classifier: Server;
let gateway: TestGateway;
let doors: readonly Door[];
let asked: { question: Question; authorization: string | undefined }[];
let answer: (question: Question, response: ServerResponse) => void;

function verdict(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

async function questionOf(request: IncomingMessage): Promise<Question> {
  const chunks: Buffer[] = [];
  for await (const part of request) chunks.push(part as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString()) as Question;
}

/** Masks the word, wherever a text has it; offsets count characters. */
function maskWord(word: string): typeof answer {
  return ({ texts }, response) => {
    const spans = texts.flatMap(({ text }, index) => {
      const before = text.split(word)[0] ?? "";
      const start = Array.from(before).length;
      return text.includes(word) ? [{ text: index, start, end: start + word.length }] : [];
    });
    verdict(response, { decision: "mask", spans });
  };
}

beforeAll(async () => {
  classifier = createServer((request, response) => {
    void questionOf(request).then((question) => {
      asked.push({ question, authorization: request.headers.authorization });
      answer(question, response);
    });
  });
  await new Promise<void>((resolve) => classifier.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(classifier.address() as AddressInfo).port}/classify?v=1`;
  const hook = (on: string, onError: string, more = ""): string =>
    `{ name: judge, on: ${on}, replacement: "[judged]", hook: { url: "${url}", on_error: ${onError}, timeout: 300ms, secret: ${SECRET}${more} } }`;
  const policies: Readonly<Record<string, string>> = {
    in: hook("input", "block"),
    "in-allow": hook("input", "allow"),
    out: hook("output", "block", ", chunk: 64"),
    "out-allow": hook("output", "allow", ", chunk: 64"),
    nobody: `{ name: judge, on: both, hook: { url: "http://127.0.0.1:9/", on_error: block } }`,
    both: `{ name: mail, on: output, pii: [email], action: mask }, ${hook("output", "block", ", chunk: 64")}`,
  };
  gateway = await startGateway({
    yaml: `version: 1
sandbox: true
keys:
${Object.keys(policies)
  .map((name) => `  - { name: ${name}, key: ${keyOf(name)}, policy: ${name} }`)
  .join("\n")}
policies:
${Object.entries(policies)
  .map(([name, rules]) => `  ${name}: { content: [${rules}] }`)
  .join("\n")}
`,
  });
  doors = doorsOf(gateway.url, gateway.adminKey);
});

afterAll(async () => {
  await gateway.close();
  classifier.closeAllConnections();
  await new Promise<void>((resolve) => classifier.close(() => resolve()));
});

beforeEach(() => {
  asked = [];
  answer = (_question, response) => verdict(response, { decision: "allow" });
});

const say = (model: string, text: string, more: object = {}) => ({
  model,
  messages: [{ role: Role.USER, parts: [{ kind: { case: "text" as const, value: { text } } }] }],
  ...more,
});
const door = (name: string): Door => doors.find((one) => one.name === name)!;
const grpc = { unary: () => door("grpc unary"), stream: () => door("grpc stream") };

describe("on the way in", () => {
  test("the classifier gets the texts, who asks and the tags, with its secret", async () => {
    const { end } = await grpc.unary().ask(say("sandbox/echo", "Hi there", { tags: { team: "core" } }), keyOf("in"));
    expect(end).toBe("completed");
    expect(asked).toEqual([
      {
        authorization: `Bearer ${SECRET}`,
        question: {
          request_id: expect.stringMatching(/^req_/),
          direction: "input",
          key: "fixed:in",
          tags: { team: "core" },
          texts: [{ field: "messages[0].parts[0].text.text", text: "Hi there" }],
        },
      },
    ]);
  });

  test("what it masks leaves masked, through every door", async () => {
    answer = maskWord("apollo");
    for (const one of doors) {
      const { text } = await one.ask(say("sandbox/echo", "🚢 project apollo now"), keyOf("in"));
      expect([one.name, text]).toEqual([one.name, "🚢 project [judged] now"]);
    }
  });

  test("what it blocks is a typed refusal", async () => {
    answer = (_question, response) => verdict(response, { decision: "block" });
    for (const one of doors.slice(-2)) {
      expect((await one.ask(say("sandbox/echo", "Hi"), keyOf("in"))).end).toBe("CONTENT_BLOCKED");
    }
  });
});

const FAILURES: readonly [string, typeof answer][] = [
  ["500", (_question, response) => verdict(response, "no", 500)],
  ["a redirect", (_question, response) => void response.writeHead(307, { location: "http://127.0.0.1:9/" }).end()],
  ["garbage", (_question, response) => verdict(response, "{{{")],
  ["another shape", (_question, response) => verdict(response, { decision: "maybe" })],
  [
    "places that are none",
    (_question, response) => verdict(response, { decision: "mask", spans: [{ start: 5, end: 1 }] }),
  ],
  ["too much", (_question, response) => verdict(response, `"${"x".repeat(300_000)}"`)],
  [
    "a cut",
    (_question, response) =>
      void response.writeHead(200, { "content-length": "100" }).write("{", () => response.destroy()),
  ],
  ["silence", () => {}],
];

describe("a classifier that gives no verdict", () => {
  test.each(FAILURES)("blocks or lets pass, as the rule says: %s", async (_name, how) => {
    answer = how;
    const [blockedIn, allowedIn, blockedOut, allowedOut] = await Promise.all([
      door("grpc unary").ask(say("sandbox/echo", "Hi"), keyOf("in")),
      door("rest unary").ask(say("sandbox/echo", "Hi"), keyOf("in-allow")),
      door("grpc stream").ask(say("sandbox/echo", "Hi you"), keyOf("out")),
      door("rest stream").ask(say("sandbox/echo", "Hi you"), keyOf("out-allow")),
    ]);
    expect([blockedIn.end, blockedOut.end, blockedOut.contentSeen]).toEqual([
      "CONTENT_BLOCKED",
      "CONTENT_BLOCKED",
      false,
    ]);
    expect([allowedIn.text, allowedOut.text]).toEqual(["Hi", "Hi you"]);
  });

  test("blocks where nobody listens", async () => {
    expect((await grpc.stream().ask(say("sandbox/echo", "Hi"), keyOf("nobody"))).end).toBe("CONTENT_BLOCKED");
  });
});

describe("on the way out", () => {
  test("a stream is judged chunk by chunk and comes whole, through every door", async () => {
    for (const one of doors) {
      asked = [];
      const { end, text } = await one.ask(say("sandbox/story@tokens=20,delay_ms=0", "Tell"), keyOf("out"));
      expect([one.name, end]).toEqual([one.name, "completed"]);
      expect([
        one.name,
        asked.map(({ question }) => question.texts.map((part) => part.text).join("")).join(""),
      ]).toEqual([one.name, text]);
      expect(asked.length).toBeGreaterThan(one.stream ? 1 : 0);
    }
  });

  test("nothing of a chunk leaves before its verdict, and what is masked leaves masked", async () => {
    let pending: (() => void) | undefined;
    let seenBefore = false;
    const came = new Promise<void>((resolve) => {
      answer = (question, response) => {
        pending = () => maskWord("keeper")(question, response);
        resolve();
        answer = maskWord("keeper");
      };
    });
    const asking = grpc
      .stream()
      .ask(say("sandbox/story@tokens=20,delay_ms=0", "Tell"), keyOf("out"), () => (seenBefore = true));
    await came;
    expect(seenBefore).toBe(false);
    pending?.();
    const { end, text } = await asking;
    expect([end, text.includes("04·[judged] 05·of"), text.includes("keeper")]).toEqual(["completed", true, false]);
  });

  test("a block ends the answer with the chunks that were allowed", async () => {
    for (const one of doors.slice(-4)) {
      let count = 0;
      answer = (_question, response) =>
        verdict(response, { decision: (count += 1) === 1 && one.stream ? "allow" : "block" });
      const { end, text, terminals } = await one.ask(say("sandbox/story@tokens=20,delay_ms=0", "Tell"), keyOf("out"));
      expect([one.name, end, terminals]).toEqual([one.name, "CONTENT_BLOCKED", 1]);
      expect([one.name, text.length > 60, text.includes("15·")]).toEqual([one.name, one.stream, false]);
    }
  });

  test("it sees what the rules before it have left", async () => {
    const { text } = await grpc.stream().ask(say("sandbox/echo", "Ask me@example.com today"), keyOf("both"));
    expect(text).toBe("Ask [EMAIL] today");
    expect(JSON.stringify(asked)).not.toContain("me@example.com");
  });

  test("arguments of calls are judged whole", async () => {
    answer = maskWord("example");
    const parametersJson =
      '{"type":"object","properties":{"q":{"type":"string","enum":["an example of it"]}},"required":["q"]}';
    const tools = [{ kind: { case: "function" as const, value: { name: "find", parametersJson } } }];
    for (const one of [grpc.unary(), grpc.stream()]) {
      const { calls } = await one.ask(say("sandbox/tools", "Find", { tools }), keyOf("out"));
      expect(calls.map((call) => JSON.parse(call.arguments))).toEqual([{ q: "an [judged] of it" }]);
    }
  });
});

test("neither texts nor the secret are in the log", async () => {
  answer = FAILURES[0]![1];
  await grpc.unary().ask(say("sandbox/echo", "a-canary-in-a-text"), keyOf("in"));
  expect(gateway.logText()).toContain("content_blocked");
  expect(gateway.logText()).not.toMatch(/a-canary-in-a-text|the-secret-of-the-classifier/);
});
