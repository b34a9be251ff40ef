import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

// Clients that send any body as it is judge requests by their types alone: each golden request must be one of theirs.
// Members that the types do not know are errors, too.

const ROOT = join(import.meta.dirname, "..");
const GOLDENS = join(import.meta.dirname, "goldens/requests");

const CHAT = 'import("openai").OpenAI.ChatCompletionCreateParams';
const RESPONSES = 'import("openai").OpenAI.Responses.ResponseCreateParams';

// The type of each folder's requests.
const TYPE_OF: Readonly<Record<string, string>> = {
  openai: CHAT,
  "azure-openai": CHAT,
  "openai.responses": RESPONSES,
  "azure-openai.responses": RESPONSES,
  anthropic: 'import("@anthropic-ai/sdk").Anthropic.MessageCreateParams',
};

// Members that the types of the Responses API demand and the API does not.
const LEFT_OUT: Readonly<Record<string, string>> = {
  "ResponseReasoningItem: id": "the scenario's history has the encrypted reasoning without its id",
  "ResponseOutputMessage: id, status, type": "an earlier answer of elsewhere has no id; the API takes it by its role",
  "ResponseInputImage: detail": "unset, it is auto",
};

const MISSING =
  /(?:Property '(\w+)' is missing in type .* but required in type '(\w+)'|is missing the following properties from type '(\w+)': (.*))\.?$/;

let folder: string;
let files: string[];
let complaints: { readonly file: string; readonly missing: string; readonly words: string }[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "parley-types-"));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const requests = Object.keys(TYPE_OF).flatMap((kind) =>
    readdirSync(join(GOLDENS, kind)).flatMap((name) => {
      const golden = JSON.parse(readFileSync(join(GOLDENS, kind, name), "utf8")) as { api?: string; body?: unknown };
      const type = TYPE_OF[`${kind}.${golden.api}`] ?? TYPE_OF[kind];
      return golden.body ? [{ file: `${kind}/${name}`, type, body: JSON.stringify(golden.body) }] : [];
    }),
  );
  files = requests.map(({ file }) => file);
  // One line each, so that a complaint's line tells the file.
  const lines = requests.map(({ type, body }, at) => `export const request${at}: ${type} = ${body};`);
  writeFileSync(join(folder, "requests.ts"), lines.join("\n"));
  const settings = "--ignoreConfig --noEmit --strict --exactOptionalPropertyTypes --skipLibCheck --pretty false";
  const target = "--module nodenext --target esnext --types node requests.ts";
  const compiler = join(ROOT, "node_modules/.bin/tsc");
  const { stdout } = await promisify(execFile)(compiler, `${settings} ${target}`.split(" "), { cwd: folder }).catch(
    // Complaints are its output and a failure.
    (error: { readonly stdout: string }) => error,
  );
  complaints = stdout
    .split(/\n(?=\S)/)
    .filter((words) => words.trim() !== "")
    .map((words) => {
      const [, line] = /^requests\.ts\((\d+),/.exec(words) ?? [];
      const [, member, type, otherType, members] = MISSING.exec(words.trim()) ?? [];
      return { file: files[Number(line) - 1] ?? "", missing: `${type ?? otherType}: ${member ?? members}`, words };
    });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the types of the vendors' clients", () => {
  test("allow what our encoders make, but for what is named here", () => {
    expect(complaints.filter(({ file, missing }) => file === "" || LEFT_OUT[missing] === undefined)).toEqual([]);
    const without = new Set(complaints.map(({ file }) => file)).size;
    process.stdout.write(`request types: ${files.length - without} allowed, ${without} but for a named member\n`);
    expect(files.length).toBeGreaterThan(100);
  });

  test("lack no member that they no longer demand", () => {
    const demanded = new Set(complaints.map(({ missing }) => missing));
    expect(Object.keys(LEFT_OUT).filter((missing) => !demanded.has(missing))).toEqual([]);
  });
});
