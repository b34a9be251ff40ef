import { ParleyError } from "../errors/index.ts";
import { rawObject, type RawJson } from "./json-text.ts";

/** The JSON text of an object as it will be written. Throws `INVALID_REQUEST` naming the field where it is not one. */
export function objectOf(text: string, field: string): RawJson {
  const raw = rawObject(text);
  if (raw) return raw;
  throw new ParleyError("INVALID_REQUEST", `Cannot use ${field}: it is not the JSON text of an object`, { field });
}
