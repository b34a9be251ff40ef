import { describe, expect, test } from "vitest";
import { jsonText } from "../json-text.ts";
import { jsonTree } from "../json-tree.ts";
import { compileSchema } from "./compile-schema.ts";
import { encode, unsupportedFields } from "./request.fixture.ts";
import { targetWith } from "./target.fixture.ts";

function compiled(schema: unknown, dialect: "json_schema" | "openapi"): [unknown, string[]] {
  const text = typeof schema === "string" ? schema : JSON.stringify(schema);
  const { schema: out, removed } = compileSchema(jsonTree(text)!, dialect);
  return [
    JSON.parse(jsonText(out)),
    removed.map(({ place, keyword, constrains }) => `${place} ${keyword}${constrains ? " !" : ""}`),
  ];
}

describe("compileSchema for the JSON Schema dialect", () => {
  test("compileSchema keeps what the service knows, word for word", () => {
    const text =
      '{"type":"object","z":{},"10":1,"properties":{"b":{"type":"integer","minimum":-9007199254740993},"$ref":{"type":"string"}},' +
      '"$defs":{"x":{"$ref":"#/$defs/x"}},"required":["b"],"propertyOrdering":["b"],"additionalProperties":{"type":["string","null"]}}';
    const { schema, removed } = compileSchema(jsonTree(text)!, "json_schema");
    expect(jsonText(schema)).toBe(text.replace('"z":{},"10":1,', ""));
    expect(removed.map(({ keyword, constrains }) => [keyword, constrains])).toEqual([
      ["z", false],
      ["10", false],
    ]);
  });

  test.each([
    [{ type: "string", pattern: "a", minLength: 1 }, { type: "string" }, ["# pattern !", "# minLength !"]],
    [
      { $schema: "x", default: 1, examples: [], deprecated: true, type: "string" },
      { type: "string" },
      ["# $schema", "# default", "# examples", "# deprecated"],
    ],
    [{ const: "a" }, { enum: ["a"] }, []],
    [{ const: true }, {}, ["# const !"]],
    [{ const: "a", enum: ["a", "b"] }, { enum: ["a"] }, ["# enum !"]],
    [{ enum: ["a", "b"], const: "a" }, { enum: ["a", "b"] }, ["# const !"]],
    [
      { allOf: [{ type: "string" }], not: {}, oneOf: [{ if: {} }] },
      { oneOf: [{}] },
      ["# allOf !", "# not !", "#/oneOf/0 if !"],
    ],
    [
      { $ref: "#/definitions/a", description: "d", maxItems: 1, definitions: { a: { const: 1 } } },
      { $ref: "#/$defs/a" },
      ["# description", "# maxItems !", "# definitions"],
    ],
    [
      { definitions: { a: { pattern: "x" } }, items: { $ref: "#/definitions/a" } },
      { $defs: { a: {} }, items: { $ref: "#/$defs/a" } },
      ["#/definitions/a pattern !"],
    ],
    [
      { prefixItems: [{ uniqueItems: true }], items: false, additionalProperties: false },
      { prefixItems: [{}], items: false, additionalProperties: false },
      ["#/prefixItems/0 uniqueItems !"],
    ],
    [true, true, []],
  ])("compileSchema of %j is %j and loses %j", (schema, out, lost) => {
    expect(compiled(schema, "json_schema")).toEqual([out, lost]);
  });
});

describe("compileSchema for the OpenAPI dialect", () => {
  const tree = { $defs: { n: { type: "object", properties: { next: { $ref: "#/$defs/n" } } } }, $ref: "#/$defs/n" };

  test.each([
    [{ type: ["string", "null"], minLength: 1 }, { type: "string", nullable: true, minLength: 1 }, []],
    [{ type: ["string"] }, { type: "string" }, []],
    [{ type: ["string", "integer"] }, { anyOf: [{ type: "string" }, { type: "integer" }] }, []],
    [
      { type: ["string", "integer"], anyOf: [{ minLength: 1 }] },
      { anyOf: [{ type: "string" }, { type: "integer" }] },
      ["# anyOf !"],
    ],
    [{ oneOf: [{ const: "a" }, { type: "null" }] }, { anyOf: [{ enum: ["a"] }, { type: "null" }] }, []],
    [{ anyOf: [{}], oneOf: [{}] }, { anyOf: [{}] }, ["# oneOf !"]],
    [{ enum: [1, 2], type: "integer" }, { type: "integer" }, ["# enum !"]],
    [{ additionalProperties: false, $schema: "x" }, {}, ["# additionalProperties", "# $schema"]],
    [{ additionalProperties: { type: "string" } }, {}, ["# additionalProperties !"]],
    [{ $defs: { a: { type: "string" } }, items: { $ref: "#/$defs/a" } }, { items: { type: "string" } }, []],
    [
      { definitions: { "a/b~c": { type: "string" } }, items: { $ref: "#/definitions/a~1b~0c" } },
      { items: { type: "string" } },
      [],
    ],
    [{ items: { $ref: "#/nowhere" } }, { items: {} }, ["#/items $ref !"]],
    [{ items: { $ref: "https://a/b" } }, { items: {} }, ["#/items $ref !"]],
    [tree, { type: "object", properties: { next: {} } }, ["#/properties/next $ref !"]],
  ])("compileSchema of %j is %j and loses %j", (schema, out, lost) => {
    expect(compiled(schema, "openapi")).toEqual([out, lost]);
  });

  test("compileSchema puts the same definition in place wherever it is meant", () => {
    const schema = {
      $defs: { a: { type: "string" } },
      properties: { x: { $ref: "#/$defs/a" }, y: { $ref: "#/$defs/a" } },
    };
    expect(compiled(schema, "openapi")).toEqual([{ properties: { x: { type: "string" }, y: { type: "string" } } }, []]);
  });

  test("compileSchema puts a bomb of references not in place without end", () => {
    const $defs: Record<string, unknown> = { a0: { type: "string" } };
    for (let level = 1; level < 40; level++)
      $defs[`a${level}`] = { anyOf: [{ $ref: `#/$defs/a${level - 1}` }, { $ref: `#/$defs/a${level - 1}` }] };
    const [, lost] = compiled({ $defs, items: { $ref: "#/$defs/a39" } }, "openapi");
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.length).toBeLessThan(2000);
  });
});

describe("encode compiles the answer's schema", () => {
  const asking = (schema: object, strict?: boolean) => ({
    output: {
      format: {
        case: "jsonSchema" as const,
        value: { name: "n", schemaJson: JSON.stringify(schema), ...(strict === undefined ? {} : { strict }) },
      },
    },
  });

  test("encode tells each keyword that the service does not understand", () => {
    const { body, adaptations } = encode(asking({ type: "string", pattern: "a", $schema: "x" }));
    expect(JSON.parse(body)).toMatchObject({
      generationConfig: { responseMimeType: "application/json", responseJsonSchema: { type: "string" } },
    });
    expect(adaptations.map(({ field, requestedJson }) => `${field} ${requestedJson}`)).toEqual([
      'output.json_schema.schema_json "pattern"',
      'output.json_schema.schema_json "$schema"',
    ]);
    const old = encode(asking({ type: "string" }), targetWith({ schema_dialect: "openapi" }));
    expect(JSON.parse(old.body)).toMatchObject({ generationConfig: { responseSchema: { type: "string" } } });
  });

  test("unsupported names a strict schema that would lose a constraint, and no other", () => {
    expect(unsupportedFields(asking({ pattern: "a" }, true))).toEqual(["output.json_schema.schema_json"]);
    expect(unsupportedFields(asking({ pattern: "a" }, false))).toEqual([]);
    expect(unsupportedFields(asking({ $schema: "x", const: "a" }, true))).toEqual([]);
  });
});
