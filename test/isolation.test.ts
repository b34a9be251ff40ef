import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { create, toBinary, toJsonString, type MessageInitShape } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ChatRequestSchema, GenerateRequestSchema, Role, textPart, toolCallPart } from "../src/contract/index.ts";
import { SANDBOX_MODELS } from "../src/sandbox/index.ts";
import { toRest } from "./support/rest-door.ts";
import { startGateway, type TestGateway } from "./support/gateway.ts";
import { startHostileUpstream, type HostileUpstream } from "./support/hostile-upstream.ts";
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
const CONFIG_ONLY = { header: "canary-config-word-77" };

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
      { role: Role.TOOL, parts: [{ kind: { case: "toolResult", value: { callId: "call_1", content: [textPart(CONTENT.result)] } } }] },
      { role: Role.USER, parts: [textPart(CONTENT.prompt)] },
    ],
    tools: [{ kind: { case: "function", value: { name: "look_up", description: CONTENT.description, parametersJson: '{"type":"object"}' } } }],
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
  return door.codec === "json" ? toJsonString(GenerateRequestSchema, message) : toBinary(GenerateRequestSchema, message);
}

async function askAll(model: string, more: Partial<MessageInitShape<typeof ChatRequestSchema>> = {}): Promise<RawAnswer[]> {
  return Promise.all(
    doors.map(async (door) => {
      const answer = await door.ask({ message: messageFor(door, { ...conversation(model), ...more } as MessageInitShape<typeof ChatRequestSchema>) });
      if (answer.reason !== "NONE") failures.push({ model, door: door.name, answer });
      return answer;
    }),
  );
}

function found(text: string, words: Readonly<Record<string, string>>): string[] {
  return Object.entries(words).filter(([, word]) => text.includes(word)).map(([name]) => name);
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

describe("a spread of good and failing requests through all doors", () => {
  test("is answered where it can be, and the answers are the only place where the prompt comes back", async () => {
    for (const answer of await askAll("sandbox/echo@delay_ms=0")) {
      expect(answer.reason).toBe("NONE");
      expect(answer.text).toContain(CONTENT.prompt);
    }
    await askAll("sandbox/tools@delay_ms=0");
    await askAll("sandbox/json@delay_ms=0");
  });

  test("fails where the sandbox fails", { timeout: 20_000 }, async () => {
    // Connections that break take their time to be noticed: one at a time would be all of it.
    await Promise.all(SANDBOX_MODELS.filter(({ group }) => group === "fault").map(({ name }) => askAll(`sandbox/${name}@delay_ms=0,wait_ms=10`.replace(",wait_ms=10", ""))));
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
    const spoiled = await Promise.all(doors.map((door) => door.ask({ message: messageFor(door, conversation("sandbox/echo")).slice(0, -20) })));
    const strangers = await Promise.all(
      doors.map((door) => door.ask({ message: messageFor(door, conversation("sandbox/echo")), headers: { authorization: `Bearer ${KEYS.stranger}` } })),
    );
    for (const answer of [...spoiled, ...strangers]) failures.push({ model: "", door: "", answer });
    expect(strangers.map((answer) => answer.reason)).toEqual(doors.map(() => "UNAUTHENTICATED"));
  });
});

describe("afterwards", () => {
  test("no error holds a key", () => {
    for (const { model, door, answer } of failures) expect({ model, door, found: found(answer.text, KEYS) }).toEqual({ model, door, found: [] });
  });

  test("no error of the gateway's own holds a prompt", () => {
    // A provider's sentence goes back to the caller whose request it is about, redacted: what it repeats is the caller's own.
    for (const { model, door, answer } of failures.filter((one) => !one.model.startsWith("hostile/"))) {
      const delivered = /^sandbox\//.test(model) && answer.status === 200 && answer.text.includes("blockDelta");
      if (!delivered) expect({ model, door, found: found(answer.text, CONTENT) }).toEqual({ model, door, found: [] });
    }
  });

  test("no message of an error holds a prompt, whoever failed", () => {
    for (const { model, door, answer } of failures) expect({ model, door, found: found(answer.message, { ...CONTENT, ...KEYS }) }).toEqual({ model, door, found: [] });
  });

  test("the log holds the failures, and neither keys nor prompts", () => {
    const log = gateway.logText();
    expect(log).toContain("provider_credential");
    expect(found(log, { ...KEYS, ...CONTENT, admin: gateway.adminKey || "canary-admin-key-0f4b7e", local: gateway.localKey })).toEqual([]);
  });

  test("the metrics count the failures, and hold neither keys nor prompts nor tags", async () => {
    const response = await fetch(`${gateway.url}/metrics`, { headers: { authorization: "Bearer canary-admin-key-0f4b7e" } });
    const text = await response.text();
    expect(text).toMatch(/parley_chat_requests_total\{.*result="provider_credential"\} \d/);
    expect(found(text, { ...KEYS, ...CONTENT, TAG })).toEqual([]);
    expect(text).toContain("parley_chat_running 0\n");
  });

  test("the ledger holds the tags, and neither keys nor prompts", () => {
    const books = filesOf(join(gateway.dataDir, "ledger")).map((file) => readFileSync(file, "latin1")).join("\n");
    expect(books).toContain(TAG);
    expect(found(books, { ...KEYS, ...CONTENT })).toEqual([]);
  });

  test("no other file of the data folder holds any of them, and keys are readable by their owner alone", () => {
    for (const file of filesOf(gateway.dataDir)) expect({ file, found: found(readFileSync(file, "latin1"), { ...KEYS, ...CONTENT }) }).toEqual({ file, found: [] });
  });
});

describe("config check", () => {
  const root = join(import.meta.dirname, "..");
  const run = promisify(execFile);

  async function check(yaml: string, env: Record<string, string> = {}): Promise<{ code: number; text: string }> {
    const folder = mkdtempSync(join(tmpdir(), "parley-check-"));
    const file = join(folder, "parley.yaml");
    writeFileSync(file, yaml);
    try {
      const { stdout, stderr } = await run(process.execPath, [join(root, "src/cli/main.ts"), "config", "check", file], { cwd: folder, env: { PATH: process.env["PATH"] ?? "", ...env } });
      return { code: 0, text: stdout + stderr };
    } catch (thrown) {
      const { code, stdout, stderr } = thrown as { code: number; stdout: string; stderr: string };
      return { code, text: stdout + stderr };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  test.each<[string, string, number]>([
    ["a good file", `version: 1\nproviders:\n  house: { kind: openai-compatible, base_url: "http://127.0.0.1:9/v1", api_key: "${KEYS.provider}", models: any }\nkeys:\n  - { name: one, key: "${KEYS.caller}" }\n`, 0],
    ["a secret from the environment", `version: 1\nproviders:\n  house: { kind: openai-compatible, base_url: "http://127.0.0.1:9/v1", api_key: "\${HOUSE_KEY}", models: any }\n`, 0],
    ["two keys that are the same", `version: 1\nsandbox: true\nkeys:\n  - { name: one, key: "${KEYS.caller}" }\n  - { name: two, key: "${KEYS.caller}" }\n`, 1],
    ["a key of the wrong type", `version: 1\nsandbox: true\nkeys:\n  - { name: one, key: ["${KEYS.caller}"] }\n`, 1],
    ["a key that is too short", 'version: 1\nsandbox: true\nkeys:\n  - { name: one, key: "canary.provide" }\n', 1],
    ["a key in the wrong place", `version: 1\nproviders:\n  house: { kind: openai-compatible, base_url: "http://127.0.0.1:9/v1", apikey: "${KEYS.provider}", models: any }\n`, 1],
    ["a key where a list belongs", `version: 1\nproviders:\n  house: { kind: openai-compatible, base_url: "http://127.0.0.1:9/v1", credentials: "${KEYS.provider}", models: any }\n`, 1],
    ["a key in the address", `version: 1\nproviders:\n  house: { kind: openai-compatible, base_url: "http://user:${KEYS.provider}@", models: any }\n`, 1],
    ["a key with a line break", `version: 1\nproviders:\n  house: { kind: openai-compatible, base_url: "http://127.0.0.1:9/v1", api_key: "${KEYS.provider}\\n${KEYS.second}", models: any }\n`, 1],
    ["broken YAML around a key", `version: 1\nproviders:\n  house: { kind: openai-compatible, api_key: "${KEYS.provider}\n`, 1],
    ["a key twice", `version: 1\nproviders:\n  house: { kind: openai-compatible, base_url: "http://127.0.0.1:9/v1", api_key: "${KEYS.provider}", api_key: "${KEYS.second}" }\n`, 1],
  ])("never prints what is secret in %s", async (_name, yaml, code) => {
    const checked = await check(yaml, { HOUSE_KEY: KEYS.provider });
    expect({ ...checked, found: found(checked.text, { ...KEYS, ...CONFIG_ONLY, short: "canary.provide" }) }).toMatchObject({ code, found: [] });
  });
});
