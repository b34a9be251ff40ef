import { Modality, type ChatRequest, type Message, type OutputFormat } from "../../contract/index.ts";
import type { Body, EncodeContext, Unsupported, WireObject } from "./encode-context.ts";
import { objectOf } from "../json-field.ts";
import type { TargetRules } from "./target-rules.ts";

const MODALITY_WORDS: Readonly<Record<number, string>> = {
  [Modality.TEXT]: "text",
  [Modality.IMAGE]: "image",
  [Modality.AUDIO]: "audio",
};

/** Adds the output formats and modalities to `found` that the target cannot produce. */
export function findUnsupportedOutput(request: ChatRequest, rules: TargetRules, found: Unsupported): void {
  const { output } = request;
  if (!output) return;
  findUnsupportedFormat(output, rules, found);
  for (const [index, modality] of output.modalities.entries()) {
    const field = `output.modalities[${index}]`;
    if (modality === Modality.AUDIO || modality === Modality.IMAGE) {
      const capability = modality === Modality.AUDIO ? "audio_output" : "image_output";
      const refusal = rules.refusal("output.modalities", capability);
      if (refusal) found.capability(field, refusal.reason);
    } else if (modality !== Modality.TEXT) found.capability(field, "the wire format has no such modality");
  }
}

function findUnsupportedFormat(output: OutputFormat, rules: TargetRules, found: Unsupported): void {
  switch (output.format.case) {
    case "jsonObject": {
      const refusal = rules.refusal("output.json_object", "json_object");
      if (refusal) found.capability("output.json_object", refusal.reason);
      return;
    }
    case "jsonSchema": {
      const refusal = rules.refusal("output.json_schema", "json_schema");
      if (refusal) found.capability("output.json_schema", refusal.reason);
      return;
    }
    case "grammar":
      found.capability("output.grammar", "the wire format has no grammar for the answer's text");
      return;
    default:
      return;
  }
}

/** Writes the shape of the answer. */
export function encodeOutput(context: EncodeContext, body: Body): void {
  const { request, rules, adaptations } = context;
  const { output } = request;
  if (!output) return;
  const format = wireFormat(output);
  if (format) body.set("response_format", format);
  if (output.modalities.length > 0)
    body.set(
      "modalities",
      output.modalities.map((modality) => MODALITY_WORDS[modality]),
    );
  if (output.audio) body.set("audio", wireAudio(output.audio));
  if (output.verbosity !== undefined) {
    const refusal = rules.refusal("output.verbosity");
    if (!refusal) body.set("verbosity", output.verbosity);
    else adaptations.add("output.verbosity", output.verbosity, undefined, refusal.reason, refusal.quirkId);
  }
}

function wireFormat(output: OutputFormat): WireObject | undefined {
  const { format } = output;
  switch (format.case) {
    case "text":
      return { type: "text" };
    case "jsonObject":
      return { type: "json_object" };
    case "jsonSchema": {
      const { name, description, schemaJson, strict } = format.value;
      const schema = objectOf(schemaJson, "output.json_schema.schema_json");
      return { type: "json_schema", json_schema: { name, description, schema, strict } };
    }
    default:
      return undefined;
  }
}

function wireAudio({ voice, voiceId, format }: NonNullable<OutputFormat["audio"]>): WireObject {
  return { voice: voiceId === undefined ? voice : { id: voiceId }, format };
}

/**
 * JSON mode is refused by some providers unless a message says "json". Adds a message that does, where none of the
 * request's texts contains the word.
 */
export function addJsonWord({ request, rules, adaptations }: EncodeContext, messages: WireObject[]): void {
  if (request.output?.format.case !== "jsonObject" || !rules.settings.json_mode_word) return;
  if (request.messages.some(saysJson)) return;
  const content = "Answer with a JSON object.";
  messages.push({ role: rules.settings.system_role, content });
  const reason = 'the provider refuses JSON mode unless a message contains the word "json"; a system message was added';
  adaptations.add("output.json_object", undefined, { content }, reason, rules.quirkOf.get("json_mode_word"));
}

function saysJson(message: Message): boolean {
  return message.parts.some(({ kind }) => kind.case === "text" && /json/i.test(kind.value.text));
}
