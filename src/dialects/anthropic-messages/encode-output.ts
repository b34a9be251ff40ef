import { Modality, type ChatRequest, type JsonSchemaFormat, type OutputFormat } from "../../contract/index.ts";
import { objectOf } from "../json-field.ts";
import { RawJson, objectMembers, rawObject } from "../json-text.ts";
import type { UnsupportedFields } from "../refusals.ts";
import { compileSchema, tellChanges } from "./compile-schema.ts";
import type { EncodeContext, WireObject } from "./encode-context.ts";
import type { TargetRules } from "./target-rules.ts";

const SCHEMA_FIELD = "output.json_schema.schema_json";

/** Adds the output formats and modalities to `found` that the target cannot produce. */
export function findUnsupportedOutput(request: ChatRequest, rules: TargetRules, found: UnsupportedFields): void {
  const { output } = request;
  if (!output) return;
  findUnsupportedFormat(output, rules, found);
  for (const [index, modality] of output.modalities.entries()) {
    if (modality !== Modality.TEXT)
      found.capability(`output.modalities[${index}]`, "the wire format has answers of text only");
  }
  if (output.audio) found.capability("output.audio", "the wire format has answers of text only");
}

function findUnsupportedFormat({ format }: OutputFormat, rules: TargetRules, found: UnsupportedFields): void {
  switch (format.case) {
    case "jsonObject":
      found.capability("output.json_object", "the wire format has no answers of any JSON; give a schema");
      return;
    case "grammar":
      found.capability("output.grammar", "the wire format has no grammar for the answer's text");
      return;
    case "jsonSchema": {
      const refusal = rules.refusal("output.json_schema", "json_schema");
      if (refusal || !rules.settings.output_format) {
        const reason = refusal?.reason ?? "the provider is not known to keep answers to a schema";
        found.capability("output.json_schema", reason);
      }
      if (format.value.strict === true) findUnsupportedKeywords(format.value, found);
      return;
    }
    default:
      return;
  }
}

function findUnsupportedKeywords({ schemaJson }: JsonSchemaFormat, found: UnsupportedFields): void {
  const schema = rawObject(schemaJson);
  for (const { path, problem, binding } of schema ? compileSchema(schema).losses : []) {
    if (binding) found.parameter(`${SCHEMA_FIELD}${path}`, problem);
  }
}

/** The shape of the answer on the wire; undefined: free text. */
export function wireFormat({ request, adaptations }: EncodeContext): WireObject | undefined {
  const { output } = request;
  if (output?.verbosity !== undefined) {
    const reason = "the wire format cannot say how wordy an answer is";
    adaptations.add("output.verbosity", output.verbosity, undefined, reason);
  }
  if (output?.format.case !== "jsonSchema") return undefined;
  const { schemaJson, description } = output.format.value;
  const compiled = compileSchema(objectOf(schemaJson, SCHEMA_FIELD));
  tellChanges(compiled, SCHEMA_FIELD, adaptations);
  return { type: "json_schema", schema: described(compiled.schema, description, adaptations) };
}

// The wire has a description within the schema only. A name has no place, and no effect.
function described(
  schema: RawJson,
  description: string | undefined,
  adaptations: EncodeContext["adaptations"],
): unknown {
  if (description === undefined) return schema;
  const members = objectMembers(schema.text) ?? new Map<string, RawJson>();
  if (members.has("description")) {
    const reason = "the schema has a description of its own, beside which the wire format has no place for another";
    adaptations.add("output.json_schema.description", undefined, undefined, reason);
    return schema;
  }
  return members.set("description", new RawJson(JSON.stringify(description)));
}
