import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { knownNames } from "../src/app.ts";
import { runCli } from "../src/cli/run.ts";

// `config check` shows what stands where a file is wrong, unless that may be a key.

async function check(yaml: string, env: Record<string, string>): Promise<{ code: number; text: string }> {
  const folder = mkdtempSync(join(tmpdir(), "parley-check-"));
  const file = join(folder, "parley.yaml");
  writeFileSync(file, yaml);
  let text = "";
  const out = { write: (words: string) => (text += words) };
  const known = () => Promise.resolve(knownNames());
  const context = { env, cwd: folder, stdout: out, stderr: out, readStdin: () => Promise.resolve(""), known };
  try {
    return { code: await runCli(["config", "check", file], context), text };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type YamlOf = (one: string, two: string) => string;

const house =
  (rest: YamlOf): YamlOf =>
  (one, two) =>
    `version: 1\nproviders:\n  house: { kind: openai-compatible, models: any, ${rest(one, two)} }\n`;
const at = 'base_url: "http://127.0.0.1:9/v1"';
const keys =
  (list: YamlOf): YamlOf =>
  (one, two) =>
    `version: 1\nsandbox: true\nkeys: ${list(one, two)}\n`;

const FILES: Readonly<Record<string, { yaml: YamlOf; code: number }>> = {
  "a good file": { yaml: house((one) => `${at}, api_key: "${one}"`), code: 0 },
  "good fixed keys": { yaml: keys((one, two) => `[{ name: a, key: "${one}" }, { name: b, key: "${two}" }]`), code: 0 },
  "a secret from the environment": { yaml: house(() => `${at}, api_key: "\${HOUSE_KEY}"`), code: 0 },
  "two keys that are the same": {
    yaml: keys((one) => `[{ name: a, key: "${one}" }, { name: b, key: "${one}" }]`),
    code: 1,
  },
  "a key in a list": { yaml: keys((one) => `[{ name: a, key: ["${one}"] }]`), code: 1 },
  "a key that is too short": { yaml: keys((one) => `[{ name: a, key: "${one.slice(0, 15)}" }]`), code: 1 },
  "a key for a fixed key": { yaml: keys((one) => `["${one}"]`), code: 1 },
  "a key for all fixed keys": { yaml: keys((one) => `"${one}"`), code: 1 },
  "a key under another name": { yaml: house((one) => `${at}, apikey: "${one}"`), code: 1 },
  "a key for the credentials": { yaml: house((one) => `${at}, credentials: "${one}"`), code: 1 },
  "a key for a credential": { yaml: house((one, two) => `${at}, credentials: ["${one}", "${two}"]`), code: 1 },
  "a key for a provider": { yaml: (one) => `version: 1\nproviders:\n  house: "${one}"\n`, code: 1 },
  "a key for all providers": { yaml: (one) => `version: 1\nproviders: "${one}"\n`, code: 1 },
  "a key in the address": { yaml: house((one) => `base_url: "http://user:${one}@"`), code: 1 },
  "a key with a line break": { yaml: house((one, two) => `${at}, api_key: "${one}\\n${two}"`), code: 1 },
  "a key twice": { yaml: house((one, two) => `${at}, api_key: "${one}", api_key: "${two}"`), code: 1 },
  "a key without its closing quote": { yaml: house((one) => `${at}, api_key: "${one}`), code: 1 },
};

test.each(Object.entries(FILES))("config check prints no secret of %s", async (name, { yaml, code }) => {
  // Of each file its own, and of no known shape: what one has taught the redaction does not help the next.
  const [one, two] = [1, 2].map((number) => `canary.${Object.keys(FILES).indexOf(name)}.${number}.hunter`) as [
    string,
    string,
  ];
  const checked = await check(yaml(one, two), { HOUSE_KEY: one });
  expect({
    ...checked,
    leaked: [one, two, one.slice(0, 15)].filter((secret) => checked.text.includes(secret)),
  }).toEqual({
    code,
    text: expect.stringMatching(/can be used|Cannot use/),
    leaked: [],
  });
});
