import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";
import { describe, expect, test } from "vitest";
import { configJsonSchema } from "./json-schema.ts";
import { KNOWN } from "./known-names.fixture.ts";

const validate = new Ajv2020({ strict: false, allErrors: true }).compile(configJsonSchema(KNOWN));

describe("configJsonSchema", () => {
  test.each([
    "version: 1",
    'version: 1\nserver: { port: 80, timeouts: { total: 1.5s }, limits: { request: "${SIZE}" }, open: [metrics] }',
    'version: 1\nproviders: { a: { kind: generic, base_url: "http://h", price: 0, models: any, capabilities: { tools: true } } }',
    'version: 1\nproviders: { a: { kind: acme, models: { m: { price: { input: 0.25, output: "1" } } } } }',
    "version: 1\nroutes: { r: { targets: [a/b, { target: a/c }], strategy: ordered } }",
    "version: 1\nroutes: { r: { targets: [{ target: a/b, weight: 0.5, canary: 2 }], constraints: { max_price: { input: 1 } } } }",
    "version: 1\ntasks: { t: { targets: [a/b], affinity: 5m, strategy: balanced, weights: { cost: 2 } } }",
    'version: 1\nkeys: [{ name: n, key: "${K}", policy: p }]\npolicies: { p: { allow_models: ["*"] } }',
  ])("accepts %j", (text) => {
    validate(parse(text));
    expect(validate.errors ?? []).toEqual([]);
  });

  test.each([
    "sandbox: true",
    "version: 2",
    "version: 1\nserver: { prot: 1 }",
    "version: 1\nserver: { port: 70000 }",
    "version: 1\nserver: { timeouts: { total: 15 } }",
    "version: 1\nproviders: { a: { kind: other } }",
    "version: 1\nproviders: { a: { kind: acme, capabilities: { flying: true } } }",
    "version: 1\nroutes: { r: { targets: [a/b], strategy: cheapest } }",
    "version: 1\ncache: {}",
  ])("refuses %j", (text) => expect(validate(parse(text))).toBe(false));

  test("describes every key", () => {
    const undescribed: string[] = [];
    const visit = (node: unknown, path: string): void => {
      if (typeof node !== "object" || node === null) return;
      for (const [key, value] of Object.entries(node)) {
        if (key === "properties") {
          for (const [name, property] of Object.entries(value as Record<string, object>)) {
            const text = JSON.stringify(property);
            if (!("description" in property) && !text.includes('"$ref"')) undescribed.push(`${path}.${name}`);
          }
        }
        visit(value, `${path}.${key}`);
      }
    };
    visit(configJsonSchema(KNOWN), "");
    expect(undescribed).toEqual([]);
  });
});
