import { expect, test } from "vitest";
import { ChatRequestSchema, GenerateRequestSchema } from "../../contract/index.ts";
import { findBadField } from "./bad-field.ts";

const message = (part: object) => ({ messages: [{ role: "ROLE_USER", parts: [{ text: { text: "x" } }, part] }] });

test.each<[string, unknown, string]>([
  ["a scalar", { model: 5 }, "model"],
  ["a scalar by its JSON name", { toolChoice: { parallel: "yes" } }, "tool_choice.parallel"],
  ["an enum's word", { messages: [{ role: "ROLE_USER" }, { role: "NOBODY" }] }, "messages[1].role"],
  ["an item of a list", { sampling: { stop: ["a", 5] } }, "sampling.stop[1]"],
  ["a list", { messages: "x" }, "messages"],
  ["a value of a map", { tags: { team: "a", "cost centre": 5 } }, 'tags["cost centre"]'],
  ["a map", { tags: [] }, "tags"],
  ["a message", { sampling: 5 }, "sampling"],
  ["a message in a list", message([]), "messages[0].parts[1]"],
  ["a well-known type", message({ media: { expires_at: "soon" } }), "messages[0].parts[1].media.expires_at"],
  ["base64", message({ media: { inline: "!" } }), "messages[0].parts[1].media.inline"],
  ["an unknown key", message({ txt: {} }), "messages[0].parts[1].txt"],
  ["no object at all", [], ""],
])("findBadField tells where %s is wrong", (_name, json, path) => {
  expect(findBadField(ChatRequestSchema, json)).toBe(path);
});

test("findBadField finds nothing where all is well, nulls included", () => {
  expect(
    findBadField(GenerateRequestSchema, { request: { ...message({ id: "1" }), model: null, tags: { a: "b" } } }),
  ).toBeUndefined();
});

test("findBadField gives up on what is too large to look through", () => {
  const stop = (count: number) => ({ sampling: { stop: [...new Array<string>(count).fill("a"), 5] } });
  expect(findBadField(ChatRequestSchema, stop(10_000))).toBe("sampling.stop[10000]");
  expect(findBadField(ChatRequestSchema, stop(100_000))).toBeUndefined();
});
