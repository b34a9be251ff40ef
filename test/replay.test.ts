import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { knownNames } from "../src/app.ts";
import { runCli } from "../src/cli/run.ts";
import { startGateway, type TestGateway } from "./support/gateway.ts";

// What an operator does: explain a request, look at one that went wrong, and try another configuration on yesterday's.
const PROMPT = "canary-prompt-replay-93ad";
const KEY = "replay-team-key-0001";
let folder: string;
let gateway: TestGateway;

const yamlOf = (target: string, allow: string): string => `version: 1
sandbox: true
observability: { decisions: "${join(folder, "decisions.ndjson")}" }
providers:
  house: { kind: openai-compatible, base_url: "http://127.0.0.1:1/v1", price: { input: 1000, output: 1000 }, models: { m: { max_output_tokens: 1000 } } }
  blind: { kind: openai-compatible, base_url: "http://127.0.0.1:1/v1", capabilities: { tools: false }, models: { m: {} } }
routes:
  fast: { targets: [${target}] }
keys:
  - { name: team, key: "${KEY}", policy: team }
policies:
  team: { allow_models: [${allow}] }
`;

async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const code = await runCli(argv, {
    env: { PARLEY_API_KEY: KEY, PARLEY_BASE_URL: gateway.url },
    cwd: folder,
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
    readStdin: () => Promise.resolve(""),
    known: () => Promise.resolve(knownNames()),
  });
  return { code, out, err };
}

async function chat(body: object): Promise<string> {
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ messages: [{ role: "user", content: PROMPT }], ...body }),
  });
  await answer.text();
  return answer.headers.get("x-request-id") ?? "";
}

const tools = [{ type: "function", function: { name: "look_up", description: PROMPT } }];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "parley-replay-"));
  gateway = await startGateway({ yaml: yamlOf("sandbox/echo, sandbox/story", '"*"') });
});

afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("parley explain", () => {
  test("prints where a request would go, and why not elsewhere", async () => {
    const { code, out } = await run("explain", "fast", PROMPT, "--fallbacks", "house/m", "--regions", "eu");
    expect(code).toBe(0);
    expect(out.split("\n")).toEqual([
      "fast is a configured route: ordered order, delivery commit, at most 3 attempts",
      expect.stringMatching(/^The request: about \d+ tokens in, at most \d+; no output limit$/),
      "",
      expect.stringMatching(/^ {2}- {2}sandbox\/echo {3}excluded by routing\.constraints\.regions: /),
      expect.stringMatching(/^ {2}- {2}sandbox\/story {2}excluded by routing\.constraints\.regions: /),
      expect.stringMatching(/^ {2}- {2}house\/m {8}excluded by routing\.constraints\.regions: /),
      "",
      "Cannot route the request: routing.constraints.regions excludes 3 (NO_ELIGIBLE_TARGET)",
      "",
    ]);
    expect(gateway.sandbox.books.totals.attempts).toBe(0);
  });

  test("reads a request from a file, whose model and limits the command line may replace", async () => {
    const message = { role: "ROLE_USER", parts: [{ text: { text: "Hi" } }] };
    writeFileSync(join(folder, "request.json"), JSON.stringify({ request: { model: "fast", messages: [message] } }));
    const first = await run("explain", "--request", "request.json");
    expect(first.out).toMatch(
      /^fast is a configured route.*\n.*\n\n {2}1 {2}sandbox\/echo .*\n {2}2 {2}sandbox\/story /,
    );
    const second = await run("explain", "house/m", "--request", "request.json", "--max-output-tokens", "10");
    // A thousand dollars per million: a million nano-USD per token.
    const bound = Number(/at most (\d+); at most 10 out/.exec(second.out)?.[1]);
    expect(second.out).toMatch(/^house\/m is a model of a configured provider: /);
    expect(second.out).toContain(`  1  house/m  at most $${(bound + 10) / 1000}`);
  });

  test("prints what became of a request", async () => {
    const requestId = await chat({ model: "sandbox/fault-503", models: ["fast"] });
    const { out } = await run("explain", "--trace", requestId);
    expect(out).toMatch(
      /\n {2}1 {2}sandbox\/fault-503 .*headers in \d+ ms, over in \d+ ms; PROVIDER_OVERLOADED: Cannot /,
    );
    expect(out).toMatch(/\n {2}2 {2}sandbox\/echo .*; answered\n\nServed by sandbox\/echo, \d+ ms in all\n$/);
  });

  test.each<[string[], string]>([
    [["explain"], "Cannot explain nothing: name a model, or --request FILE, or --trace ID"],
    [["explain", "fast", "--trace", "req_1"], "Cannot explain both: --trace takes the place of a model"],
    [
      ["explain", "fast", "--max-output-tokens", "x"],
      "Cannot read the flag --max-output-tokens: expected a number of tokens",
    ],
    [["explain", "--request", "nothing.json"], "Cannot read the request "],
    [["explain", "--trace", "req_1"], "Cannot find the trace: no request of this key has this id"],
    [["replay"], "Cannot replay: both --decisions FILE and --config FILE are needed"],
    [["replay", "--decisions", "nothing", "--config", "x"], "Cannot read the decisions "],
  ])("%j says what is wrong", async (argv, sentence) => {
    const { code, err } = await run(...argv);
    expect(code).toBeGreaterThan(0);
    expect(err).toContain(sentence);
  });
});

describe("parley replay", () => {
  let path: string;

  beforeAll(async () => {
    await chat({ model: "fast" });
    await chat({ model: "fast", tools });
    await chat({ model: "sandbox/story", max_completion_tokens: 5 });
    // Refused before there are targets: nothing to replay.
    await chat({ model: "nobody/nothing" });
    path = join(folder, "decisions.ndjson");
    await gateway.close();
  });

  const replayed = (yaml: string): ReturnType<typeof run> => {
    writeFileSync(join(folder, "other.yaml"), yaml);
    return run("replay", "--decisions", path, "--config", "other.yaml");
  };

  test("what is recorded holds no content", () => {
    const text = readFileSync(path, "utf8");
    expect(text.trimEnd().split("\n")).toHaveLength(4);
    expect(text).not.toContain(PROMPT);
    expect(text).not.toContain("look_up");
    expect(text).not.toContain(KEY);
  });

  test("the same configuration decides the same, at the same cost", async () => {
    const { code, out } = await replayed(yamlOf("sandbox/echo, sandbox/story", '"*"'));
    expect(code).toBe(0);
    expect(out).toContain("\n  4 as recorded, 0 elsewhere, 0 refused\n");
    const [, count, before, after] =
      /Cost of (\d) answers: (\$[\d.]+) recorded, (\$[\d.]+) replayed\n$/.exec(out) ?? [];
    expect([count, after]).toEqual(["4", before]);
    expect(before).not.toBe("$0");
  });

  test("another one shows what goes elsewhere, what is refused, and what it costs", async () => {
    const moved = await replayed(yamlOf("house/m", '"*"'));
    expect(moved.out).toContain("\n  2 as recorded, 2 elsewhere, 0 refused\n");
    expect(moved.out).toMatch(/\nElsewhere\n {2}2 {2}fast: sandbox\/echo -> house\/m, \$0\.\d+ -> \$[\d.]+\n/);
    const blind = await replayed(yamlOf("blind/m", '"*"'));
    expect(blind.out).toContain("\n  2 as recorded, 1 elsewhere, 1 refused\n");
    expect(blind.out).toMatch(/\nRefused\n {2}1 {2}fast: sandbox\/echo -> UNSUPPORTED_CAPABILITY, Cannot honour tools/);
    expect(blind.out).toMatch(/; 2 more are refused or have no price on one side\n$/);
  });

  test("the other one's policies hold for its keys", async () => {
    const { out } = await replayed(yamlOf("sandbox/echo", '"fast"'));
    expect(out).toContain("\n  2 as recorded, 0 elsewhere, 2 refused\n");
    expect(out).toContain("  1  sandbox/story: sandbox/story -> MODEL_NOT_ALLOWED, ");
  });

  test("lines that are no decisions are counted, and a file without any is refused", async () => {
    const text = readFileSync(path, "utf8");
    path = join(folder, "damaged.ndjson");
    writeFileSync(path, `{"version":2}\n${text}{"version":1,"at":`);
    const { code, err, out } = await replayed(yamlOf("sandbox/echo", '"*"'));
    expect([code, err]).toEqual([0, `2 lines of ${path} are no decisions and were left out\n`]);
    expect(out).toContain("4 decisions from ");
    writeFileSync(path, "{}\n");
    expect((await replayed(yamlOf("sandbox/echo", '"*"'))).err).toContain("it holds no recorded decision");
  });
});
