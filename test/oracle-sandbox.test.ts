import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ParleyError } from "../src/errors/index.ts";
import { realRuntime } from "../src/runtime/real.ts";
import { SANDBOX_MODELS, startSandbox, type Sandbox } from "../src/sandbox/index.ts";
import { anthropicMessagesOracle } from "./support/oracles/anthropic-messages.ts";
import { geminiGenerateOracle } from "./support/oracles/gemini-generate.ts";
import { openaiChatOracle } from "./support/oracles/openai-chat.ts";
import { openaiResponsesOracle } from "./support/oracles/openai-responses.ts";
import { ourReading, type Oracle, type Reading, type Wire } from "./support/oracles/oracle.ts";

// What the sandbox says is what the vendor would: its own client reads every answer and every refusal of it, and reads
// the same as our decoder does.

/** A wire format of the sandbox. */
interface SandboxFormat {
  readonly oracle: Oracle;
  /** Where requests go. */
  readonly path: (model: string, stream: boolean) => string;
  readonly body: (model: string) => Wire;
  /** Added to ask for a stream, for a call of a tool, and for an instance of a schema. */
  readonly streamed: Wire;
  readonly tools: Wire;
  readonly schema: Wire;
}

const SCHEMA = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

const QUESTION = "What is the weather in Lyon?";
const TOOLS = ["weather", "clock"];

const FORMATS: readonly SandboxFormat[] = [
  {
    oracle: openaiChatOracle,
    path: () => "/v1/chat/completions",
    body: (model) => ({ model, messages: [{ role: "user", content: QUESTION }] }),
    streamed: { stream: true, stream_options: { include_usage: true } },
    tools: {
      tools: TOOLS.map((name) => ({ type: "function", function: { name, parameters: SCHEMA } })),
      parallel_tool_calls: true,
    },
    schema: { response_format: { type: "json_schema", json_schema: { name: "place", schema: SCHEMA } } },
  },
  {
    oracle: openaiResponsesOracle,
    path: () => "/v1/responses",
    body: (model) => ({ model, input: QUESTION }),
    streamed: { stream: true },
    tools: {
      tools: TOOLS.map((name) => ({ type: "function", name, parameters: SCHEMA, strict: false })),
      parallel_tool_calls: true,
    },
    schema: { text: { format: { type: "json_schema", name: "place", schema: SCHEMA } } },
  },
  {
    oracle: anthropicMessagesOracle,
    path: () => "/v1/messages",
    body: (model) => ({ model, max_tokens: 4096, messages: [{ role: "user", content: QUESTION }] }),
    streamed: { stream: true },
    tools: { tools: TOOLS.map((name) => ({ name, input_schema: SCHEMA })) },
    schema: { output_config: { format: { type: "json_schema", schema: SCHEMA } } },
  },
  {
    oracle: geminiGenerateOracle,
    path: (model, stream) => `/v1beta/models/${model}:${stream ? "streamGenerateContent?alt=sse" : "generateContent"}`,
    body: () => ({ contents: [{ role: "user", parts: [{ text: QUESTION }] }] }),
    streamed: {},
    tools: { tools: [{ functionDeclarations: TOOLS.map((name) => ({ name, parametersJsonSchema: SCHEMA })) }] },
    schema: { generationConfig: { responseMimeType: "application/json", responseJsonSchema: SCHEMA } },
  },
];

const KEYS = {
  authorization: "Bearer key",
  "x-api-key": "key",
  "anthropic-version": "2023-06-01",
  "x-goog-api-key": "key",
};

const ANSWERING = SANDBOX_MODELS.filter(({ group }) => group === "answer").map(({ name }) => name);
const REFUSING = SANDBOX_MODELS.filter(({ name }) => /^fault-[45]\d\d(?!.*once)/.test(name)).map(({ name }) => name);

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox({ runtime: realRuntime(), tokenDelayMs: 0 });
});

afterAll(() => sandbox.close());

const subjects = FORMATS.flatMap((format) =>
  [...ANSWERING, ...REFUSING].flatMap((model) =>
    [false, true].map((stream) => ({ format, model, stream, how: stream ? "streamed" : "whole" })),
  ),
);
type Subject = (typeof subjects)[number];

function bodyFor({ format, model, stream }: Subject): Wire {
  return {
    ...format.body(model),
    ...(stream ? format.streamed : {}),
    ...(model === "tools" ? format.tools : {}),
    ...(model === "json" ? format.schema : {}),
  };
}

async function theirs(subject: Subject): Promise<unknown> {
  const { format, model, stream } = subject;
  try {
    const seen = await format.oracle.call(sandbox.url, bodyFor(subject), { stream, model, provider: "sandbox" });
    // A prompt that is blocked has an answer without candidates: one client leaves it to its caller to see that.
    return seen.candidates.length > 0 ? seen : { refused: undefined };
  } catch (thrown) {
    return { refused: format.oracle.statusOf(thrown) ?? String(thrown) };
  }
}

async function ours(subject: Subject): Promise<unknown> {
  const { format, model, stream } = subject;
  const response = await fetch(sandbox.url + format.path(model, stream), {
    method: "POST",
    headers: KEYS,
    body: JSON.stringify(bodyFor(subject)),
  });
  const { ok, status } = response;
  const kind = ok ? (stream ? "stream" : "unary") : "error";
  const bytes = {
    kind,
    status,
    headers: Object.fromEntries(response.headers),
    bodyText: await response.text(),
  } as const;
  const target = { provider: "sandbox", model, region: undefined, facts: { capabilities: {}, quirks: [] } };
  try {
    return ourReading(format.oracle.dialect, bytes, target);
  } catch (thrown) {
    if (!(thrown instanceof ParleyError)) throw thrown;
    return { refused: thrown.upstream?.httpStatus };
  }
}

describe("the vendors' clients read the sandbox", () => {
  test.for(subjects)("$format.oracle.name reads $model $how as our decoder does", async (subject) => {
    const seen = await ours(subject);
    expect(seen).toEqual(await theirs(subject));
    expect(saysSomething(seen as Reading)).toBe(ANSWERING.includes(subject.model));
  });
});

function saysSomething({ candidates, usage }: Partial<Reading>): boolean {
  const [first] = candidates ?? [];
  const said = first && (first.text !== "" || first.refusal !== "" || first.calls.length > 0);
  return said === true && (usage?.output ?? 0) > 0;
}
