import { describe, expect, test } from "vitest";
import { knownNames } from "../src/app.ts";
import { loadConfig } from "../src/config/load.ts";
import type { ContentRuleConfig } from "../src/config/config-policies.ts";
import { ConfigError } from "../src/config/problem.ts";

// What a policy may say about content, checked with the very pattern compiler and the kinds that the gateway has.

function load(rule: string): readonly ContentRuleConfig[] {
  const text = `version: 1\nsandbox: true\npolicies:\n  p:\n    content:\n      - { ${rule} }\n`;
  const options = { argv: ["--config", "/c.yaml"], env: { HOOK: "a-secret-of-a-hook" }, cwd: "/", known: knownNames() };
  return loadConfig({ ...options, readFile: () => text }).config.policies[0]!.content;
}

function problems(rule: string): string[] {
  try {
    load(rule);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ line, column, code, key, message }) => `${line}:${column} ${code} ${key}: ${message}`);
  }
}

describe("a content rule", () => {
  test("is one of four kinds", () => {
    expect(load("name: a, on: both, keywords: [x, 'y z'], action: block")[0]).toMatchObject({ keywords: ["x", "y z"] });
    expect(load("name: a, on: input, pattern: 'a.*b', action: mask")[0]).toMatchObject({ pattern: "a.*b" });
    expect(load("name: a, on: output, pii: [email, iban], action: mask, replacement: gone")[0]).toMatchObject({
      pii: ["email", "iban"],
      replacement: "gone",
    });
    const [rule] = load(
      "name: a, on: output, hook: { url: 'http://127.0.0.1:9/x', on_error: allow, secret: '${HOOK}' }",
    );
    expect(rule?.hook).toMatchObject({ timeoutMs: 2000, chunkChars: 2048, onError: "allow" });
    expect(JSON.stringify(rule)).not.toContain("a-secret-of-a-hook");
  });

  test.each([
    ["name: a, on: input, action: mask", /^6:9 missing .*content\[0\]: expected one of keywords, pattern, pii, hook/],
    ["name: a, on: input, keywords: [x], pii: [email], action: mask", /conflict .*pii: a rule has one kind/],
    ["name: a, on: input, keywords: [x]", /missing .*expected action: block or mask/],
    ["name: a, on: inside, keywords: [x], action: mask", /on: expected input, output or both/],
    ["name: a, on: input, keywords: [], action: mask", /keywords: expected at least one/],
    ["name: a, on: input, keywords: [' x'], action: mask", /keywords\[0\]: expected at most 128 characters/],
    ["name: a, on: input, pii: [emial], action: mask", /pii\[0\]: .*did you mean email/],
    ["name: a b, on: input, pii: [email], action: mask", /name: expected a name/],
    [
      "name: a, on: input, pii: [email], action: block, replacement: x",
      /replacement: has no effect with action: block/,
    ],
    ["name: a, on: input, pii: [email], action: block, window: 100", /window: has no effect on a rule with pii/],
    ["name: a, on: input, pattern: x, action: block, window: 100", /window: has no effect on requests/],
    [
      "name: a, on: input, pattern: '(?=x)', action: block",
      /^6:40 invalid_value .*pattern: the pattern uses lookahead/,
    ],
    ["name: a, on: output, pattern: 'a.*b', action: block", /pattern: the pattern can leave any number of characters/],
    [
      "name: a, on: input, hook: { url: 'http://h.example/x', on_error: allow }",
      /hook.url: expected a URL that begins/,
    ],
    ["name: a, on: input, hook: { url: 'https://u:p@h.example/', on_error: allow }", /hook.url: .*without user/],
    ["name: a, on: input, hook: { url: 'https://h.example/' }", /hook.on_error: is missing/],
    ["name: a, on: input, action: mask, hook: { url: 'https://h.example/', on_error: block }", /action: has no effect/],
  ])("%s is refused, with its place", (rule, expected) => {
    expect(problems(rule)).toEqual([expect.stringMatching(expected)]);
  });

  test("has a name of its own in its policy", () => {
    const twice =
      "name: a, on: input, pii: [email], action: mask }\n      - { name: a, on: input, pii: [iban], action: mask";
    expect(problems(twice)).toEqual([expect.stringMatching(/^7:17 conflict .*content\[1\].name: another rule/)]);
  });
});
