import { describe, expect, test } from "vitest";
import { helpText, readFlags } from "./flags.ts";
import { ConfigError } from "./problem.ts";

function problemsOf(argv: string[]): string[] {
  try {
    readFlags(argv);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ key, message }) => `${key}: ${message}`);
    throw error;
  }
  return [];
}

describe("readFlags", () => {
  test("reads every flag, with a space or an equals sign", () => {
    expect(readFlags(["--config=c.yaml", "--host", "h", "--port", "1", "--data=d"])).toEqual({
      command: "serve",
      config: "c.yaml",
      host: "h",
      port: "1",
      data: "d",
    });
    expect(readFlags(["--admin-host", "h", "--admin-port=2"])).toMatchObject({ adminHost: "h", adminPort: "2" });
    expect(readFlags(["sandbox", "--port", "1"])).toMatchObject({ command: "sandbox", port: "1" });
  });

  test.each([["--help"], ["-h"], ["sandbox", "--help"], ["--nonsense", "--help"]])("%s %s asks for help", (...argv) => {
    expect(readFlags(argv).command).toBe("help");
  });

  test.each<[string[], string]>([
    [["--prot", "1"], "--prot: unknown flag; did you mean --port?"],
    [["--verbose"], "--verbose: unknown flag; --help lists the flags"],
    [["-p", "1"], "-p: unknown flag; --help lists the flags"],
    [["--port"], "--port: expected a value after it"],
    [["--port="], "--port: expected a value after it"],
    [["--port", "1", "--port", "2"], "--port: the flag stands twice"],
    [["sandbx"], "sandbx: unknown command; did you mean sandbox?"],
    [["sandbox", "--admin-port", "1"], "--admin-port: the sandbox on its own does not use it: remove it"],
    [["sandbox", "--config", "x"], "--config: the sandbox on its own does not use it: remove it"],
  ])("%j: %s", (argv, problem) => expect(problemsOf(argv)[0]).toBe(problem));

  test("tells every mistake at once", () => {
    expect(problemsOf(["--prot", "--port", "1", "--admin-port="])).toHaveLength(2);
  });
});

describe("helpText", () => {
  test("lists every setting with its flag, variable and default", () => {
    const rows: [string, string, string][] = [
      ["--config FILE", "PARLEY_CONFIG", "./parley.yaml if there is one, else none"],
      ["--host HOST", "PARLEY_HOST", "127.0.0.1"],
      ["--port N", "PARLEY_PORT", "8080"],
      ["--data DIR", "PARLEY_DATA", "./data"],
      ["", "PARLEY_ADMIN_KEY", "admin.key"],
      ["--admin-host HOST", "", "127.0.0.1, with --admin-port"],
      ["--admin-port N", "", "the main one"],
      ["", "PARLEY_REDIS_URL", "none: in the process"],
      ["", "PARLEY_DATABASE_URL", "none: SQLite in DIR"],
    ];
    const lines = helpText().split("\n");
    for (const row of rows) {
      expect(lines.filter((line) => row.every((cell) => line.includes(cell)))).toHaveLength(1);
    }
    expect(lines.filter((line) => / \* {2,}/.test(line))).toHaveLength(0);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120);
  });
});
