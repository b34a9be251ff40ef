import { isUtf8 } from "node:buffer";
import { describeType, type JsonObject } from "./fields.ts";
import { notJson, scanJson, unreadable, type ScanOptions } from "./json-scan.ts";

/** A JSON object as received, and the text of some of its values exactly as written. */
export interface JsonText {
  readonly root: JsonObject;
  /**
   * Text of a watched value by its path, for example `tools[0].function.parameters`. Undefined: there is no such value,
   * or its path is not watched.
   */
  readonly source: (path: string) => string | undefined;
}

/**
 * Reads the JSON object of a body. Parsing loses what schemas and unknown fields need: the order of keys that look like
 * integers, and integers above 2^53. So one scan before the parse bounds the depth, finds duplicate keys and keeps the
 * text of the watched values. Throws `INVALID_REQUEST`; its message never quotes the body.
 */
export function readJsonObject(body: Buffer, options: ScanOptions): JsonText {
  if (body.length === 0) throw unreadable("it is empty; send a JSON object");
  if (!isUtf8(body)) throw unreadable("it is not valid UTF-8");
  const text = body.toString("utf8");
  const sources = scanJson(text, options);
  const root = parse(text);
  if (typeof root !== "object" || root === null || Array.isArray(root)) {
    throw unreadable(`expected a JSON object, got ${describeType(root)}`);
  }
  return { root: root as JsonObject, source: (path) => sources.get(path) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw notJson(positionIn(thrown));
  }
}

// V8 quotes the text in some of these messages; only a position after the quote's end is taken over.
function positionIn(thrown: unknown): number | undefined {
  const found = / in JSON at position (\d+)(?: \(line \d+ column \d+\))?$/.exec(
    thrown instanceof Error ? thrown.message : "",
  );
  return found ? Number(found[1]) : undefined;
}
