import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PackedConsumer, readmeBlocks } from "./packed-consumer.ts";
import { sandboxScripts } from "./sandbox-scripts.ts";
import { ScriptedGateway } from "./scripted-gateway.ts";

// The linters of packages, bundlers' resolution and a real gateway are the slow suite's.
const apiKey = "parley_test_key";

// What each block of the README prints, in their order.
const printed = [
  /^Hello, Parley\nstory 5 undefined\n$/,
  /^Once upon a time1 attempt\(s\)\n$/,
  /^Once upon a time\n8 events, 5 tokens\n$/,
  /^weather Rome\nThe tool said \{"celsius":21\}\n$/,
  /^MODEL_NOT_FOUND caller model req_1\n\[\]\n$/,
  /^CANCELLED\n$/,
  /^failover-demo route unknown\nsandbox\/page-1 /,
  /^1 sandbox\/fault-503\n2 sandbox\/story\n1 3\n$/,
  /^Hello from fetch\n$/,
  /^Hello\nMODEL_NOT_FOUND\n$/,
];

const typeChecks = `
import { ChatStream, collect, createParley, textOf, user, type Parley, type StreamEvent } from "@parley-gateway/sdk";
import { createParley as createNodeParley } from "@parley-gateway/sdk/node";
import { createParley as createBrowserParley } from "@parley-gateway/sdk/browser";

export async function typed(parley: Parley): Promise<string> {
  const stream: ChatStream = parley.chat.stream({ model: "m", messages: [user("x")] });
  const events: AsyncIterable<StreamEvent> = stream;
  // @ts-expect-error a field that the contract does not have
  await parley.chat.generate({ model: "m", messages: [], temprature: 1 });
  // @ts-expect-error an unknown protocol
  createParley({ baseUrl: "http://x", protocol: "soap" });
  // @ts-expect-error the browser has no httpVersion
  createBrowserParley({ baseUrl: "http://x", httpVersion: "2" });
  createNodeParley({ baseUrl: "http://x", httpVersion: "1.1", tls: { ca: "" } });
  return textOf(await collect(events));
}
`;

const leavesEarly = `
import { createParley, user } from "@parley-gateway/sdk";
const parley = createParley({ baseUrl: process.env.PARLEY_BASE_URL!, apiKey: process.env.PARLEY_API_KEY! });
for await (const text of parley.chat.stream({ model: "sandbox/story", messages: [user("x")] }).text()) {
  console.log("left after", text);
  break;
}
`;

const entryProbe = `
import { createParley } from "@parley-gateway/sdk";
try {
  createParley({ baseUrl: "http://127.0.0.1:1", protocol: "grpc" });
  console.log("node");
} catch {
  console.log("browser");
}
`;

let consumer: PackedConsumer;
let gateway: ScriptedGateway;
let env: Record<string, string>;

beforeAll(async () => {
  gateway = await ScriptedGateway.start(sandboxScripts, apiKey);
  env = { PARLEY_BASE_URL: gateway.url, PARLEY_API_KEY: apiKey };
  consumer = await PackedConsumer.install();
  for (const [index, block] of (await readmeBlocks()).entries()) await consumer.write(`readme-${index}.ts`, block);
  await consumer.write("types.ts", typeChecks);
  await consumer.write("leaves-early.ts", leavesEarly);
  await consumer.write("probe.ts", entryProbe);
}, 60_000);

afterAll(async () => {
  await consumer?.[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
});

test("a program that installed it compiles, README included", { timeout: 30_000 }, async () => {
  await expect(consumer.compile("nodenext")).resolves.toBeUndefined();
});

test("every code block of the README runs and prints what it says", { timeout: 60_000 }, async () => {
  const blocks = await readmeBlocks();
  expect(blocks).toHaveLength(printed.length);
  const outputs = await Promise.all(blocks.map((_, index) => consumer.run(`readme-${index}.ts`, env)));
  for (const [index, { stdout, stderr }] of outputs.entries()) {
    expect({ block: blocks[index], stderr }).toMatchObject({ stderr: "" });
    expect(stdout).toMatch(printed[index] ?? /no pattern/);
  }
});

test("a program that leaves a stream early ends by itself", { timeout: 30_000 }, async () => {
  expect((await consumer.run("leaves-early.ts", env)).stdout).toBe("left after Once\n");
});

test(
  "the package's exports choose Node's client, the browser's, and the browser's elsewhere",
  { timeout: 30_000 },
  async () => {
    expect((await consumer.run("probe.ts", env)).stdout).toBe("node\n");
    expect((await consumer.run("probe.ts", env, ["--conditions=browser"])).stdout).toBe("browser\n");
  },
);

test("a bundle for browsers carries nothing of Node", { timeout: 30_000 }, async () => {
  const input = `${consumer.folder}/readme-0.ts`;
  const output = await build({
    root: consumer.folder,
    configFile: false,
    logLevel: "silent",
    build: { write: false, minify: false, target: "esnext", rolldownOptions: { input } },
  });
  if (!("output" in output)) throw new Error("vite gave no bundle");
  const code = output.output.map((chunk) => ("code" in chunk ? chunk.code : "")).join("");
  expect(code).toContain("parley.v1.ChatService");
  expect(code).not.toMatch(/node:http|__vite-browser-external/);
});
