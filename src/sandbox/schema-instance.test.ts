import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { expect, test } from "vitest";
import { instanceOf } from "./schema-instance.ts";

const person = {
  type: "object",
  properties: { name: { type: "string", minLength: 6 }, age: { type: "integer", minimum: 18 } },
  required: ["name", "age"],
  additionalProperties: false,
};

test.each<[string, object]>([
  ["an object with required and optional members", person],
  ["a required member without a schema", { type: "object", required: ["free"] }],
  ["a list", { type: "array", items: person, minItems: 2, maxItems: 3 }],
  ["a list of different things", { type: "array", items: { enum: [1, 2] }, minItems: 1, uniqueItems: true }],
  ["a tuple", { type: "array", prefixItems: [{ type: "string" }, { type: "number" }], items: false, minItems: 2 }],
  [
    "numbers within bounds",
    { type: "object", properties: { a: { type: "number", exclusiveMinimum: 0, maximum: 0.5 } } },
  ],
  ["a multiple", { type: "integer", minimum: 10, multipleOf: 7 }],
  ["a negative number", { type: "integer", maximum: -3 }],
  ["a constant", { const: { a: 1 } }],
  ["words", { enum: ["red", "green"] }],
  ["types in a list", { type: ["null", "boolean"] }],
  ["formats", { type: "object", properties: { at: { format: "date-time" }, to: { type: "string", format: "email" } } }],
  ["a short text", { type: "string", maxLength: 2 }],
  ["a choice", { anyOf: [{ type: "null" }, person] }],
  ["a choice that adds to the object", { type: "object", properties: { a: {}, b: {} }, oneOf: [{ required: ["a"] }] }],
  ["all of several", { allOf: [person, { type: "object", properties: { tag: { const: 1 } }, required: ["tag"] }] }],
  ["references", { $ref: "#/$defs/person", $defs: { person } }],
  [
    "a tree that ends in null",
    {
      $ref: "#/$defs/node",
      $defs: { node: { type: ["object", "null"], properties: { left: { $ref: "#/$defs/node" } } } },
    },
  ],
])("instanceOf makes %s", (_, schema) => {
  const given = schema as { allOf?: unknown };
  // Two closed objects cannot be put together, hence this one is opened.
  const checked = given.allOf ? { allOf: [{ ...person, additionalProperties: true }, { required: ["tag"] }] } : schema;
  const check = addFormats.default(new Ajv2020({ strict: false })).compile(checked);
  const value = instanceOf(schema);
  expect({ value, problems: check(value) ? null : check.errors }).toEqual({ value, problems: null });
});

test("instanceOf ends on schemas that never do", () => {
  const names = Array.from({ length: 10 }, (_, index) => `p${index}`);
  const properties = Object.fromEntries(names.map((name) => [name, { $ref: "#" }]));
  expect(JSON.stringify(instanceOf({ type: "object", properties, required: names })).length).toBeLessThan(100_000);
  expect(instanceOf({ allOf: [{ $ref: "#" }] })).toBeNull();
  expect(instanceOf({ anyOf: [{ $ref: "#" }] })).toBeNull();
});

test("instanceOf keeps a member named __proto__ a member", () => {
  const schema = JSON.parse('{"type":"object","properties":{"__proto__":{"type":"integer"}}}') as unknown;
  expect(JSON.stringify(instanceOf(schema))).toBe('{"__proto__":1}');
});
