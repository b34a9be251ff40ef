import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { knownNames, startApp, type App } from "../app.ts";
import { loadConfig } from "../config/load.ts";
import { createLog } from "../observe/log.ts";
import { realRuntime } from "../runtime/real.ts";
import { runCli } from "./run.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
let folder: string;
let dataDir: string;
let app: App;
let url: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "parley-cli-"));
  dataDir = join(folder, "data");
  const runtime = realRuntime();
  const argv = ["--port", "0", "--data", dataDir];
  const loaded = loadConfig({ argv, env: {}, cwd: folder, known: knownNames() });
  const log = createLog({ runtime, redact: (text) => text, write: () => {} });
  app = await startApp({ loaded, runtime, log, version: "test" });
  url = `http://127.0.0.1:${app.port}`;
});

afterAll(async () => {
  await app?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(argv: string[], env: Record<string, string> = {}, stdin = ""): Promise<Run> {
  let out = "";
  let err = "";
  const code = await runCli(argv, {
    env,
    cwd: folder,
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
    readStdin: () => Promise.resolve(stdin),
    known: () => Promise.resolve(knownNames()),
  });
  return { code, out, err };
}

describe("runCli", () => {
  test("help lists every command, and a command's help its flags", async () => {
    for (const argv of [[], ["help"], ["--help"]]) {
      const { code, out } = await run(argv);
      expect(code).toBe(0);
      for (const usage of [
        "chat MODEL TEXT",
        "explain [MODEL [TEXT]]",
        "models",
        "config check [FILE]",
        "config schema",
        "key path [admin|local]",
      ]) {
        expect(out).toContain(`  ${usage}  `);
      }
    }
    const { code, out } = await run(["chat", "--help"]);
    expect([code, out.includes("--key-file VALUE"), out.includes("--reasoning")]).toEqual([0, true, true]);
  });

  test.each<[string[], string]>([
    [["cht", "x"], 'Cannot run "cht": there is no such command; did you mean chat?'],
    [["config"], 'Cannot run "config": there is no such command; there is config check and config schema'],
    [["toString"], 'Cannot run "toString": there is no such command; help lists them'],
    [["chat", "m"], "Cannot run chat: expected chat MODEL TEXT"],
    [["chat", "m", "two", "words"], "Cannot run chat: expected chat MODEL TEXT; text with spaces needs quotes"],
    [["models", "--prvider", "x"], "Cannot read the flag --prvider: there is no such flag; models --help lists them"],
    [["models", "--provider"], "Cannot read the flag --provider: it needs a value"],
    [["models", "--url", "ftp://x"], 'Cannot call the gateway: "ftp://x" is no address such as http://127.0.0.1:8080'],
    [["key", "path", "other"], 'Cannot find the key "other": expected admin or local'],
  ])("%j is called wrongly: exit code 2 and a sentence", async (argv, sentence) => {
    expect(await run(argv)).toEqual({ code: 2, out: "", err: `${sentence}\n` });
  });
});

describe("config check", () => {
  test("says what a file that can be used has", async () => {
    writeFileSync(join(folder, "good.yaml"), "version: 1\nsandbox: true\nroutes: { r: { targets: [sandbox/echo] } }\n");
    expect(await run(["config", "check", "good.yaml"])).toEqual({
      code: 0,
      out: "good.yaml can be used: 1 provider, 1 route, 0 fixed keys, 0 policies\n",
      err: "",
    });
  });

  test("lists every problem of a file that cannot, with exit code 1", async () => {
    writeFileSync(join(folder, "bad.yaml"), "version: 1\nsandbx: true\nroutes: { r: { targets: [sandbox/echo] } }\n");
    const path = join(folder, "bad.yaml");
    const { code, out, err } = await run(["config", "check", "bad.yaml"]);
    expect([code, out]).toEqual([1, ""]);
    expect(err).toBe(
      [
        "Cannot use the configuration: 2 problems",
        "",
        `  ${path}:2:1  sandbx`,
        "    unknown key; did you mean sandbox?",
        "",
        `  ${path}:3:26  routes.r.targets[0]`,
        "    the sandbox does not run: add `sandbox: true` at the top of the file",
        "",
      ].join("\n"),
    );
  });

  test("says what the environment gives where there is no file", async () => {
    const { code, out } = await run(["config", "check"], {
      GROQ_API_KEY: "x",
      OLLAMA_HOST: "0.0.0.0",
      GOOGLE_APPLICATION_CREDENTIALS: "/adc.json",
    });
    expect(code).toBe(0);
    expect(out).toMatch(/^There is no configuration file; the environment gives 3 providers, 1 route/);
    expect(out).toMatch(/Note: GOOGLE_APPLICATION_CREDENTIALS is set/);
  });
});

describe("config schema", () => {
  test("prints what parley.schema.json holds; refresh it with `npm run -s parley -- config schema > parley.schema.json`", async () => {
    const { code, out } = await run(["config", "schema"]);
    expect(code).toBe(0);
    expect(readFileSync(join(root, "parley.schema.json"), "utf8")).toBe(out);
  });

  test("accepts parley.example.yaml, as the loader does", async () => {
    const file = join(root, "parley.example.yaml");
    const { out } = await run(["config", "schema"]);
    const validate = new Ajv2020({ strict: false }).compile(JSON.parse(out) as object);
    validate(parse(readFileSync(file, "utf8")));
    expect(validate.errors ?? []).toEqual([]);
    const env = { OPENAI_API_KEY: "sk-x", CI_KEY: "0123456789abcdef" };
    const { code, out: told } = await run(["config", "check", file], env);
    expect([code, told.replace(/^.* can/, "can")]).toEqual([
      0,
      "can be used: 3 providers, 2 routes, 1 fixed key, 2 policies\n",
    ]);
  });
});

describe("models", () => {
  test("lists routes with their targets and models with what is known of them", async () => {
    const { code, out } = await run(["models", "--url", url, "--data", dataDir]);
    expect(code).toBe(0);
    const lines = out.split("\n");
    expect(lines[0]).toMatch(/^failover-demo +route +sandbox\/fault-503 then sandbox\/story$/);
    expect(lines.find((line) => line.startsWith("sandbox/echo"))).toMatch(/^sandbox\/echo +model +Echo/);
  });

  test("keeps to one provider, and says where there is nothing", async () => {
    const env = { PARLEY_BASE_URL: url, PARLEY_DATA: dataDir };
    const { out } = await run(["models", "--provider", "sandbox"], env);
    expect(out.split("\n").filter((line) => line !== "" && !line.startsWith("sandbox/"))).toEqual([]);
    expect(await run(["models", "--provider", "nobody"], env)).toMatchObject({
      out: "",
      err: "There is no model that the key may use\n",
    });
  });

  test("says that no gateway answers, or that the key is wrong, with exit code 1", async () => {
    const env = { PARLEY_API_KEY: "a key that nobody knows" };
    const nowhere = await run(["models", "--url", "http://127.0.0.1:1"], env);
    expect(nowhere).toMatchObject({ code: 1, out: "" });
    expect(nowhere.err).toMatch(/^Cannot list the models: no gateway answers at http:\/\/127\.0\.0\.1:1; start one/);
    const unknown = await run(["models", "--url", url], env);
    expect(unknown.code).toBe(1);
    expect(unknown.err).toMatch(/^Cannot authenticate: the key is unknown.*\(UNAUTHENTICATED, request req_/);
    expect(unknown.err).not.toContain("nobody knows");
  });
});

describe("chat", () => {
  const ask = (argv: string[], stdin = "") => run(["chat", ...argv, "--url", url, "--data", dataDir], {}, stdin);

  test("prints the answer to standard output and what it took to standard error", async () => {
    const { code, out, err } = await ask(["sandbox/echo", "Hello, Parley"]);
    expect([code, out]).toEqual([0, "Hello, Parley\n"]);
    expect(err).toMatch(/^\(sandbox\/echo; \d+ tokens in, \d+ out.*\)\n$/);
  });

  test("reads standard input, and prints reasoning apart", async () => {
    expect((await ask(["sandbox/echo", "-"], "from a pipe")).out).toBe("from a pipe\n");
    const silent = await ask(["sandbox/think", "why"]);
    const aloud = await ask(["sandbox/think", "why", "--reasoning"]);
    expect(aloud.out).toBe(silent.out);
    expect(aloud.err.length).toBeGreaterThan(silent.err.length);
  });

  test("tells of a rescue", async () => {
    const { code, err } = await ask(["failover-demo", "Tell me a story"]);
    expect(code).toBe(0);
    expect(err).toMatch(/^\(sandbox\/story; .*2 attempts\)/);
  });

  test("prints what was delivered of an answer that was cut, then fails", async () => {
    const { code, out, err } = await ask(["sandbox/fault-cut", "Tell me a story"]);
    expect(code).toBe(1);
    expect(out).toMatch(/^01·.*\n$/s);
    expect(err).toMatch(/^Cannot .* \(STREAM_INTERRUPTED, request req_\w+\)\n$/);
  });

  test("fails for a model that does not exist, before anything is printed", async () => {
    const { code, out, err } = await ask(["sandbox-echo", "x"]);
    expect([code, out]).toEqual([1, ""]);
    expect(err).toMatch(/\(MODEL_NOT_FOUND, request req_\w+\)\n$/);
  });

  test("takes the key from a file, the environment or the data folder, in this order", async () => {
    const local = join(dataDir, "local.key");
    const withFile = await run(["chat", "sandbox/echo", "x", "--url", url, "--key-file", local], {
      PARLEY_API_KEY: "bad",
    });
    expect(withFile.code).toBe(0);
    const key = readFileSync(local, "utf8").trim();
    expect((await run(["chat", "sandbox/echo", "x", "--url", url], { PARLEY_API_KEY: key })).code).toBe(0);
    const without = await run(["chat", "sandbox/echo", "x", "--url", url, "--data", join(folder, "none")]);
    expect(without.code).toBe(1);
    expect(without.err).toMatch(/^Cannot read the key file .*none\/admin\.key: ENOENT\. Name a key with --key-file/);
  });
});

describe("key path", () => {
  test("prints where a key file is, and never the key", async () => {
    expect((await run(["key", "path"], { PARLEY_DATA: "data" })).out).toBe(`${join(dataDir, "admin.key")}\n`);
    expect((await run(["key", "path", "local", "--data", dataDir])).out).toBe(`${join(dataDir, "local.key")}\n`);
    expect(await run(["key", "path", "--data", "nowhere"])).toMatchObject({ code: 1, out: "" });
  });
});
