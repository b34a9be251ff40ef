import { create } from "@bufbuild/protobuf";
import { Modality, OutputFormatSchema, type AudioOutput, type OutputFormat, type Part } from "../../contract/index.ts";
import { TEXT_ONLY, decodeContent } from "./decode-content.ts";
import { decodeGrammar } from "./decode-tools.ts";
import {
  checkMembers,
  isSet,
  notOneOf,
  objectAt,
  optionalBoolean,
  optionalObject,
  optionalString,
  pathTo,
  requiredString,
  stringAt,
  stringList,
  type JsonObject,
} from "./fields.ts";
import type { JsonText } from "./json-text.ts";

const MODALITIES = new Map<string, Modality>([
  ["text", Modality.TEXT],
  ["audio", Modality.AUDIO],
  ["image", Modality.IMAGE],
]);

/** Decodes `response_format`, `verbosity`, `modalities` and `audio`. Undefined: none of them is set. */
export function decodeOutput(body: JsonText): OutputFormat | undefined {
  const { root } = body;
  const format = optionalObject(root, "response_format", "");
  const verbosity = optionalString(root, "verbosity", "");
  const modalities = stringList(root, "modalities", "").map((word, index) => {
    const modality = MODALITIES.get(word);
    if (modality === undefined) throw notOneOf(`modalities[${index}]`, MODALITIES.keys());
    return modality;
  });
  const audio = optionalObject(root, "audio", "");
  if (!format && verbosity === undefined && modalities.length === 0 && !audio) return undefined;
  return create(OutputFormatSchema, {
    modalities,
    ...(format ? { format: decodeFormat(body, format, "response_format") } : {}),
    ...(verbosity === undefined ? {} : { verbosity }),
    ...(audio ? { audio: decodeAudioOutput(audio, "audio") } : {}),
  });
}

function decodeFormat(body: JsonText, given: JsonObject, path: string): OutputFormat["format"] {
  const type = requiredString(given, "type", path);
  switch (type) {
    case "text":
      checkMembers(given, new Set(["type"]), path);
      return { case: "text", value: { $typeName: "parley.v1.TextFormat" } };
    case "json_object":
      checkMembers(given, new Set(["type"]), path);
      return { case: "jsonObject", value: { $typeName: "parley.v1.JsonObjectFormat" } };
    case "json_schema":
      checkMembers(given, new Set(["type", "json_schema"]), path);
      return decodeSchema(
        body,
        objectAt(given["json_schema"], pathTo(path, "json_schema")),
        pathTo(path, "json_schema"),
      );
    case "grammar":
      checkMembers(given, new Set(["type", "grammar"]), path);
      return { case: "grammar", value: decodeGrammar(given["grammar"], pathTo(path, "grammar")) };
    default:
      throw notOneOf(pathTo(path, "type"), ["text", "json_object", "json_schema", "grammar"]);
  }
}

const SCHEMA_FIELDS = new Set(["name", "description", "schema", "strict"]);

function decodeSchema(body: JsonText, given: JsonObject, path: string): OutputFormat["format"] {
  checkMembers(given, SCHEMA_FIELDS, path);
  const description = optionalString(given, "description", path);
  const strict = optionalBoolean(given, "strict", path);
  const schemaJson = optionalObject(given, "schema", path) ? body.source(pathTo(path, "schema")) : undefined;
  return {
    case: "jsonSchema",
    value: {
      $typeName: "parley.v1.JsonSchemaFormat",
      name: requiredString(given, "name", path),
      schemaJson: schemaJson ?? "{}",
      ...(description === undefined ? {} : { description }),
      ...(strict === undefined ? {} : { strict }),
    },
  };
}

function decodeAudioOutput(given: JsonObject, path: string): AudioOutput {
  checkMembers(given, new Set(["voice", "format"]), path);
  const audio: AudioOutput = { $typeName: "parley.v1.AudioOutput" };
  const format = optionalString(given, "format", path);
  if (format !== undefined) audio.format = format;
  const voice = given["voice"];
  const at = pathTo(path, "voice");
  if (typeof voice === "object" && voice !== null) {
    const custom = objectAt(voice, at);
    checkMembers(custom, new Set(["id"]), at);
    audio.voiceId = requiredString(custom, "id", at);
  } else if (isSet(voice)) audio.voice = stringAt(voice, at);
  return audio;
}

/** Decodes `prediction`: text the answer is likely to contain. */
export function decodePrediction(root: JsonObject): Part[] {
  const given = optionalObject(root, "prediction", "");
  if (!given) return [];
  checkMembers(given, new Set(["type", "content"]), "prediction");
  if (requiredString(given, "type", "prediction") !== "content") throw notOneOf("prediction.type", ["content"]);
  return decodeContent(given["content"], "prediction.content", TEXT_ONLY);
}
