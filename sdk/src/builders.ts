import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  Modality,
  Role,
  type MessageSchema,
  type OutputFormatSchema,
  type PartSchema,
  type ToolSchema,
} from "./contract.ts";

/** A message as plain objects. */
export type MessageInit = MessageInitShape<typeof MessageSchema>;
/** A part of a message as plain objects. */
export type PartInit = MessageInitShape<typeof PartSchema>;
/** A tool as plain objects. */
export type ToolInit = MessageInitShape<typeof ToolSchema>;
/** The shape of an answer as plain objects. */
export type OutputFormatInit = MessageInitShape<typeof OutputFormatSchema>;
/** A JSON Schema: an object, or JSON text where the order of keys or large numbers matter. */
export type JsonSchema = Readonly<Record<string, unknown>> | string;

/** A message of the user: texts and other parts, in order. */
export function user(...content: readonly (string | PartInit)[]): MessageInit {
  return { role: Role.USER, parts: content.map(partFrom) };
}

/** Instructions of the application. */
export function system(text: string): MessageInit {
  return { role: Role.SYSTEM, parts: [partFrom(text)] };
}

/** Instructions of the developer, where a provider tells them from the system's. */
export function developer(text: string): MessageInit {
  return { role: Role.DEVELOPER, parts: [partFrom(text)] };
}

/** An earlier message of the model. To send back an answer with its tool calls, pass `messageOf(response)` instead. */
export function assistant(...content: readonly (string | PartInit)[]): MessageInit {
  return { role: Role.ASSISTANT, parts: content.map(partFrom) };
}

/** What a tool call gave: a text, or anything else as JSON. `isError` tells the model that the tool failed. */
export function toolResult(callId: string, result: unknown, options: { readonly isError?: boolean } = {}): MessageInit {
  const text = typeof result === "string" ? result : (JSON.stringify(result) ?? "");
  const { isError } = options;
  const value = { callId, content: [partFrom(text)], ...(isError === undefined ? {} : { isError }) };
  return { role: Role.TOOL, parts: [{ kind: { case: "toolResult", value } }] };
}

/** An image: its address, which the provider fetches, or its bytes with their media type, for example `image/png`. */
export function image(source: string | Uint8Array, mimeType?: string): PartInit {
  const value = {
    modality: Modality.IMAGE,
    source:
      typeof source === "string" ? { case: "url" as const, value: source } : { case: "inline" as const, value: source },
    ...(mimeType === undefined ? {} : { mimeType }),
  };
  return { kind: { case: "media", value } };
}

/** A function that the model may call. */
export interface FunctionToolInit {
  readonly name: string;
  /** What it does and when to use it. */
  readonly description?: string;
  /** JSON Schema of its arguments. Unset: it takes none. */
  readonly parameters?: JsonSchema;
  /** Whether arguments must follow the schema exactly. Unset: the provider's default. */
  readonly strict?: boolean;
}

/** A function that the model may call and this program runs. */
export function functionTool({ name, description, parameters, strict }: FunctionToolInit): ToolInit {
  const value = {
    name,
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined ? {} : { parametersJson: jsonText(parameters) }),
    ...(strict === undefined ? {} : { strict }),
  };
  return { kind: { case: "function", value } };
}

/** An answer in JSON that follows a schema, for `output` of a request. */
export function jsonOutput(
  name: string,
  schema: JsonSchema,
  options: { readonly strict?: boolean } = {},
): OutputFormatInit {
  const { strict } = options;
  const value = { name, schemaJson: jsonText(schema), ...(strict === undefined ? {} : { strict }) };
  return { format: { case: "jsonSchema", value } };
}

function jsonText(schema: JsonSchema): string {
  return typeof schema === "string" ? schema : JSON.stringify(schema);
}

function partFrom(content: string | PartInit): PartInit {
  return typeof content === "string" ? { kind: { case: "text", value: { text: content } } } : content;
}
