import { renameSync, statSync, symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Role } from "../src/contract/index.ts";
import { storyText } from "../src/sandbox/index.ts";
import { doorsOf, type Door } from "./support/doors.ts";
import { HELD_TEXT, HeldUpstream } from "./support/held-upstream.ts";
import {
  projectDir,
  runToEnd,
  startGatewayProcess,
  startMain,
  strangersPath,
  TestFolder,
  TestProcess,
  type GatewayProcess,
} from "./support/process.ts";

// The gateway as people meet it: a process, what it prints, and what it does with its files.
const timeout = 60_000;
const MADE_KEY = /parley_[0-9A-Za-z]+_[0-9A-Za-z]{20,}/;

/** Public names of the models that a key may use. */
async function modelNames(gateway: GatewayProcess): Promise<string[]> {
  const answer = await fetch(`${gateway.url}/v1/models`, {
    headers: { authorization: `Bearer ${gateway.localKey}` },
  });
  const body = (await answer.json()) as { data: { id: string }[] };
  return body.data.map((model) => model.id);
}

describe("a first start", { timeout }, () => {
  let folder: TestFolder;
  let gateway: GatewayProcess;

  beforeAll(async () => {
    folder = new TestFolder();
    gateway = await startGatewayProcess(folder);
  }, timeout);

  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  /** The printed lines that are meant to be pasted. */
  const pasteable = (): string[] => {
    const lines = gateway.process.stdout.split("\n").filter((line) => line.startsWith("  "));
    return lines.map((line) => line.trim());
  };

  /** Runs a line as somebody who pastes it into a shell, anywhere. */
  const paste = (line: string | undefined) =>
    runToEnd("sh", ["-c", line ?? "exit 1"], {
      cwd: folder.folder("some folder"),
      env: { PATH: strangersPath() },
      isGroup: true,
    });

  test("prints its address, where its keys are, and the lines to try, but no key", () => {
    const { stdout, stderr } = gateway.process;
    expect(stdout).toMatch(/^Parley listens on http:\/\/127\.0\.0\.1:\d+ \(zero-config, data in .*\/data\)\n/);
    expect(stdout).toContain(`Administrator key: in ${join(gateway.dataDir, "admin.key")}\n`);
    expect(stdout).toContain(`Key for chat, 5 USD a day: in ${join(gateway.dataDir, "local.key")}\n`);
    expect(pasteable()).toHaveLength(4);
    expect(stdout + stderr).not.toMatch(MADE_KEY);
    expect(gateway.localKey).toMatch(MADE_KEY);
  });

  test("without a provider's key lists nothing but the sandbox and its route", async () => {
    const names = await modelNames(gateway);
    expect(names).toContain("failover-demo");
    expect(names.filter((name) => !name.startsWith("sandbox/"))).toEqual(["failover-demo"]);
  });

  test("keeps its keys in files that only their owner reads", () => {
    for (const name of ["admin.key", "local.key"]) {
      expect(statSync(join(gateway.dataDir, name)).mode & 0o777).toBe(0o600);
    }
    expect(statSync(gateway.dataDir).mode & 0o777).toBe(0o700);
  });

  test("its first line streams a whole answer through the REST shim", async () => {
    const { code, stdout, stderr } = await paste(pasteable()[0]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.trimEnd().endsWith("data: [DONE]")).toBe(true);
    const chunks = [...stdout.matchAll(/^data: (\{.*\})$/gm)].map(([, json = ""]) => JSON.parse(json));
    expect(chunks.length).toBeGreaterThan(50);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe(storyText);
    expect(chunks.flatMap((chunk) => chunk.choices[0]?.finish_reason ?? [])).toEqual(["stop"]);
  });

  test("its second line answers through the contract", async () => {
    const { code, stdout } = await paste(pasteable()[1]);
    expect(code).toBe(0);
    const { response } = JSON.parse(stdout);
    expect(response.candidates[0].message.parts[0].text.text).toBe("Hello, Parley");
    expect(response.candidates[0].finish.reason).toBe("FINISH_REASON_STOP");
  });

  test("its third line runs the SDK's example", async () => {
    const { code, stdout } = await paste(pasteable()[2]);
    expect({ code, stdout }).toMatchObject({ code: 0 });
    expect(stdout).toContain(storyText);
    expect(stdout).toMatch(/attempt 1, sandbox\/fault-503, \d+ ms: failed/);
    expect(stdout).toMatch(/attempt 2, sandbox\/story, \d+ ms: answered/);
    expect(stdout).toContain("the model says: ");
  });

  test("its last line shows a rescue", async () => {
    const { code, stdout } = await paste(pasteable()[3]);
    expect(code).toBe(0);
    const [head = "", body = ""] = stdout.split("\r\n\r\n");
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(head.toLowerCase()).toContain("\r\nx-parley-attempts: 2\r\n");
    expect(head.toLowerCase()).toContain("\r\nx-parley-model: sandbox/story\r\n");
    expect(JSON.parse(body).choices[0].message.content).toBe(storyText);
  });

  test("a second process on its data folder is refused with one sentence, and the first goes on", async () => {
    const second = await runToEnd("node", [join(projectDir, "src/main.ts"), "--port", "0"], { cwd: folder.path });
    expect(second).toMatchObject({ code: 1, stdout: "" });
    expect(second.stderr).toMatch(
      /^Cannot open the data folder \S+: process \d+ \(since \S+\) uses it; stop that process or choose another .*\n$/,
    );
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
  });

  test("a second process on its port is refused with one sentence", async () => {
    const args = [join(projectDir, "src/main.ts"), "--port", `${gateway.port}`, "--data", folder.folder("other")];
    const second = await runToEnd("node", args, { cwd: folder.path });
    expect(second).toMatchObject({ code: 1, stdout: "" });
    expect(second.stderr).toMatch(/^Cannot listen on 127\.0\.0\.1:\d+: the port is in use; .*--port\n$/);
  });
});

describe("npm start", { timeout }, () => {
  test("runs the gateway with its flags from a shell without the repository's tools, and ends it on SIGTERM", async () => {
    using folder = new TestFolder();
    // A file, so that one of the developer's own in the repository is not read.
    const config = folder.write("parley.yaml", "version: 1\nsandbox: true\nserver: { drain: { accept: 0s } }\n");
    const args = ["start", "--", "--port", "0", "--data", folder.folder("data"), "--config", config];
    await using npm = new TestProcess("npm", args, { cwd: projectDir, env: { PATH: strangersPath() }, isGroup: true });
    const [, url = ""] = await npm.until(/Parley listens on (http:\S+) /);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    npm.signal("SIGTERM");
    await npm.exited;
    await expect(fetch(`${url}/readyz`)).rejects.toThrow("fetch failed");
  });

  test("--help lists the flags and the environment and starts nothing", async () => {
    using folder = new TestFolder();
    const args = [join(projectDir, "src/main.ts"), "--help"];
    const { code, stdout, stderr } = await runToEnd("node", args, { cwd: folder.path });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const flag of ["--config FILE", "--host HOST", "--port N", "--data DIR", "--help"]) {
      expect(stdout).toContain(flag);
    }
    for (const name of ["CONFIG", "HOST", "PORT", "DATA", "ADMIN_KEY"]) expect(stdout).toContain(`PARLEY_${name}`);
    expect(() => statSync(join(folder.path, "data"))).toThrow("ENOENT");
  });
});

describe("a bad configuration file", { timeout }, () => {
  test("ends the start with code 1 and says file, line, column, key and what was expected", async () => {
    using folder = new TestFolder();
    const text =
      'version: 1\nserver:\n  port: eighty\nproviders:\n  house: { kind: opnai, api_key: "top-secret-key" }\n';
    const config = folder.write("gateway.yaml", text);
    const args = [join(projectDir, "src/main.ts"), "--config", config];
    const { code, stdout, stderr } = await runToEnd("node", args, { cwd: folder.path });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^Cannot use the configuration: 2 problems\n/);
    expect(stderr).toMatch(/gateway\.yaml:3:9 {2}server\.port\n {4}expected /);
    expect(stderr).toMatch(/gateway\.yaml:5:18 {2}providers\.house\.kind\n.*did you mean "?openai"?/);
    expect(stderr).not.toContain("top-secret");
    expect(() => statSync(join(folder.path, "data"))).toThrow("ENOENT");
  });
});

describe("a changed configuration", { timeout }, () => {
  const withRoute = (upstream: HeldUpstream, route: string): string =>
    `version: 1\nproviders:\n  ${upstream.yaml}\nroutes: { ${route}: { targets: [held/any] } }\n`;

  /** A stream that has begun, through one door. */
  async function liveStream(door: Door, model: string) {
    const begun = Promise.withResolvers<void>();
    const content = { case: "text", value: { text: "Tell me a story" } } as const;
    const messages = [{ role: Role.USER, parts: [{ kind: content }] }];
    const outcome = door.ask({ model, messages }, undefined, begun.resolve);
    await Promise.race([begun.promise, outcome]);
    return outcome;
  }

  test("is taken over when its file is edited, refused as a whole when it is bad, and cuts no stream", async () => {
    using folder = new TestFolder();
    await using upstream = await HeldUpstream.start();
    await using gateway = await startGatewayProcess(folder, { yaml: withRoute(upstream, "before") });
    const doors = doorsOf(gateway.url, gateway.localKey).filter((door) => door.stream);
    const streams = doors.map((door) => liveStream(door, "before"));
    await upstream.until(({ waiting }) => waiting === doors.length);

    folder.write("parley.yaml", withRoute(upstream, "after"));
    await expect.poll(() => modelNames(gateway), { timeout: 10_000 }).toContain("after");
    expect(await modelNames(gateway)).not.toContain("before");

    folder.write("parley.yaml", withRoute(upstream, "after").replace("routes", "roots"));
    await gateway.process.until(/the changed configuration is refused.*parley\.yaml:4:1.*routes/, "stderr");
    expect(await modelNames(gateway)).toContain("after");

    upstream.letGo();
    for (const outcome of await Promise.all(streams)) {
      expect(outcome).toMatchObject({ end: "completed", text: HELD_TEXT.first + HELD_TEXT.rest, terminals: 1 });
    }
  });

  test("is read again on SIGHUP where watching files does not show it", async () => {
    using folder = new TestFolder();
    await using upstream = await HeldUpstream.start();
    // Two links in a row: the folder of the one in the middle is not watched.
    const [first, second] = ["first", "second"].map((name) => folder.folder(name));
    folder.write("first/real.yaml", withRoute(upstream, "before"));
    folder.write("second/real.yaml", withRoute(upstream, "after"));
    const middle = join(folder.folder("middle"), "link.yaml");
    symlinkSync(join(first ?? "", "real.yaml"), middle);
    symlinkSync(middle, join(folder.path, "parley.yaml"));
    await using gateway = await startGatewayProcess(folder);
    const [door] = doorsOf(gateway.url, gateway.localKey).filter((one) => one.name === "rest stream");
    if (!door) throw new Error("there is no such door");
    const stream = liveStream(door, "before");
    await upstream.until(({ waiting }) => waiting === 1);

    unlinkSync(middle);
    symlinkSync(join(second ?? "", "real.yaml"), `${middle}.new`);
    renameSync(`${middle}.new`, middle);
    expect(await modelNames(gateway)).toContain("before");
    gateway.process.signal("SIGHUP");
    await expect.poll(() => modelNames(gateway), { timeout: 10_000 }).toContain("after");

    upstream.letGo();
    expect(await stream).toMatchObject({ end: "completed", terminals: 1 });
  });
});

describe("zero-config", { timeout }, () => {
  test("lists the models of a provider whose key is in the environment, and does not tell the key", async () => {
    using folder = new TestFolder();
    const env = {
      OPENAI_API_KEY: "sk-test-0123456789abcdef",
      GOOGLE_APPLICATION_CREDENTIALS: "/secrets/adc-0123456789.json",
    };
    await using gateway = await startGatewayProcess(folder, { env });
    const names = await modelNames(gateway);
    expect(names.filter((name) => name.startsWith("openai/")).length).toBeGreaterThan(5);
    expect(names).toContain("openai/gpt-5-mini");
    expect(names).toContain("sandbox/story");
    expect(gateway.process.stdout).toContain(
      "Note: GOOGLE_APPLICATION_CREDENTIALS is set, but Parley does not read it",
    );
    for (const key of Object.values(env)) expect(gateway.process.stdout + gateway.process.stderr).not.toContain(key);
  });
});

describe("npm start -- sandbox", { timeout }, () => {
  test("runs the sandbox alone, prints its address, and ends on SIGTERM", async () => {
    await using sandbox = startMain(["sandbox", "--port", "0"]);
    const [, url = ""] = await sandbox.until(/^Sandbox listens on (http:\S+) /);
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer any" },
      body: JSON.stringify({ model: "echo", messages: [{ role: "user", content: "Hello" }] }),
    });
    expect(await answer.json()).toMatchObject({ choices: [{ message: { content: "Hello" } }] });
    sandbox.signal("SIGTERM");
    expect(await sandbox.exited).toEqual({ code: 0, signal: null });
  });
});
