import { Modality, type ChatRequest, type Message, type OutputFormat } from "../../contract/index.ts";
import type { Body, EncodeContext, Unsupported, WireObject } from "./encode-context.ts";
import { compileSchema, strictProblem } from "./schema-subset.ts";
import type { TargetRules } from "./target-rules.ts";

/** Adds the output formats and modalities to `found` that the target cannot produce. */
export function findUnsupportedOutput(request: ChatRequest, rules: TargetRules, found: Unsupported): void {
  const { output } = request;
  if (!output) return;
  findUnsupportedFormat(output, rules, found);
  for (const [index, modality] of output.modalities.entries()) {
    if (modality === Modality.TEXT) continue;
    const reason =
      modality === Modality.IMAGE
        ? "the wire format makes pictures by a tool only; declare the provider's own tool for it"
        : "the wire format has no such modality";
    found.capability(`output.modalities[${index}]`, reason);
  }
  if (output.audio) found.capability("output.audio", "the wire format has no spoken answers");
}

function findUnsupportedFormat({ format }: OutputFormat, rules: TargetRules, found: Unsupported): void {
  switch (format.case) {
    case "jsonObject": {
      const refusal = rules.refusal("output.json_object", "json_object");
      if (refusal) found.capability("output.json_object", refusal.reason);
      return;
    }
    case "jsonSchema": {
      const refusal = rules.refusal("output.json_schema", "json_schema");
      if (refusal) found.capability("output.json_schema", refusal.reason);
      if (format.value.strict !== true) return;
      const field = "output.json_schema.schema_json";
      const problem = strictProblem(format.value.schemaJson, field, rules);
      if (problem !== undefined) found.parameter(field, problem);
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
  const text: WireObject = {};
  const format = wireFormat(context, output);
  if (format) text["format"] = format;
  if (output.verbosity !== undefined) {
    const refusal = rules.refusal("output.verbosity");
    if (!refusal) text["verbosity"] = output.verbosity;
    else adaptations.add("output.verbosity", output.verbosity, undefined, refusal.reason, refusal.quirkId);
  }
  if (Object.keys(text).length > 0) body.set("text", text);
}

function wireFormat(context: EncodeContext, { format }: OutputFormat): WireObject | undefined {
  switch (format.case) {
    case "text":
      return { type: "text" };
    case "jsonObject":
      return { type: "json_object" };
    case "jsonSchema": {
      const { name, description, schemaJson, strict } = format.value;
      const schema = compileSchema(context, schemaJson, "output.json_schema.schema_json");
      return { type: "json_schema", name, description, schema, strict };
    }
    default:
      return undefined;
  }
}

/**
 * JSON mode is refused by some providers unless a message says "json". Adds a message that does, where none of the
 * request's texts contains the word.
 */
export function addJsonWord({ request, rules, adaptations }: EncodeContext, input: WireObject[]): void {
  if (request.output?.format.case !== "jsonObject" || !rules.settings.json_mode_word) return;
  if (request.messages.some(saysJson)) return;
  const content = "Answer with a JSON object.";
  input.push({ role: rules.settings.system_role, content });
  const reason = 'the provider refuses JSON mode unless a message contains the word "json"; a system message was added';
  adaptations.add("output.json_object", undefined, { content }, reason, rules.quirkOf.get("json_mode_word"));
}

function saysJson(message: Message): boolean {
  return message.parts.some(({ kind }) => kind.case === "text" && /json/i.test(kind.value.text));
}
