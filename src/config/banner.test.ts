import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bannerLines, baseUrl, shellWord, type BannerInput } from "./banner.ts";
import { KNOWN } from "./known-names.fixture.ts";
import { loadConfig } from "./load.ts";

let folder: string;
let dataDir: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "parley-banner-"));
  dataDir = join(folder, "it's a data folder");
  mkdirSync(dataDir);
  writeFileSync(join(dataDir, "local.key"), "parley_the_local_key\n");
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function input(over: Partial<BannerInput> = {}, yaml?: string): BannerInput {
  const { config } = loadConfig({
    argv: ["--data", dataDir],
    env: {},
    cwd: folder,
    known: KNOWN,
    readFile: () => {
      if (yaml !== undefined) return yaml;
      throw Object.assign(new Error("ENOENT"), { code: "ENOENT" });
    },
  });
  return {
    config,
    address: { host: "127.0.0.1", port: 8080 },
    projectDir: "/opt/parley",
    keyFiles: [
      { name: "admin", path: join(dataDir, "admin.key"), newKey: "parley_new_admin" },
      { name: "local", path: join(dataDir, "local.key"), newKey: undefined },
    ],
    notices: ["something to know"],
    isTerminal: false,
    ...over,
  };
}

/** The words that a POSIX shell makes of the pasted line; `curl` and `npm` only print theirs. */
function pasted(line: string): string[] {
  const stub =
    'show() { for word in "$@"; do printf "%s\\0" "$word"; done; }; curl() { show curl "$@"; }; npm() { show npm "$@"; }';
  return execFileSync("sh", ["-c", `${stub}\n${line}`], { cwd: tmpdir(), encoding: "utf8" })
    .split("\0")
    .slice(0, -1);
}

function commands(lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith("  "));
}

describe("bannerLines", () => {
  test("prints the address, where the keys are, the notices and what to paste", () => {
    const lines = bannerLines(input());
    expect(lines[0]).toBe(`Parley listens on http://127.0.0.1:8080 (zero-config, data in ${dataDir})`);
    expect(lines[1]).toBe(`Administrator key: in ${join(dataDir, "admin.key")}`);
    expect(lines[2]).toBe(`Key for chat, 5 USD a day: in ${join(dataDir, "local.key")}`);
    expect(lines[3]).toBe("Note: something to know");
    expect(commands(lines)).toHaveLength(4);
  });

  test("prints a key itself only when it is new and somebody reads along", () => {
    expect(bannerLines(input()).join("\n")).not.toContain("parley_new_admin");
    const lines = bannerLines(input({ isTerminal: true }));
    expect(lines[1]).toBe(`Administrator key: parley_new_admin (kept in ${join(dataDir, "admin.key")})`);
    expect(lines[2]).toBe(`Key for chat, 5 USD a day: in ${join(dataDir, "local.key")}`);
  });

  test("has a line for the REST shim that a shell reads as meant, from any folder", () => {
    const words = pasted(commands(bannerLines(input()))[0] ?? "");
    const body = words.pop() ?? "";
    expect(words).toEqual([
      "curl",
      "-sSN",
      "http://127.0.0.1:8080/v1/chat/completions",
      "-H",
      "authorization: Bearer parley_the_local_key",
      "-H",
      "content-type: application/json",
      "-d",
    ]);
    expect(JSON.parse(body)).toEqual({
      model: "sandbox/story",
      stream: true,
      messages: [{ role: "user", content: "Tell me a story" }],
    });
  });

  test("has a line for the contract with a request that is one", () => {
    const words = pasted(commands(bannerLines(input()))[1] ?? "");
    expect(words).toContain("http://127.0.0.1:8080/parley.v1.ChatService/Generate");
    expect(words).toContain("authorization: Bearer parley_the_local_key");
    const messages = [{ role: "ROLE_USER", parts: [{ text: { text: "Hello, Parley" } }] }];
    expect(JSON.parse(words.at(-1) ?? "")).toEqual({ request: { model: "sandbox/echo", messages } });
  });

  test("has a line for the SDK's example, with what it cannot find by itself", () => {
    const atHome = input({ keyFiles: [{ name: "local", path: "/opt/parley/data/local.key", newKey: undefined }] });
    expect(commands(bannerLines(atHome))[2]).toBe("  npm run example --prefix /opt/parley");
    const elsewhere = commands(bannerLines(input({ address: { host: "0.0.0.0", port: 9 } })))[2] ?? "";
    expect(pasted(elsewhere.replace("npm run", 'npm "$PARLEY_BASE_URL" "$PARLEY_DATA" run'))).toHaveLength(7);
    expect(elsewhere).toMatch(/^ {2}PARLEY_BASE_URL=http:\/\/127\.0\.0\.1:9 PARLEY_DATA='.*' npm run example --prefix/);
  });

  test("has a line to watch a rescue with, where its route exists", () => {
    const words = pasted(commands(bannerLines(input()))[3] ?? "");
    expect(words).toContain("-sSi");
    expect(JSON.parse(words.at(-1) ?? "")).toMatchObject({ model: "failover-demo" });
    expect(commands(bannerLines(input({}, "version: 1\nsandbox: true\n")))).toHaveLength(3);
  });

  test.each([
    ["version: 1\nproviders: { a: { kind: acme, api_key: k } }\nroutes: { r: { targets: [a/m] } }\n", '"model":"r"'],
    ["version: 1\nproviders: { a: { kind: acme, api_key: k, models: [m] } }\n", '"model":"a/m"'],
    ["version: 1\nproviders: { a: { kind: acme, api_key: k } }\n", "/v1/models"],
  ])("asks for a model that the configuration has: %j", (yaml, part) => {
    expect(commands(bannerLines(input({}, yaml)))[0]).toContain(part);
  });
});

test("baseUrl names an address that can be called", () => {
  const url = (host: string, over: Partial<BannerInput> = {}) =>
    baseUrl({ ...input(over), address: { host, port: 1 } });
  expect(["127.0.0.1", "0.0.0.0", "::", "::1", "gateway.local"].map((host) => url(host))).toEqual([
    "http://127.0.0.1:1",
    "http://127.0.0.1:1",
    "http://[::1]:1",
    "http://[::1]:1",
    "http://gateway.local:1",
  ]);
  const { config } = input();
  const server = { ...config.server, tls: { certFile: "/c", keyFile: "/k" } };
  expect(url("h", { config: { ...config, server } })).toBe("https://h:1");
});

test("bannerLines quotes an address in brackets, which some shells would take for a pattern", () => {
  const lines = bannerLines(input({ address: { host: "::1", port: 1 } }));
  expect(commands(lines).filter((line) => line.includes("curl") && !line.includes("'http://[::1]:1/"))).toEqual([]);
});

test("shellWord leaves simple words alone and quotes the rest", () => {
  expect(shellWord("/a/b-c.key")).toBe("/a/b-c.key");
  expect(pasted(`curl ${shellWord("a 'b' $c \"d\" `e` \\ ~")}`)).toEqual(["curl", "a 'b' $c \"d\" `e` \\ ~"]);
});
