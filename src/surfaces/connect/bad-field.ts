import { fromJson, type DescField, type DescMessage, type JsonValue } from "@bufbuild/protobuf";

// Values that are tried one by one before the search is given up: an error message is not worth more.
const MAX_TRIED_VALUES = 20_000;

/**
 * Where in a JSON value the first thing stands that the message's type cannot take: its path by the contract's names, for
 * example `messages[0].role`. Undefined where each field on its own is fine, or the value is too large to look through.
 */
export function findBadField(desc: DescMessage, json: unknown): string | undefined {
  const search = new Search();
  const found = search.inMessage(desc, json, "");
  return search.givenUp ? undefined : found;
}

class Search {
  #left = MAX_TRIED_VALUES;

  get givenUp(): boolean {
    return this.#left < 0;
  }

  inMessage(desc: DescMessage, json: unknown, path: string): string | undefined {
    if (!isObject(json)) return path;
    for (const [key, value] of Object.entries(json)) {
      const field = desc.fields.find((one) => one.name === key || one.jsonName === key);
      const place = `${path}${path === "" ? "" : "."}${field?.name ?? key}`;
      const bad = field ? this.#inField(desc, field, value, place) : place;
      if (bad !== undefined) return bad;
    }
    return undefined;
  }

  #inField(desc: DescMessage, field: DescField, value: unknown, path: string): string | undefined {
    if (value === null) return undefined;
    const isList = field.fieldKind === "list" && Array.isArray(value);
    if (!isList && !(field.fieldKind === "map" && isObject(value)))
      return this.#inItem(desc, field, value, path, value);
    for (const [key, item] of Object.entries(value) as [string, unknown][]) {
      const place = `${path}[${isList ? key : JSON.stringify(key)}]`;
      const bad = this.#inItem(desc, field, item, place, isList ? [item] : { [key]: item });
      if (bad !== undefined) return bad;
    }
    return undefined;
  }

  /** `item` is one value of the field; `whole` is the field with this value alone. */
  #inItem(desc: DescMessage, field: DescField, item: unknown, path: string, whole: unknown): string | undefined {
    if (--this.#left < 0) return path;
    const { message } = field;
    // Well-known types have forms of their own in JSON.
    if (message && isObject(item) && !message.typeName.startsWith("google.protobuf.")) {
      return this.inMessage(message, item, path);
    }
    try {
      fromJson(desc, { [field.name]: whole as JsonValue });
      return undefined;
    } catch {
      return path;
    }
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
