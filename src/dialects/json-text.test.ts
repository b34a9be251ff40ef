import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonText, objectMembers, rawJson, rawObject } from "./json-text.ts";

describe("jsonText", () => {
  test("jsonText keeps raw text as it is: key order, big integers, spaces", () => {
    const text = '{ "zeta": 9007199254740993,\n "10": {"b":1,"a":2} }';
    expect(jsonText({ schema: rawJson(text), list: [rawJson("1.0"), undefined] })).toBe(
      `{"schema":${text},"list":[1.0,null]}`,
    );
  });

  test("jsonText writes what JSON.stringify writes for values without raw text", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(jsonText(value)).toBe(JSON.stringify(value));
      }),
    );
  });

  test("jsonText leaves undefined members out and writes maps as objects, also with the key __proto__", () => {
    const map = new Map<string, unknown>([
      ["__proto__", 1],
      ["a", undefined],
      ["b", 2],
    ]);
    expect(jsonText(map)).toBe('{"__proto__":1,"b":2}');
  });
});

describe("rawObject", () => {
  test.each(["", "1", "[]", "nul", "{", '{"a":1}}', '{"a":1} x', "null"])("rawObject refuses %j", (text) => {
    expect(rawObject(text)).toBeUndefined();
  });

  test("rawObject takes an object with spaces around it", () => {
    expect(rawObject(' \n{"a":1}\t')?.text).toBe(' \n{"a":1}\t');
  });
});

describe("objectMembers", () => {
  test("objectMembers splits an object into the texts of its members", () => {
    const text = ' { "a" : {"x":[1,2,"}"]} , "b\\"c":12345678901234567890, "d":"\\\\" ,"e": [ ] } ';
    expect([...(objectMembers(text) ?? [])].map(([key, value]) => [key, value.text])).toEqual([
      ["a", '{"x":[1,2,"}"]}'],
      ['b"c', "12345678901234567890"],
      ["d", '"\\\\"'],
      ["e", "[ ]"],
    ]);
  });

  test("objectMembers reads any object as JSON.parse does", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(0, 2), (object, indent) => {
        const members = objectMembers(JSON.stringify(object, null, indent)) ?? new Map();
        const read = [...members].map(([key, value]) => [key, JSON.parse(value.text) as unknown]);
        const parsed = JSON.parse(JSON.stringify(object)) as object;
        expect(read).toEqual(Object.entries(parsed));
      }),
    );
  });
});
