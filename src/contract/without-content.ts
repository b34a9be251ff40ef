import { create, toBinary, type DescField, type DescMessage, type Message } from "@bufbuild/protobuf";
import { ChatRequestSchema, type ChatRequest } from "./gen/parley/v1/chat_pb.ts";

// Names that decide where a request may go. Every other text is content or may hold some: a field that is new to the
// contract is left out until it is named here.
const KEPT = new Set(
  [
    "ChatRequest.model ChatRequest.service_tier Routing.fallback_models Routing.provider_order Routing.task",
    "Constraints.allow_providers Constraints.deny_providers Constraints.regions Constraints.required_capabilities",
    "Origin.provider Origin.dialect Origin.model FileReference.provider OpaqueState.format OpaquePart.native_type",
    "MediaPart.mime_type MediaPart.detail NativeTool.dialect NativeTool.type RawParams.provider RawParams.dialect",
    "Grammar.syntax AudioOutput.format",
  ]
    .join(" ")
    .split(" ")
    .map((name) => `parley.v1.${name}`),
);

/** Most different elements of a list that are kept. */
const MAX_ELEMENTS = 64;

/**
 * The shape of a request: what it has, without what it says. Texts, names, addresses, schemas and bytes are stand-ins,
 * labels are gone, and of elements that then are alike one is kept. Where a request may go can be told of its shape, but
 * for its size.
 */
export function withoutContent(request: ChatRequest): ChatRequest {
  return shapeOf(ChatRequestSchema, request) as ChatRequest;
}

function shapeOf(schema: DescMessage, message: Message): Message {
  const values = message as unknown as Readonly<Record<string, unknown>>;
  const shape = create(schema) as Message & Record<string, unknown>;
  for (const field of schema.fields) {
    if (field.oneof) {
      const chosen = values[field.oneof.localName] as { case: string | undefined; value: unknown };
      if (chosen.case !== field.localName) continue;
      shape[field.oneof.localName] = { case: chosen.case, value: shapeOfValue(field, chosen.value) };
    } else if (values[field.localName] !== undefined) {
      shape[field.localName] = shapeOfValue(field, values[field.localName]);
    }
  }
  return shape;
}

function shapeOfValue(field: DescField, value: unknown): unknown {
  switch (field.fieldKind) {
    case "message":
      return shapeOf(field.message, value as Message);
    case "map":
      return {};
    case "list":
      if (field.listKind === "message") return alikeOnce(field.message, value as readonly Message[]);
      return (value as readonly unknown[]).slice(0, MAX_ELEMENTS).map((one) => shapeOfScalar(field, one));
    default:
      return shapeOfScalar(field, value);
  }
}

// Numbers, switches and enums say what is asked for, not what is said.
function shapeOfScalar(field: DescField, value: unknown): unknown {
  if (value instanceof Uint8Array) return new Uint8Array(Math.min(1, value.length));
  if (typeof value !== "string" || value === "") return value;
  if (KEPT.has(`${field.parent.typeName}.${field.name}`)) return value;
  return STAND_INS.get(field.name) ?? (field.name.endsWith("json") ? "{}" : "x");
}

// What the simplest of codecs takes: an address that is none, and a schema of nothing that is as strict as can be.
const SCHEMA = '{"type":"object","properties":{},"required":[],"additionalProperties":false}';
const STAND_INS: ReadonlyMap<string, string> = new Map([
  ["url", "https://x.invalid/"],
  ["schema_json", SCHEMA],
  ["parameters_json", SCHEMA],
]);

function alikeOnce(schema: DescMessage, messages: readonly Message[]): Message[] {
  const kept = new Map<string, Message>();
  for (const message of messages) {
    const shape = shapeOf(schema, message);
    const key = Buffer.from(toBinary(schema, shape)).toString("latin1");
    if (kept.has(key)) continue;
    if (kept.size >= MAX_ELEMENTS) break;
    kept.set(key, shape);
  }
  return [...kept.values()];
}
