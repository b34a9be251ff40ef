import fc from "fast-check";
import { expect, test } from "vitest";
import { jsonText } from "./json-text.ts";
import { jsonObjectTree, jsonTree, scalarOf } from "./json-tree.ts";

test("jsonTree keeps key order, big integers and the writing of numbers", () => {
  const text = '{"z":9007199254740993,"10":1.0,"a":[-1e-7,true,null,"\\u00e9 \\" ,"],"__proto__":{"x":1}}';
  const spaced = text.replaceAll(":", " :\n\t").replaceAll(",", " , ");
  expect(jsonText(jsonTree(text))).toBe(text);
  expect(jsonText(jsonTree('{ "a" : [ 1 , 2 ] , "b" : { } }\n'))).toBe('{"a":[1,2],"b":{}}');
  expect(jsonTree(spaced)).toBeInstanceOf(Map);
});

test("jsonTree means what JSON.parse means, for any JSON and any white space", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), fc.constantFrom(0, 1, 2), (json, indent) => {
      const value = JSON.parse(json) as unknown;
      expect(JSON.parse(jsonText(jsonTree(JSON.stringify(value, null, indent))))).toEqual(value);
    }),
    { numRuns: 300 },
  );
});

test("jsonTree gives nothing for what is not JSON, and for nesting without end", () => {
  expect(jsonTree('{"a":')).toBeUndefined();
  expect(jsonTree("")).toBeUndefined();
  expect(jsonTree("[".repeat(300) + "]".repeat(300))).toBeUndefined();
  expect(jsonTree("[".repeat(200_000) + "]".repeat(200_000))).toBeUndefined();
  expect(jsonTree("[".repeat(200) + "]".repeat(200))).toBeDefined();
});

test("jsonObjectTree takes objects only, and scalarOf reads scalars only", () => {
  expect(jsonObjectTree("[1]")).toBeUndefined();
  const tree = jsonObjectTree('{"a":"x\\n","b":[1],"c":2}');
  expect(scalarOf(tree?.get("a"))).toBe("x\n");
  expect(scalarOf(tree?.get("b"))).toBeUndefined();
  expect(scalarOf(tree?.get("c"))).toBe(2);
  expect(scalarOf(undefined)).toBeUndefined();
});
