import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { fullFormats } from "ajv-formats/dist/formats.js";

// Descriptions of APIs by those who run them or speak them, where they are at hand: the folder in PARLEY_SPEC, else
// ../shared/spec.

const folder = process.env["PARLEY_SPEC"] ?? resolve(import.meta.dirname, "../../../shared/spec");

/** Checks a value against one of a description's schemas; the result is what is wrong, empty where nothing is. */
export type ApiSpec = (schema: string, value: unknown) => string[];

/** The description in a file, whose schemas stand at `pointer`; undefined where there is none, which is said aloud. */
export function apiSpec(file: string, pointer: string): ApiSpec | undefined {
  const path = join(folder, file);
  if (!existsSync(path)) {
    console.warn(`NOT RUN: validation against ${file}, for it is not in ${folder}; set PARLEY_SPEC to its folder`);
    return undefined;
  }
  const ajv = new Ajv2020({ strict: false, allErrors: true, formats: { ...fullFormats, unixtime: true, byte: true } });
  ajv.addSchema(JSON.parse(readFileSync(path, "utf8")) as object, file);
  return (schema, value) => {
    const validate = ajv.getSchema(`${file}#${pointer}/${schema}`);
    if (!validate) throw new Error(`there is no schema ${schema} in ${file}`);
    if (validate(value) === true) return [];
    return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ""}`);
  };
}
