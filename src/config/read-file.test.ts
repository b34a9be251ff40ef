import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { KNOWN } from "./known-names.fixture.ts";
import { checkFile, type CheckedFile } from "./read-file.ts";

function check(text: string, files: Record<string, string> = {}): CheckedFile {
  return checkFile(text, "/etc/parley.yaml", {
    env: { SET: "from-the-environment", EMPTY: "" },
    known: KNOWN,
    readFile(path) {
      const content = path === "/etc/there.pem" ? "PEM" : files[path];
      if (content !== undefined) return content;
      throw Object.assign(new Error("ENOENT"), { code: "ENOENT" });
    },
  });
}

/** The problems as `line:column code key: message`. */
function told(text: string, files?: Record<string, string>): string[] {
  return check(text, files).problems.map(
    ({ line, column, code, key, message }) => `${line}:${column} ${code} ${key}: ${message}`,
  );
}

/** Bad files as people write them, each with the one problem it has: `=== what`, the file, `=> problem`. */
const BAD_FILES = readFileSync(new URL("fixtures/bad-files.txt", import.meta.url), "utf8")
  .split("\n=== ")
  .slice(1)
  .map((entry) => {
    const [what, ...lines] = entry.split("\n");
    const end = lines.findIndex((line) => line.startsWith("=> "));
    return [
      what,
      lines
        .slice(0, end)
        .map((line) => `${line}\n`)
        .join(""),
      lines[end]?.slice(3),
    ] as const;
  });

const provider = (rest: string): string =>
  `version: 1\nproviders:\n  house: { kind: generic, base_url: "http://h/v1"${rest} }\n`;

describe("checkFile", () => {
  test("has bad files of every kind to read", () => {
    expect(BAD_FILES.length).toBeGreaterThan(75);
  });

  test.each(BAD_FILES)("names the one problem of %s", (_what, text, problem) => {
    expect(told(text)).toEqual([problem]);
  });

  test("names every problem of a file at once, in the order of the file", () => {
    const text = `version: 1
server:
  prot: 80
  timeouts: { total: soon, progress: 0s }
providers:
  house: { kind: generic, api_key: "\${MISSING}", modles: any }
routes:
  fast:
    targets: [hous/a, { target: house/b, shade: 2 }]
    strategy: cheapest
`;
    expect(check(text).problems.map(({ line, key, code }) => `${line} ${key} ${code}`)).toEqual([
      "3 server.prot unknown_key",
      "4 server.timeouts.total invalid_value",
      "4 server.timeouts.progress invalid_value",
      "6 providers.house.base_url missing",
      "6 providers.house.api_key not_found",
      "6 providers.house.modles unknown_key",
      "9 routes.fast.targets[0] not_found",
      "9 routes.fast.targets[1].shade unknown_key",
      "10 routes.fast.strategy not_available",
    ]);
  });

  test("follows aliases, and counts what they unfold to", () => {
    const good = 'version: 1\nproviders:\n  a: &a { kind: generic, base_url: "http://h" }\n  b: *a\n';
    expect(Object.keys(check(good).data?.providers ?? {})).toEqual(["a", "b"]);
    const lines = ["version: 1", "x0: &x0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"];
    for (let i = 1; i < 9; i++) lines.push(`x${i}: &x${i} [${`*x${i - 1}, `.repeat(10)}]`);
    expect(told(lines.join("\n"))).toEqual(["1:1 unreadable : the file has more than 100000 values, aliases unfolded"]);
  });

  test("refuses what is too deep, too large or eats itself", () => {
    expect(told(`version: ${"[".repeat(40)}${"]".repeat(40)}\n`)).toEqual([
      "1:1 unreadable : the file nests deeper than 32 levels",
    ]);
    expect(told(`version: ${"[".repeat(20_000)}\n`)).toEqual(["1:1 unreadable : the file nests deeper than 32 levels"]);
    expect(told("version: &a [*a]\n")).toEqual(["1:1 unreadable : the file nests deeper than 32 levels"]);
    expect(told(`#${"x".repeat(1024 * 1024)}`)).toEqual(["1:1 unreadable : the file is larger than 1 MiB"]);
  });

  test("counts lines of files with a byte order mark and CRLF", () => {
    expect(told("\uFEFFversion: 1\r\nserver:\r\n  port: x\r\n")[0]).toMatch(/^3:9 invalid_value server\.port/);
  });

  test("reads secret files beside itself, without their last line feed", () => {
    const text = provider(', api_key: "${file:s/k}"');
    expect(check(text, { "/etc/s/k": "k e y\n" }).problems).toHaveLength(1);
    expect(check(text, { "/etc/s/k": "k-e-y\r\n" }).data?.providers?.["house"]?.api_key?.reveal()).toBe("k-e-y");
    expect(told(text, { "/etc/s/k": "\n" })[0]).toMatch(/the secret file s\/k is empty$/);
    expect(told(text, { "/etc/s/k": "x".repeat(70_000) })[0]).toMatch(/is larger than 64 KiB$/);
  });
});
