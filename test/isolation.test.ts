import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { create, toBinary, toJsonString, type MessageInitShape } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ChatRequestSchema, GenerateRequestSchema, Role, textPart, toolCallPart } from "../src/contract/index.ts";
import { SANDBOX_MODELS, type SandboxModel } from "../src/sandbox/index.ts";
import { startGateway, type TestGateway } from "./support/gateway.ts";
import { startHostileUpstream, type HostileUpstream } from "./support/hostile-upstream.ts";
import { toRest } from "./support/rest-door.ts";
import { rawDoorsOf, type RawAnswer, type RawDoor } from "./support/raw-doors.ts";

// Words that must not come out anywhere but where their owner asked for them: keys nowhere, prompts in answers only.
const KEYS = {
  caller: "canary-caller-key-5d0a91",
  stranger: "canary-stranger-key-71c2",
  // Of no shape that a pattern could know.
  provider: "canary.provider.key",
  second: "sk-canary-0123456789abcdef",
};
const CONTENT = {
  system: "canary-system-3b1e",
  prompt: "canary-prompt-8f2c",
  arguments: "canary-arguments-0d77",
  result: "canary-result-c4a9",
  description: "canary-description-e610",
  endUser: "canary-enduser-15fd",
  metadata: "canary-metadata-99b0",
};
const TAG = "canary-tag-2e8f";

let upstream: HostileUpstream;
let gateway: TestGateway;
let doors: RawDoor[];
const failures: { readonly model: string; readonly door: string; readonly answer: RawAnswer }[] = [];

beforeAll(async () => {
  upstream = await startHostileUpstream();
  const yaml = `version: 1
sandbox: true
providers:
  hostile: { kind: openai-compatible, base_url: "${upstream.url}", credentials: [{ api_key: "${KEYS.provider}" }, { api_key: "${KEYS.second}" }], models: any }
keys:
  - { name: caller, key: "${KEYS.caller}", policy: all }
  - { name: root, key: "canary-admin-key-0f4b7e", role: admin }
policies:
  all: { allow_models: ["*"] }
server:
  timeouts: { first_content: 300ms, reasoning_first_content: 300ms, progress: 300ms, total: 600ms }
`;
  gateway = await startGateway({ yaml });
  doors = rawDoorsOf(gateway.port, KEYS.caller);
});

afterAll(async () => {
  for (const door of doors) door.close();
  await gateway.close();
  await upstream.close();
});

function conversation(model: string): MessageInitShape<typeof ChatRequestSchema> {
  return {
    model,
    messages: [
      { role: Role.SYSTEM, parts: [textPart(CONTENT.system)] },
      { role: Role.USER, parts: [textPart("Look it up")] },
      { role: Role.ASSISTANT, parts: [toolCallPart("call_1", "look_up", `{"word":"${CONTENT.arguments}"}`)] },
      {
        role: Role.TOOL,
        parts: [{ kind: { case: "toolResult", value: { callId: "call_1", content: [textPart(CONTENT.result)] } } }],
      },
      { role: Role.USER, parts: [textPart(CONTENT.prompt)] },
    ],
    tools: [
      {
        kind: {
          case: "function",
          value: { name: "look_up", description: CONTENT.description, parametersJson: '{"type":"object"}' },
        },
      },
    ],
    endUserId: CONTENT.endUser,
    metadata: { note: CONTENT.metadata },
    tags: { team: TAG },
  };
}

function messageFor(door: RawDoor, init: MessageInitShape<typeof ChatRequestSchema>): string | Uint8Array {
  const request = create(ChatRequestSchema, init);
  if (door.protocol === "rest") {
    const { endUserId: user, metadata, tags } = request;
    return JSON.stringify({ ...toRest(request, door.stream), user, metadata, parley: { tags } });
  }
  const message = create(GenerateRequestSchema, { request });
  return door.codec === "json"
    ? toJsonString(GenerateRequestSchema, message)
    : toBinary(GenerateRequestSchema, message);
}

type Request = MessageInitShape<typeof ChatRequestSchema>;

async function askAll(
  model: string,
  more: Partial<Request> = {},
  through: readonly RawDoor[] = doors,
): Promise<RawAnswer[]> {
  return Promise.all(
    through.map(async (door) => {
      const answer = await door.ask({ message: messageFor(door, { ...conversation(model), ...more } as Request) });
      if (answer.reason !== "NONE") failures.push({ model, door: door.name, answer });
      return answer;
    }),
  );
}

function found(text: string, words: Readonly<Record<string, string>>): string[] {
  return Object.entries(words)
    .filter(([, word]) => text.includes(word))
    .map(([name]) => name);
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

describe("a spread of good and failing requests through all doors", () => {
  test("is answered where it can be, and the answers are the only place where the prompt comes back", async () => {
    const answers = await askAll("sandbox/echo@delay_ms=0");
    expect(answers.map((answer) => answer.reason)).toEqual(doors.map(() => "NONE"));
    const whole = answers.filter((_answer, index) => doors[index]?.stream === false);
    for (const answer of whole) expect(answer.text).toContain(CONTENT.prompt);
    await askAll("sandbox/tools@delay_ms=0");
    await askAll("sandbox/json@delay_ms=0");
  });

  test("fails where the sandbox fails", { timeout: 20_000 }, async () => {
    const isQuick = ({ name, expected }: SandboxModel) =>
      name === "fault-silence" || ![expected.unary.reason, expected.stream.reason].includes("PROVIDER_TIMEOUT");
    const faults = SANDBOX_MODELS.filter((model) => model.group === "fault" && isQuick(model)).map(
      ({ name }) => `sandbox/${name}@delay_ms=0,tokens=25`,
    );
    // Each protocol, whole and streamed; the codecs make no difference to what a provider does.
    const through = doors.filter((door) => door.codec === (door.protocol === "grpc" ? "proto" : "json"));
    for (let from = 0; from < faults.length; from += 6)
      await Promise.all(faults.slice(from, from + 6).map((model) => askAll(model, {}, through)));
    expect(failures.length).toBeGreaterThan(100);
  });

  test("fails where a provider repeats what it was sent", async () => {
    for (const model of upstream.models) await askAll(`hostile/${model}`);
    expect(new Set(failures.map(({ model }) => model)).size).toBeGreaterThan(upstream.models.length);
  });

  test("fails where the gateway says no", async () => {
    await askAll("nobody/nothing");
    await askAll("sandbox/echo", { sampling: { temperature: 9 } });
    await askAll("sandbox/echo", { messages: [] });
    const spoiled = await Promise.all(
      doors.map((door) => door.ask({ message: messageFor(door, conversation("sandbox/echo")).slice(0, -20) })),
    );
    const strangers = await Promise.all(
      doors.map((door) =>
        door.ask({
          message: messageFor(door, conversation("sandbox/echo")),
          headers: { authorization: `Bearer ${KEYS.stranger}` },
        }),
      ),
    );
    for (const answer of [...spoiled, ...strangers]) failures.push({ model: "", door: "", answer });
    expect(strangers.map((answer) => answer.reason)).toEqual(doors.map(() => "UNAUTHENTICATED"));
  });
});

describe("afterwards", () => {
  test("no error holds a key", () => {
    for (const { model, door, answer } of failures)
      expect({ model, door, found: found(answer.text, KEYS) }).toEqual({ model, door, found: [] });
  });

  test("no error of the gateway's own holds a prompt", () => {
    // A provider's sentence goes back to the caller whose request it is about, redacted: what it repeats is the caller's own.
    for (const { model, door, answer } of failures.filter((one) => !one.model.startsWith("hostile/"))) {
      expect({ model, door, found: found(answer.text, CONTENT) }).toEqual({ model, door, found: [] });
    }
  });

  test("no message of an error holds a prompt, whoever failed", () => {
    for (const { model, door, answer } of failures)
      expect({ model, door, found: found(answer.message, { ...CONTENT, ...KEYS }) }).toEqual({
        model,
        door,
        found: [],
      });
  });

  test("the log holds the failures, and neither keys nor prompts", () => {
    const log = gateway.logText();
    expect(log).toContain("provider_credential");
    expect(
      found(log, {
        ...KEYS,
        ...CONTENT,
        admin: gateway.adminKey || "canary-admin-key-0f4b7e",
        local: gateway.localKey,
      }),
    ).toEqual([]);
  });

  test("the metrics count the failures, and hold neither keys nor prompts nor tags", async () => {
    const response = await fetch(`${gateway.url}/metrics`, {
      headers: { authorization: "Bearer canary-admin-key-0f4b7e" },
    });
    const text = await response.text();
    expect(text).toMatch(/parley_chat_requests_total\{.*result="provider_credential"\} \d/);
    expect(found(text, { ...KEYS, ...CONTENT, TAG })).toEqual([]);
    expect(text).toContain("parley_chat_running 0\n");
  });

  test("the ledger holds the tags, and neither keys nor prompts", () => {
    const books = filesOf(join(gateway.dataDir, "ledger"))
      .map((file) => readFileSync(file, "latin1"))
      .join("\n");
    expect(books).toContain(TAG);
    expect(found(books, { ...KEYS, ...CONTENT })).toEqual([]);
  });

  test("no other file of the data folder holds any of them, and keys are readable by their owner alone", () => {
    for (const file of filesOf(gateway.dataDir))
      expect({ file, found: found(readFileSync(file, "latin1"), { ...KEYS, ...CONTENT }) }).toEqual({
        file,
        found: [],
      });
  });
});
