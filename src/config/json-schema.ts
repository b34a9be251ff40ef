import * as z from "zod";
import type { KnownNames } from "./known-names.ts";
import { fileSchema } from "./schema.ts";

/** The JSON Schema of the configuration file, for editors: what the loader accepts before it looks at names and places. */
export function configJsonSchema(known: KnownNames): Readonly<Record<string, unknown>> {
  const { $schema, ...schema } = z.toJSONSchema(fileSchema(known), { io: "input", unrepresentable: "any" });
  return {
    $schema,
    title: "Parley configuration",
    description: "The file that `npm start -- --config FILE` reads; ./parley.yaml unless told otherwise.",
    ...schema,
  };
}

/** The same as the text of `parley.schema.json`. */
export function configJsonSchemaText(known: KnownNames): string {
  return `${JSON.stringify(configJsonSchema(known), null, 2)}\n`;
}
