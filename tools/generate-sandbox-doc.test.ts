import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { SETTINGS } from "../src/sandbox/model-name.ts";
import { SANDBOX_MODELS } from "../src/sandbox/index.ts";
import { SANDBOX_DOC_PATH, sandboxDoc } from "./generate-sandbox-doc.ts";

describe("docs/sandbox.md", () => {
  test("is what the sandbox's tables say now (npm run gen:docs writes it)", () => {
    expect(readFileSync(SANDBOX_DOC_PATH, "utf8")).toBe(sandboxDoc());
  });

  test("has a line for each model and each setting", () => {
    const lines = sandboxDoc().split("\n");
    const names = [...SANDBOX_MODELS.map((model) => model.name), ...Object.keys(SETTINGS)];
    const missing = names.filter((name) => lines.filter((line) => line.startsWith(`| \`${name}\` |`)).length !== 1);
    expect(missing).toEqual([]);
    const widths = new Set(lines.filter((line) => line.startsWith("|")).map((line) => line.split(/(?<!\\)\|/).length));
    expect(widths).toEqual(new Set([7, 9, 5]));
  });
});
