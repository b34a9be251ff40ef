import { describe, expect, test } from "vitest";
import { readOptions } from "./options.ts";
import { scenarioNames } from "./scenarios.ts";

describe("readOptions", () => {
  test("runs everything, five rounds, unless told otherwise", () => {
    expect(readOptions([])).toMatchObject({ only: scenarioNames, rounds: 5, gate: false, profile: false });
  });

  test("takes names and the beginning of names", () => {
    expect(readOptions(["--only", "unary,connect"])?.only).toEqual([
      "unary",
      "connect-json",
      "connect-binary",
      "connect-stream",
    ]);
  });

  test("routing stands for no scenario, and is measured unless others are chosen", () => {
    expect(readOptions([])?.routing).toBe(true);
    expect(readOptions(["--only", "routing"])).toMatchObject({ only: [], routing: true });
    expect(readOptions(["--only", "unary"])).toMatchObject({ only: ["unary"], routing: false });
  });

  test.each([
    [["--only", "unry"], "--only names unry"],
    [["--rounds", "0"], "Cannot run 0 rounds"],
    [["--rounds", "1.5"], "Cannot run 1.5 rounds"],
    [["--fast"], "--fast"],
  ])("refuses %o", (args, message) => {
    expect(() => readOptions(args)).toThrow(message);
  });

  test("gives nothing when help is asked for", () => {
    expect(readOptions(["--help"])).toBeUndefined();
  });
});
