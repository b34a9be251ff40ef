import { create, toBinary, toJsonString, type MessageInitShape } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type ChatRequestSchema,
  Effort,
  GenerateRequestSchema,
  Modality,
  RouteService,
  Role,
  textPart,
} from "../src/contract/index.ts";
import { ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { startGateway, type TestGateway } from "./support/gateway.ts";
import { rawDoorsOf, type RawAnswer, type RawDoor } from "./support/raw-doors.ts";
import { startScriptedUpstream, type ScriptedUpstream } from "./support/scripted-upstream.ts";

// What a policy does not permit is refused at every door with the same words, and no provider hears of it.

/** A request that asks for what its key's policy does not permit. */
interface Forbidden {
  /** What the policy says under `permit`; the key is named after the row. */
  readonly permit: string;
  readonly init: Partial<MessageInitShape<typeof ChatRequestSchema>>;
  readonly rest: Record<string, unknown>;
  /** The field by the contract's name, and by the shim's. */
  readonly field: readonly [contract: string, shim: string];
  /** What the message must hold besides. */
  readonly says: string;
  readonly streamOnly?: boolean;
}

const IMAGE = "data:image/png;base64,iVBORw0KGgo=";
const media = (modality: Modality) => ({
  messages: [
    {
      role: Role.USER,
      parts: [
        textPart("Look"),
        {
          kind: {
            case: "media" as const,
            value: { modality, source: { case: "url" as const, value: "https://x.test/y" } },
          },
        },
      ],
    },
  ],
});
const restParts = (part: object) => ({ messages: [{ role: "user", content: [{ type: "text", text: "Look" }, part] }] });
const functionTool = { kind: { case: "function" as const, value: { name: "look", parametersJson: "{}" } } };
const limit = (maxOutputTokens: number) => ({ sampling: { maxOutputTokens } });
const raw = (json: string) => ({ rawParams: [{ provider: "house", json }] });

const FORBIDDEN: Readonly<Record<string, Forbidden>> = {
  streaming: {
    permit: "streaming: false",
    init: {},
    rest: {},
    field: ["stream", "stream"],
    says: "ask for it whole",
    streamOnly: true,
  },
  tools: {
    permit: "tools: false",
    init: { tools: [functionTool] },
    rest: { tools: [{ type: "function", function: { name: "look", parameters: {} } }] },
    field: ["tools", "tools"],
    says: "send none",
  },
  "custom-tools": {
    permit: "tools: false",
    init: { tools: [{ kind: { case: "custom", value: { name: "look" } } }] },
    rest: { tools: [{ type: "custom", custom: { name: "look" } }] },
    field: ["tools", "tools"],
    says: "send none",
  },
  reasoning: {
    permit: "reasoning: false",
    init: { reasoning: { effort: Effort.HIGH } },
    rest: { reasoning_effort: "high" },
    field: ["reasoning.effort", "reasoning_effort"],
    says: "switch it off",
  },
  vision: {
    permit: "vision: false",
    init: media(Modality.IMAGE),
    rest: restParts({ type: "image_url", image_url: { url: IMAGE } }),
    field: ["messages[0].parts[1]", "messages[0].content"],
    says: "send an image",
  },
  documents: {
    permit: "vision: false",
    init: media(Modality.DOCUMENT),
    rest: restParts({ type: "file", file: { file_id: "file-1" } }),
    field: ["messages[0].parts[1]", "messages[0].content"],
    says: "send text only",
  },
  sound: {
    permit: "audio: false",
    init: media(Modality.AUDIO),
    rest: restParts({ type: "input_audio", input_audio: { data: "UklGRg==", format: "wav" } }),
    field: ["messages[0].parts[1]", "messages[0].content"],
    says: "send sound",
  },
  speech: {
    permit: "audio: false",
    init: { output: { modalities: [Modality.TEXT, Modality.AUDIO] } },
    rest: { modalities: ["text", "audio"] },
    field: ["output.modalities", "modalities"],
    says: "ask for sound",
  },
  pictures: {
    permit: "image_generation: false",
    init: { output: { modalities: [Modality.TEXT, Modality.IMAGE] } },
    rest: { modalities: ["text", "image"] },
    field: ["output.modalities", "modalities"],
    says: "ask for images",
  },
  input: {
    permit: "max_input_tokens: 50",
    init: {},
    rest: {},
    field: ["messages", "messages"],
    says: "allows 50",
  },
  output: {
    permit: "max_output_tokens: 50",
    init: limit(51),
    rest: { max_completion_tokens: 51 },
    field: ["sampling.max_output_tokens", "max_completion_tokens"],
    says: "51 tokens of output and the key's policy output allows 50",
  },
  context: {
    permit: "max_context_tokens: 1000",
    init: limit(990),
    rest: { max_completion_tokens: 990 },
    field: ["sampling.max_output_tokens", "max_completion_tokens"],
    says: "allows 1000",
  },
  tier: {
    permit: "cost_tier: standard",
    init: { serviceTier: "priority" },
    rest: { service_tier: "priority" },
    field: ["service_tier", "service_tier"],
    says: "more than standard",
  },
  "unknown-tier": {
    permit: "cost_tier: standard",
    init: { serviceTier: "auto" },
    rest: { service_tier: "auto" },
    field: ["service_tier", "service_tier"],
    says: '"auto"',
  },
  tag: {
    permit: "required_tags: [team, job]",
    init: { tags: { team: "core" } },
    rest: { parley: { tags: { team: "core" } } },
    field: ["tags", "parley.tags"],
    says: "job",
  },
  raw: {
    permit: "raw_params: false",
    init: raw('{"top_a":1}'),
    rest: { parley: { raw_params: { house: { top_a: 1 } } } },
    field: ["raw_params[0]", "parley.raw_params[0]"],
    says: "leave them out",
  },
  "raw-names": {
    permit: "raw_params: [top_a]",
    init: raw('{"top_a":1,"smuggled":true}'),
    rest: { parley: { raw_params: { house: { top_a: 1, smuggled: true } } } },
    field: ["raw_params[0]", "parley.raw_params[0]"],
    says: '"smuggled"',
  },
};

const keyOf = (name: string): string => `key-that-may-not-${name}`;
const answer = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1_790_000_000,
  model: "plain",
  choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
};

let upstream: ScriptedUpstream;
let gateway: TestGateway;
let doors: RawDoor[];

beforeAll(async () => {
  upstream = await startScriptedUpstream(() => ({ body: answer }));
  const rows = Object.entries(FORBIDDEN);
  const yaml = `version: 1
sandbox: true
providers:
  house:
    kind: openai-compatible
    base_url: "${upstream.url}/v1"
    api_key: x
    models:
      plain: { capabilities: { reasoning: false } }
      small: { max_output_tokens: 20, capabilities: { reasoning: false } }
      always: { capabilities: { reasoning: true, reasoning_effort: true }, efforts: [low, high] }
      able: { capabilities: { reasoning: true, reasoning_effort: true }, efforts: [none, low] }
routes:
  either: { targets: [house/always, house/able] }
keys:
  - { name: free, key: a-key-that-may-do-all }
${rows.map(([name]) => `  - { name: ${name}, key: ${keyOf(name)}, policy: ${name} }`).join("\n")}
policies:
${rows.map(([name, { permit }]) => `  ${name}: { permit: { ${permit} } }`).join("\n")}
`;
  gateway = await startGateway({ yaml });
  doors = rawDoorsOf(gateway.port, "unused").filter(({ protocol, codec }) => codec === "json" || protocol !== "rest");
});

afterAll(async () => {
  for (const door of doors) door.close();
  await gateway.close();
  await upstream[Symbol.asyncDispose]();
});

const HELLO = { messages: [{ role: Role.USER, parts: [textPart("Hello")] }] };

function ask(door: RawDoor, key: string, model: string, row: Pick<Forbidden, "init" | "rest">): Promise<RawAnswer> {
  const headers = { authorization: `Bearer ${key}` };
  if (door.protocol === "rest") {
    const body = { model, stream: door.stream, messages: [{ role: "user", content: "Hello" }], ...row.rest };
    return door.ask({ message: JSON.stringify(body), headers });
  }
  const request = { model, ...HELLO, ...row.init } as MessageInitShape<typeof ChatRequestSchema>;
  const message = create(GenerateRequestSchema, { request });
  const schema = GenerateRequestSchema;
  return door.ask({
    message: door.codec === "json" ? toJsonString(schema, message) : toBinary(schema, message),
    headers,
  });
}

test.for(Object.entries(FORBIDDEN))("%s is refused at every door alike, and nobody is called", async ([name, row]) => {
  upstream.seen.length = 0;
  for (const door of doors) {
    if (row.streamOnly && !door.stream) continue;
    const { reason, field, message } = await ask(door, keyOf(name), "house/plain", row);
    const wanted = row.field[door.protocol === "rest" ? 1 : 0];
    expect({ door: door.name, reason, field }).toEqual({ door: door.name, reason: "PERMISSION_DENIED", field: wanted });
    expect(message).toContain(row.says);
    expect(message).toContain(`the key's policy ${name}`);
    expect(message).toContain("permit.");
  }
  expect(upstream.seen).toEqual([]);
});

const restUnary = (): RawDoor => doors.find(({ protocol, stream }) => protocol === "rest" && !stream)!;

test("what a policy permits passes", async () => {
  const allowed: [string, Pick<Forbidden, "init" | "rest">][] = [
    ["output", { init: {}, rest: { max_completion_tokens: 50 } }],
    ["tier", { init: {}, rest: { service_tier: "flex" } }],
    ["tag", { init: {}, rest: { parley: { tags: { team: "core", job: "7" } } } }],
    ["raw-names", { init: {}, rest: { parley: { raw_params: { house: { top_a: 1 } } } } }],
    ["streaming", { init: {}, rest: {} }],
  ];
  for (const [name, row] of allowed) {
    expect([name, (await ask(restUnary(), keyOf(name), "house/plain", row)).reason]).toEqual([name, "NONE"]);
  }
});

test("a request that names no output limit gets the policy's, and is told, unless the model's own is lower", async () => {
  upstream.seen.length = 0;
  const plain = await ask(restUnary(), keyOf("output"), "house/plain", { init: {}, rest: {} });
  expect(plain.headers["x-parley-adaptations"]).toBe("sampling.max_output_tokens");
  const small = await ask(restUnary(), keyOf("output"), "house/small", { init: {}, rest: {} });
  expect(small.headers["x-parley-adaptations"]).toBeUndefined();
  const limits = upstream.seen.map(({ body }) => body.max_completion_tokens ?? body.max_tokens);
  expect(limits).toEqual([50, undefined]);
});

test("where reasoning is forbidden, models that always do are not used, and others are told not to", async () => {
  upstream.seen.length = 0;
  const routed = await ask(restUnary(), keyOf("reasoning"), "either", { init: {}, rest: {} });
  expect(routed.headers["x-parley-model"]).toBe("house/able");
  expect(routed.headers["x-parley-adaptations"]).toBe("reasoning.enabled");
  expect(upstream.seen.map(({ body }) => [body.model, body.reasoning_effort])).toEqual([["able", "none"]]);
  const always = await ask(restUnary(), keyOf("reasoning"), "house/always", { init: {}, rest: {} });
  expect(always.reason).toBe("NO_ELIGIBLE_TARGET");
  expect(always.text).toContain("permit.reasoning");
  expect((await ask(restUnary(), "a-key-that-may-do-all", "either", { init: {}, rest: {} })).headers).toMatchObject({
    "x-parley-model": "house/always",
  });
});

test("Explain refuses what the request itself would be refused", async () => {
  const headers = { authorization: `Bearer ${keyOf("tools")}` };
  const transport = createConnectTransport({ baseUrl: gateway.url, httpVersion: "1.1" });
  const explain = createClient(RouteService, transport).explain(
    { request: { model: "house/plain", ...HELLO, tools: [functionTool] } },
    { headers },
  );
  const thrown = await explain.then(
    () => undefined,
    (error: unknown) => ConnectError.from(error),
  );
  expect(thrown?.rawMessage).toContain("permit.tools");
});
