import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ParleyError } from "../../errors/index.ts";
import { readJsonObject } from "./json-text.ts";

const SECRET = "zebra-7391";

function read(
  text: string | Uint8Array,
  watch: string[][] = [["*"]],
  maxDepth = 16,
): ReturnType<typeof readJsonObject> {
  return readJsonObject(Buffer.from(text as string), { maxDepth, watch });
}

function messageOf(text: string | Uint8Array, maxDepth = 16): string {
  try {
    read(text, [["*"]], maxDepth);
  } catch (thrown) {
    if (thrown instanceof ParleyError) return thrown.message;
    throw thrown;
  }
  return "read";
}

describe("readJsonObject", () => {
  test("parses what JSON.parse parses, and keeps each member's text", () => {
    const objects = fc.dictionary(fc.string(), fc.jsonValue());
    fc.assert(
      fc.property(objects, fc.constantFrom(0, 2), (value, space) => {
        const { root, source } = read(JSON.stringify(value, undefined, space), [["*"]], 100);
        expect(root).toEqual(JSON.parse(JSON.stringify(value)));
        for (const [name, member] of Object.entries(root)) expect(JSON.parse(source(name) ?? "")).toEqual(member);
      }),
      { numRuns: 300 },
    );
  });

  test("keeps the text of watched values with its key order, big integers and white space", () => {
    const schema = '{ "zeta": {"maximum":9007199254740993}, "10": [1.0, 1e2], "\\u0061": "}\\"]" }';
    const text = `{"tools":[{"x":1},{"function": {"parameters":${schema} , "name":"f"}}],"seed":9007199254740993 }`;
    const { source } = read(text, [["tools", "*", "function", "parameters"], ["seed"]]);
    expect(source("tools[1].function.parameters")).toBe(schema);
    expect(source("seed")).toBe("9007199254740993");
    expect(source("tools")).toBeUndefined();
  });

  test.each([
    ["nothing", "", "it is empty"],
    ["white space", "  \n", "not valid JSON"],
    ["an array", "[1]", "expected a JSON object, got an array"],
    ["null", "null", "expected a JSON object, got null"],
    ["a string", `"${SECRET}"`, "expected a JSON object, got a string"],
    ["a number", "12", "expected a JSON object, got a number"],
    ["a word", SECRET, "not valid JSON"],
    ["text after the object", `{}${SECRET}`, "not valid JSON (at character 2)"],
    ["two objects", "{}{}", "not valid JSON"],
    ["an unfinished object", `{"a":"${SECRET}"`, "not valid JSON"],
    ["an unfinished string", `{"a":"${SECRET}`, "not valid JSON"],
    ["a missing colon", `{"a" "${SECRET}"}`, "not valid JSON (at character 5)"],
    ["a missing value", '{"a":}', "not valid JSON"],
    ["a trailing comma", '{"a":1,}', "not valid JSON"],
    ["a trailing comma in an array", '{"a":[1,]}', "not valid JSON"],
    ["single quotes", `{'a':'${SECRET}'}`, "not valid JSON"],
    ["a bad escape in a name", '{"\\x":1}', "not valid JSON"],
    ["a bad escape in a value", `{"a":"\\x${SECRET}"}`, "not valid JSON"],
    ["a control character", '{"a":"\n"}', "not valid JSON"],
    ["a bad number", '{"a":01}', "not valid JSON"],
    ["NaN", '{"a":NaN}', "not valid JSON"],
    ["a byte order mark", "\ufeff{}", "not valid JSON"],
    ["a repeated name", `{"a":"${SECRET}","a":2}`, "Cannot read a: the field occurs twice"],
    ["a repeated name, written differently", '{"ab":1,"\\u0061b":2}', "Cannot read ab: the field occurs twice"],
    [
      "a repeated name further in",
      '{"a":[{"b":1},{"c":{"d":1,"d":2}}]}',
      "Cannot read a[1].c.d: the field occurs twice",
    ],
    ["a mismatched bracket", '{"a":[1}', "not valid JSON"],
  ])("refuses %s without quoting it", (_name, text, message) => {
    expect(messageOf(text)).toContain(message);
    expect(messageOf(text)).not.toContain(SECRET);
  });

  test("finds a repeated name among many", () => {
    const members = Array.from({ length: 50 }, (_, index) => `"k${index}":0`);
    expect(messageOf(`{${members.join(",")}}`)).toBe("read");
    expect(messageOf(`{${members.join(",")},"k30":0}`)).toContain("Cannot read k30");
  });

  test("refuses bytes that are not UTF-8", () => {
    expect(messageOf(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toContain("not valid UTF-8");
  });

  test("takes the deepest allowed nesting and refuses one more level", () => {
    const nested = (levels: number): string => `{"a":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;
    expect(messageOf(nested(16))).toBe("read");
    expect(messageOf(nested(17))).toContain("nested deeper than the limit of 16 levels");
    expect(messageOf(nested(2_000_000))).toContain("nested deeper");
    expect(messageOf(`${'{"a":'.repeat(1_000_000)}1${"}".repeat(1_000_000)}`)).toContain("nested deeper");
  });

  test("leaves prototypes alone", () => {
    const { root } = read('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}');
    expect(Object.keys(root)).toEqual(["__proto__", "constructor"]);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  test("reads strings full of quotes and backslashes in linear time", () => {
    const text = JSON.stringify({ a: '\\"'.repeat(200_000), b: "\\".repeat(400_000) });
    expect(Object.keys(read(text).root)).toEqual(["a", "b"]);
  });
});
