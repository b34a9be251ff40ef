import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { fullFormats } from "ajv-formats/dist/formats.js";

// OpenAI's own API description, where one is at hand. Only tests import it.

const folder = process.env["PARLEY_SPEC"] ?? resolve(import.meta.dirname, "../../../../shared/spec");
const file = join(folder, "openai.openapi.json");

/** Checks a value against a schema of OpenAI's description; the result is what is wrong, empty where nothing is. */
export type SpecCheck = (schema: string, value: unknown) => string[];

/** What OpenAI's description says; undefined where there is none, which is said aloud. */
export const openAiSpec: { check: SpecCheck; schemas: Record<string, unknown> } | undefined = load();

function load(): typeof openAiSpec {
  if (!existsSync(file)) {
    console.warn(
      `NOT RUN: validation against OpenAI's schemas, for there is no ${file}; set PARLEY_SPEC to its folder`,
    );
    return undefined;
  }
  const document = JSON.parse(readFileSync(file, "utf8")) as { components: { schemas: Record<string, unknown> } };
  const ajv = new Ajv2020({ strict: false, allErrors: true, formats: { ...fullFormats, unixtime: true } });
  ajv.addSchema(document, "openai");
  return {
    schemas: document.components.schemas,
    check(schema, value) {
      const validate = ajv.getSchema(`openai#/components/schemas/${schema}`);
      if (!validate) throw new Error(`there is no schema ${schema}`);
      if (validate(value) === true) return [];
      return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ""}`);
    },
  };
}

/** The properties that a schema and those it is made of name. */
export function propertiesOf(schema: unknown, schemas: Record<string, unknown>): string[] {
  const { properties, allOf, $ref } = schema as { properties?: object; allOf?: unknown[]; $ref?: string };
  const referred = $ref === undefined ? [] : propertiesOf(schemas[$ref.split("/").at(-1) ?? ""], schemas);
  return [...Object.keys(properties ?? {}), ...(allOf ?? []).flatMap((one) => propertiesOf(one, schemas)), ...referred];
}
