import { ParleyError, shorten } from "../../errors/index.ts";

// Typed reading of parsed JSON. Null counts as absent, as it does at OpenAI. Errors name the path, what was expected and
// the type that came, never the value.

/** A parsed JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The names in these lists of words. */
export function fieldNames(...lists: readonly string[]): ReadonlySet<string> {
  return new Set(lists.flatMap((list) => list.split(" ")));
}

/** Path of a member, for example `messages[0]` and `content` to `messages[0].content`. */
export function pathTo(parent: string, name: string): string {
  return parent === "" ? name : `${parent}.${name}`;
}

/** The JSON type of a value, for people. */
export function describeType(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** The error of a value that cannot be taken. */
export function invalidField(path: string, what: string): ParleyError {
  const field = shorten(path, 256);
  return new ParleyError("INVALID_REQUEST", `Cannot read ${field}: ${what}`, { field });
}

/** The error of a member that this surface or this version has no meaning for. */
export function unsupportedField(field: string, what: string): ParleyError {
  return new ParleyError("UNSUPPORTED_PARAMETER", `Cannot honour ${field}: ${what}`, { field });
}

/** The error of a value of the wrong type. */
export function wrongType(path: string, expected: string, value: unknown): ParleyError {
  return invalidField(path, `expected ${expected}, got ${describeType(value)}`);
}

/** Whether a member is there; null is not. */
export function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** The value as an object. */
export function objectAt(value: unknown, path: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrongType(path, "an object", value);
  return value as JsonObject;
}

/** The value as an array. */
export function arrayAt(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrongType(path, "an array", value);
  return value;
}

/** The value as a string. Half a surrogate pair is refused: it is no text, and no provider takes it. */
export function stringAt(value: unknown, path: string): string {
  if (typeof value !== "string") throw wrongType(path, "a string", value);
  if (!value.isWellFormed()) throw invalidField(path, "it holds half of a surrogate pair, which is not text");
  return value;
}

/** A member that must be a string. */
export function requiredString(object: JsonObject, name: string, parent: string): string {
  return stringAt(object[name], pathTo(parent, name));
}

/** A member that may be a string. */
export function optionalString(object: JsonObject, name: string, parent: string): string | undefined {
  const value = object[name];
  return value === undefined || value === null ? undefined : stringAt(value, pathTo(parent, name));
}

/** A member that may be true or false. */
export function optionalBoolean(object: JsonObject, name: string, parent: string): boolean | undefined {
  const value = object[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "boolean") throw wrongType(pathTo(parent, name), "true or false", value);
  return value;
}

/** A member that may be a number. */
export function optionalNumber(object: JsonObject, name: string, parent: string): number | undefined {
  const value = object[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "number") throw wrongType(pathTo(parent, name), "a number", value);
  return value;
}

const MAX_UINT32 = 4_294_967_295;

/** A member that may be an integer from 0 to 2^32 - 1. */
export function optionalCount(object: JsonObject, name: string, parent: string): number | undefined {
  const value = optionalNumber(object, name, parent);
  if (value === undefined) return undefined;
  if (!Number.isInteger(value) || value < 0 || value > MAX_UINT32) {
    throw invalidField(pathTo(parent, name), `expected an integer from 0 to ${MAX_UINT32}`);
  }
  return value;
}

/** A member that may be an object. */
export function optionalObject(object: JsonObject, name: string, parent: string): JsonObject | undefined {
  const value = object[name];
  return value === undefined || value === null ? undefined : objectAt(value, pathTo(parent, name));
}

/** A member that may be an array; absent is undefined. */
export function optionalArray(object: JsonObject, name: string, parent: string): readonly unknown[] | undefined {
  const value = object[name];
  return value === undefined || value === null ? undefined : arrayAt(value, pathTo(parent, name));
}

/** A member that may be an array of strings; absent is empty. */
export function stringList(object: JsonObject, name: string, parent: string): string[] {
  const list = optionalArray(object, name, parent);
  if (!list) return [];
  const path = pathTo(parent, name);
  return list.map((value, index) => stringAt(value, `${path}[${index}]`));
}

/** A member that may be an object whose members are strings; absent is empty. */
export function stringMap(object: JsonObject, name: string, parent: string): Record<string, string> {
  if (!isSet(object[name])) return {};
  const path = pathTo(parent, name);
  return mapOf(object, name, parent, (value, key) => stringAt(value, pathTo(path, key)));
}

/** A member that may be an object of equal members; absent is empty. */
export function mapOf<Value>(
  object: JsonObject,
  name: string,
  parent: string,
  read: (value: unknown, key: string) => Value,
): Record<string, Value> {
  const map: Record<string, Value> = {};
  const given = optionalObject(object, name, parent);
  if (!given) return map;
  for (const [key, value] of Object.entries(given)) {
    // assigning this key would set the map's prototype
    if (key === "__proto__") throw invalidField(pathTo(pathTo(parent, name), key), "the name is not allowed");
    map[stringAt(key, pathTo(parent, name))] = read(value, key);
  }
  return map;
}

/** A member that may be one of the words of `choices`, and what the word stands for. */
export function optionalChoice<Choice>(
  object: JsonObject,
  name: string,
  parent: string,
  choices: ReadonlyMap<string, Choice>,
): Choice | undefined {
  const word = optionalString(object, name, parent);
  if (word === undefined) return undefined;
  const choice = choices.get(word);
  if (choice === undefined) throw notOneOf(pathTo(parent, name), choices.keys());
  return choice;
}

/** The error of a word that is none of the known ones. */
export function notOneOf(path: string, words: Iterable<string>): ParleyError {
  return invalidField(path, `expected one of ${[...words].join(", ")}`);
}

/** Refuses members that are not in `known`: what is not understood is not dropped. */
export function checkMembers(object: JsonObject, known: ReadonlySet<string>, parent: string): void {
  for (const name in object) {
    if (known.has(name) || object[name] === null) continue;
    throw invalidField(
      pathTo(parent, name),
      `no such field is known here; the known ones are ${[...known].join(", ")}`,
    );
  }
}
