import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startGateway } from "../../test/support/gateway.ts";
import { sandboxScripts } from "./sandbox-scripts.ts";
import { ScriptedGateway } from "./scripted-gateway.ts";

const example = fileURLToPath(new URL("../examples/quickstart.ts", import.meta.url));
const apiKey = "parley_test_key";

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let gateway: ScriptedGateway;
let folder: string;

beforeAll(async () => {
  gateway = await ScriptedGateway.start(sandboxScripts, apiKey);
  folder = await mkdtemp(join(tmpdir(), "parley-example-"));
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function runExample(env: Readonly<Record<string, string>>): Promise<Ended> {
  const { PATH = "", NODE_COMPILE_CACHE = "" } = process.env;
  const options = { cwd: folder, env: { PATH, NODE_COMPILE_CACHE, ...env }, timeout: 20_000 };
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, [example], options, (error, stdout, stderr) => {
      if (child.exitCode === null) reject(error ?? new Error("the example did not end"));
      else resolve({ code: child.exitCode, stdout, stderr });
    });
  });
}

describe("quickstart", { timeout: 60_000 }, () => {
  test("streams a story, shows a rescue and runs a tool", async () => {
    const { code, stdout, stderr } = await runExample({ PARLEY_BASE_URL: gateway.url, PARLEY_API_KEY: apiKey });
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toContain("Once upon a time");
    expect(stdout).toContain("attempt 1, sandbox/fault-503, 3 ms: failed: The provider is overloaded");
    expect(stdout).toContain("attempt 2, sandbox/story, 12 ms: answered");
    expect(stdout).toContain('the model calls weather({"city":"Rome"})');
    expect(stdout).toContain('the model says: The tool said {"celsius":21,"sky":"clear"}');
  });

  test("runs against a gateway without a configuration file", async () => {
    const real = await startGateway();
    const { code, stdout, stderr } = await runExample({ PARLEY_BASE_URL: real.url, PARLEY_API_KEY: real.localKey });
    await real.close();
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("01·Every 02·night 03·the");
    expect(stdout).toMatch(/attempt 1, sandbox\/fault-503, \d+ ms: failed: .*503/);
    expect(stdout).toMatch(/attempt 2, sandbox\/story, \d+ ms: answered/);
    expect(stdout).toMatch(/the model says: .*celsius/);
  });

  test("finds the key that the gateway has made", async () => {
    await writeFile(join(folder, "local.key"), `${apiKey}\n`);
    const { code } = await runExample({ PARLEY_BASE_URL: gateway.url, PARLEY_DATA: folder });
    expect(code).toBe(0);
  });

  test("says in a sentence what is missing: a gateway, a key, the right key", async () => {
    const noGateway = await runExample({ PARLEY_BASE_URL: "http://127.0.0.1:9", PARLEY_API_KEY: apiKey });
    expect(noGateway).toMatchObject({ code: 1 });
    expect(noGateway.stderr).toMatch(/^No gateway answers at http:\/\/127.0.0.1:9\. Start one with "npm start".*\n$/);
    const noKey = await runExample({ PARLEY_BASE_URL: gateway.url, PARLEY_DATA: "/nonexistent" });
    expect(noKey).toMatchObject({ code: 1 });
    expect(noKey.stderr).toMatch(/^There is no key: .*npm start.*\n$/);
    const wrongKey = await runExample({ PARLEY_BASE_URL: gateway.url, PARLEY_API_KEY: "parley_wrong_key" });
    expect(wrongKey).toMatchObject({ code: 1 });
    expect(wrongKey.stderr).toMatch(/^The gateway at .* does not know this key\..*\n$/);
    expect(wrongKey.stderr).not.toContain("parley_wrong_key");
  });
});
