import { describe, expect, test } from "vitest";
import { RawJson } from "../json-text.ts";
import { compileSchema } from "./compile-schema.ts";

function compiled(text: string): { schema: string; lost: string[]; binding: boolean[]; closed: readonly string[] } {
  const { schema, losses, closed } = compileSchema(new RawJson(text));
  return {
    schema: schema.text,
    lost: losses.map(({ path }) => path),
    binding: losses.map(({ binding }) => binding),
    closed,
  };
}

describe("compileSchema", () => {
  test("compileSchema leaves a schema within the subset as it was written", () => {
    const text = `{ "type":"object", "additionalProperties": false, "title":"T", "description":"d",
      "properties": {"10": {"type":"string","format":"date-time","pattern":"^a(?:b|c)+$"}, "2": {"enum":[9007199254740993,null]},
        "anyOf": {"type":"array","items":{"$ref":"#/$defs/x"},"minItems":1}, "c": {"const":1,"default":1}},
      "required":["10"], "$defs": {"x": {"anyOf":[{"type":"null"},{"allOf":[{"type":"string"}]}]}} }`;
    expect(compiled(text)).toEqual({ schema: text, lost: [], binding: [], closed: [] });
  });

  test.each([
    ['{"type":"integer","minimum":0}', '{"type":"integer"}', [".minimum"]],
    ['{"type":"string","maxLength":9,"minLength":1}', '{"type":"string"}', [".maxLength", ".minLength"]],
    ['{"type":"string","format":"colour"}', '{"type":"string"}', [".format"]],
    ['{"type":"string","pattern":"(?=a)"}', '{"type":"string"}', [".pattern"]],
    ['{"type":"string","pattern":"(a)\\\\1"}', '{"type":"string"}', [".pattern"]],
    ['{"type":"array","minItems":2,"uniqueItems":true}', '{"type":"array"}', [".minItems", ".uniqueItems"]],
    ['{"oneOf":[{"type":"string","minLength":1}]}', '{"anyOf":[{"type":"string"}]}', [".oneOf", ".oneOf[0].minLength"]],
    ['{"anyOf":[],"oneOf":[]}', '{"anyOf":[]}', [".oneOf"]],
    ['{"not":{"type":"string"},"if":{}}', "{}", [".not", ".if"]],
    ['{"$ref":"https://x/y"}', "{}", [".$ref"]],
    [
      '{"properties":{"a":{"multipleOf":2}},"additionalProperties":false}',
      '{"properties":{"a":{}},"additionalProperties":false}',
      [".properties.a.multipleOf"],
    ],
    [
      '{"type":"object","additionalProperties":{"type":"string"}}',
      '{"type":"object","additionalProperties":false}',
      [".additionalProperties"],
    ],
    ['{"$defs":{"n":{"anyOf":[{"$ref":"#/$defs/m"}]},"m":{"items":{"$ref":"#/$defs/n"}}}}', undefined, [".$defs.n"]],
    ['{"items":{"$ref":"#"}}', undefined, [""]],
  ])("compileSchema of %s is %s without %j", (text, expected, lost) => {
    const made = compiled(text);
    expect(made.lost).toEqual(lost);
    expect(made.binding.every(Boolean)).toBe(true);
    expect(made.schema).toBe(expected ?? made.schema);
  });

  test("compileSchema closes objects that said nothing, and drops what only describes without loss", () => {
    expect(compiled('{"$schema":"x","type":["object","null"],"properties":{"a":{"type":"object"}}}')).toEqual({
      schema:
        '{"type":["object","null"],"properties":{"a":{"type":"object","additionalProperties":false}},"additionalProperties":false}',
      lost: [".$schema"],
      binding: [false],
      closed: [".properties.a", ""],
    });
  });

  test("compileSchema leaves true and false alone, and ends in schemas of any depth", () => {
    expect(compiled('{"properties":{"a":true},"additionalProperties":false}').lost).toEqual([]);
    const deep = `${'{"items":'.repeat(500)}{}${"}".repeat(500)}`;
    expect(compiled(deep).schema).toBe(deep);
  });
});
