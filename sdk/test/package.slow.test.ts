import { afterAll, beforeAll, expect, test } from "vitest";
import { startGateway } from "../../test/support/gateway.ts";
import { PackedConsumer, readmeBlocks, tool } from "./packed-consumer.ts";

let consumer: PackedConsumer;

beforeAll(async () => {
  consumer = await PackedConsumer.install();
  for (const [index, block] of (await readmeBlocks()).entries()) await consumer.write(`readme-${index}.ts`, block);
});

afterAll(() => consumer?.[Symbol.asyncDispose]());

test("the packed SDK passes publint and attw", async () => {
  const lint = await tool("publint", ["run", consumer.stage, "--strict"], consumer.folder);
  expect(lint.stdout).toContain("All good!");
  const types = await tool("attw", [consumer.tarball, "--profile", "esm-only"], consumer.folder);
  expect(types.stdout.match(/(node16 \(from ESM\)|bundler): 🟢/g)).toHaveLength(8);
});

test("a program that installed it compiles as bundlers resolve it, README included", async () => {
  await expect(consumer.compile("bundler")).resolves.toBeUndefined();
});

test("every code block of the README runs against a gateway", async () => {
  const blocks = await readmeBlocks();
  const real = await startGateway();
  try {
    const realEnv = { PARLEY_BASE_URL: real.url, PARLEY_API_KEY: real.localKey };
    const outputs = await Promise.all(blocks.map((_, index) => consumer.run(`readme-${index}.ts`, realEnv)));
    for (const [index, { stdout, stderr }] of outputs.entries()) {
      expect({ block: blocks[index], stderr }).toMatchObject({ stderr: "" });
      expect(stdout).not.toBe("");
    }
  } finally {
    await real.close();
  }
});
