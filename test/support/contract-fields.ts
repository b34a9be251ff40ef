import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { ChatRequestSchema } from "../../src/contract/index.ts";

// Every field that a chat request can have, found by reflection: a field added to the contract is in the table by itself.

/** A field of the request, with all that leads to it. */
export interface RequestField {
  /** Its path as errors name it, for example `messages[0].parts[0].text.text`. */
  readonly path: string;
  readonly field: DescField;
  /** A `ChatRequest` in JSON with this value of the field. */
  json(value: unknown): unknown;
  /** A `ChatRequest` in binary with these bytes in place of the field's tag and value. */
  binary(write: (writer: BinaryWriter) => void): Uint8Array;
}

type Place = Omit<RequestField, "field">;

/** Each field once: of a type that occurs in several places, at the first one. */
export function requestFields(): RequestField[] {
  const found: RequestField[] = [];
  const seen = new Set<string>([ChatRequestSchema.typeName]);
  const queue: [DescMessage, Place][] = [[ChatRequestSchema, { path: "", json: (value) => value, binary: written }]];
  for (let next = queue.shift(); next; next = queue.shift()) {
    const [desc, place] = next;
    for (const field of desc.fields) {
      const inner = placeOf(place, field);
      found.push({ field, ...inner });
      const { message } = field;
      if (!message || seen.has(message.typeName) || message.typeName.startsWith("google.protobuf.")) continue;
      seen.add(message.typeName);
      queue.push([message, itemOf(inner, field)]);
    }
  }
  return found;
}

function written(write: (writer: BinaryWriter) => void): Uint8Array {
  const writer = new BinaryWriter();
  write(writer);
  return writer.finish();
}

function placeOf(parent: Place, field: DescField): Place {
  return {
    path: parent.path === "" ? field.name : `${parent.path}.${field.name}`,
    json: (value) => parent.json({ [field.name]: value }),
    binary: parent.binary,
  };
}

/** The inside of the field's message: of its only item where it is a list. */
function itemOf(place: Place, field: DescField): Place {
  const isList = field.fieldKind === "list";
  return {
    path: isList ? `${place.path}[0]` : place.path,
    json: (value) => place.json(isList ? [value] : value),
    binary: (write) =>
      place.binary((writer) => {
        writer.tag(field.number, WireType.LengthDelimited).fork();
        write(writer);
        writer.join();
      }),
  };
}

const TEXTS = new Set([ScalarType.STRING, ScalarType.BYTES]);

/** Values that the field cannot take in JSON, by what they are; `at` is added to the field's path. */
export function wrongJsonValues(field: DescField, text: string): { what: string; at: string; value: unknown }[] {
  const item = wrongItem(field, text);
  if (field.fieldKind === "list") {
    return [
      { what: "a text for a list", at: "", value: text },
      { what: `a list with ${item.what}`, at: "[0]", value: [item.value] },
    ];
  }
  if (field.fieldKind === "map") {
    return [
      { what: "a list for a map", at: "", value: [text] },
      { what: `a map to ${item.what}`, at: '["a"]', value: { a: item.value } },
    ];
  }
  return [
    { what: item.what, at: "", value: item.value },
    { what: "a list", at: "", value: [text] },
  ];
}

function wrongItem(field: DescField, text: string): { what: string; value: unknown } {
  if (field.scalar !== undefined && TEXTS.has(field.scalar)) return { what: "a number", value: 12_345 };
  return { what: "a text", value: text };
}

/** Writes the field with a wire type that is not its own. */
export function writeWrongWireType(field: DescField, text: string): (writer: BinaryWriter) => void {
  const isDelimited =
    field.fieldKind === "message" ||
    field.fieldKind === "map" ||
    field.message !== undefined ||
    (field.scalar !== undefined && TEXTS.has(field.scalar));
  return (writer) => {
    if (isDelimited) writer.tag(field.number, WireType.Varint).uint32(12_345);
    else writer.tag(field.number, WireType.LengthDelimited).string(text);
  };
}
