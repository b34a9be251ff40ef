import fc from "fast-check";
import { expect, test } from "vitest";
import { arrayItems } from "./json-slices.ts";

const texts = (text: string): string[] | undefined => arrayItems(text)?.map((item) => item.text);

test("arrayItems keeps each item as it was written", () => {
  expect(texts(' [ 9007199254740993 ,{"b":[1,2],"a":"],[\\""} , "x,\\\\" ,[] ] ')).toEqual([
    "9007199254740993",
    '{"b":[1,2],"a":"],[\\""}',
    '"x,\\\\"',
    "[]",
  ]);
  expect(texts("[]")).toEqual([]);
});

test.each(['{"a":1}', "", "[1", "1", '"[]"', "[1,]"])("arrayItems takes nothing but a list: %s", (text) => {
  expect(arrayItems(text)).toBeUndefined();
});

test("arrayItems agrees with JSON.parse", () => {
  fc.assert(
    fc.property(
      fc.array(fc.jsonValue({ maxDepth: 3 }), { maxLength: 6 }),
      fc.integer({ min: 0, max: 3 }),
      (list, spaces) => {
        const text = JSON.stringify(list, undefined, spaces);
        expect(texts(text)?.map((item) => JSON.parse(item) as unknown)).toEqual(JSON.parse(text));
      },
    ),
  );
});
