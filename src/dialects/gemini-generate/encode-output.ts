import { Modality, type ChatRequest, type JsonSchemaFormat, type OutputFormat } from "../../contract/index.ts";
import { objectOf } from "../json-field.ts";
import { jsonTree } from "../json-tree.ts";
import { compileSchema, type CompiledSchema } from "./compile-schema.ts";
import type { Body, EncodeContext, Unsupported } from "./encode-context.ts";
import type { SchemaDialect } from "./schema-keywords.ts";
import type { TargetRules } from "./target-rules.ts";

const MODALITY_WORDS: Readonly<Record<number, string>> = {
  [Modality.TEXT]: "TEXT",
  [Modality.IMAGE]: "IMAGE",
  [Modality.AUDIO]: "AUDIO",
};

// Spoken answers are samples without a header; there is no choice.
const SOUND_FORMATS: ReadonlySet<string> = new Set(["pcm16", "pcm", "L16", "l16"]);

/** Adds the output formats and modalities to `found` that the target cannot produce. */
export function findUnsupportedOutput(request: ChatRequest, rules: TargetRules, found: Unsupported): void {
  const { output } = request;
  if (!output) return;
  findUnsupportedFormat(request, output, rules, found);
  for (const [index, modality] of output.modalities.entries()) {
    const field = `output.modalities[${index}]`;
    if (modality === Modality.AUDIO || modality === Modality.IMAGE) {
      const capability = modality === Modality.AUDIO ? "audio_output" : "image_output";
      const refusal = rules.refusal("output.modalities", capability);
      if (refusal) found.capability(field, refusal.reason);
    } else if (modality !== Modality.TEXT) found.capability(field, "the wire format has no such modality");
  }
  const { audio } = output;
  if (audio?.voiceId !== undefined) found.parameter("output.audio.voice_id", "the wire format has no ids of voices");
  if (audio?.format !== undefined && !SOUND_FORMATS.has(audio.format)) {
    found.parameter("output.audio.format", "the provider answers in pcm16 only");
  }
}

function findUnsupportedFormat(
  request: ChatRequest,
  output: OutputFormat,
  rules: TargetRules,
  found: Unsupported,
): void {
  const { format } = output;
  if (format.case === "grammar") {
    found.capability("output.grammar", "the wire format has no grammar for the answer's text");
    return;
  }
  if (format.case !== "jsonObject" && format.case !== "jsonSchema") return;
  const [field, capability] =
    format.case === "jsonObject"
      ? (["output.json_object", "json_object"] as const)
      : (["output.json_schema", "json_schema"] as const);
  const refusal = rules.refusal(field, capability);
  if (refusal) found.capability(field, refusal.reason);
  else if (!rules.settings.json_with_tools && request.tools.length > 0) {
    found.capability(field, "the model takes no tools beside an answer in JSON");
  }
  if (format.case === "jsonSchema" && format.value.strict === true) findLoss(format.value, rules, found);
}

function findLoss(format: JsonSchemaFormat, rules: TargetRules, found: Unsupported): void {
  const compiled = compiledSchema(format.schemaJson, rules.settings.schema_dialect);
  const lost = compiled?.removed.filter(({ constrains }) => constrains) ?? [];
  const [first] = lost;
  if (!first) return;
  const more = lost.length > 1 ? ` and ${lost.length - 1} more` : "";
  const reason = `the provider does not understand ${first.keyword} at ${first.place}${more}, and the schema is strict`;
  found.parameter("output.json_schema.schema_json", reason);
}

/** Writes the shape of the answer. */
export function encodeOutput(context: EncodeContext, config: Body): void {
  const { request, adaptations } = context;
  const { output } = request;
  if (!output) return;
  const { format } = output;
  if (format.case === "jsonObject") config.set("responseMimeType", "application/json");
  else if (format.case === "jsonSchema") encodeSchema(context, format.value, config);
  if (output.modalities.length > 0) {
    config.set(
      "responseModalities",
      output.modalities.map((modality) => MODALITY_WORDS[modality]),
    );
  }
  const voice = output.audio?.voice;
  if (voice !== undefined) {
    config.set("speechConfig", { voiceConfig: { prebuiltVoiceConfig: { voiceName: voice } } });
  }
  if (output.verbosity !== undefined) {
    const reason = "the wire format cannot say how wordy to be";
    adaptations.add("output.verbosity", output.verbosity, undefined, reason);
  }
}

function encodeSchema(context: EncodeContext, format: JsonSchemaFormat, config: Body): void {
  const { rules, adaptations } = context;
  const dialect = rules.settings.schema_dialect;
  config.set("responseMimeType", "application/json");
  const field = "output.json_schema.schema_json";
  const compiled = compiledSchema(format.schemaJson, dialect);
  config.set(schemaMember(dialect), compiled?.schema ?? objectOf(format.schemaJson, field));
  noteRemoved(context, field, compiled);
  if (format.description !== undefined) {
    const reason = "the wire format has no description of a schema beside the schema's own";
    adaptations.add("output.json_schema.description", undefined, undefined, reason);
  }
}

/** Notes each keyword of a schema that does not go out. */
export function noteRemoved({ adaptations }: EncodeContext, field: string, compiled: CompiledSchema | undefined): void {
  for (const { place, keyword } of compiled?.removed ?? []) {
    const reason = `the provider does not understand the keyword ${keyword} at ${place}; the schema goes out without it`;
    adaptations.add(field, keyword, undefined, reason);
  }
}

function schemaMember(dialect: SchemaDialect): string {
  return dialect === "json_schema" ? "responseJsonSchema" : "responseSchema";
}

/** The schema in the words of the service; undefined where it is not the JSON text of an object. */
export function compiledSchema(text: string, dialect: SchemaDialect): CompiledSchema | undefined {
  const tree = jsonTree(text);
  return tree instanceof Map ? compileSchema(tree, dialect) : undefined;
}
