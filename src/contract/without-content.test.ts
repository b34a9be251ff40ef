import { create, isMessage, toJsonString, type DescField, type DescMessage, type Message } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { ChatRequestSchema, Role, textPart, withoutContent, type ChatRequest } from "./index.ts";

const CANARY = "canary-4e1f";

// Every field of the contract is filled, found by reflection: one that is new is tested by itself.
function filled(schema: DescMessage, depth: number, choice: number): Message {
  const message = create(schema) as Message & Record<string, unknown>;
  for (const field of schema.fields) {
    if (field.message && depth === 0) continue;
    if (!field.oneof) message[field.localName] = valueOf(field, depth, choice);
  }
  for (const oneof of schema.oneofs) {
    const field = oneof.fields[choice % oneof.fields.length]!;
    if (field.message && depth === 0) continue;
    message[oneof.localName] = { case: field.localName, value: valueOf(field, depth, choice) };
  }
  return message;
}

function valueOf(field: DescField, depth: number, choice: number): unknown {
  const text = `${CANARY}:${field.parent.typeName}.${field.name}`;
  if (field.fieldKind === "map") return { [text]: field.scalar === ScalarType.STRING ? text : 1 };
  if (field.fieldKind === "list")
    return [field.message ? filled(field.message, depth - 1, choice) : scalarOf(field, text)];
  return field.message ? filled(field.message, depth - 1, choice) : scalarOf(field, text);
}

function scalarOf(field: DescField, text: string): unknown {
  if (field.enum) return field.enum.values.at(-1)!.number;
  switch (field.scalar) {
    case ScalarType.STRING:
      return text;
    case ScalarType.BYTES:
      return Buffer.from(text);
    case ScalarType.BOOL:
      return true;
    case ScalarType.INT64:
    case ScalarType.UINT64:
      return 7n;
    default:
      return 7;
  }
}

test("a shape holds the names that decide on targets, and no other text of any field", () => {
  const seen = new Set<string>();
  // As many rounds as the widest choice has members.
  for (let choice = 0; choice < 16; choice++) {
    const request = filled(ChatRequestSchema, 6, choice) as ChatRequest;
    const before = toJsonString(ChatRequestSchema, request);
    const after = toJsonString(ChatRequestSchema, withoutContent(request));
    expect(toJsonString(ChatRequestSchema, request)).toBe(before);
    for (const [, field] of after.matchAll(/canary-4e1f:parley\.v1\.([\w.]+)/g)) seen.add(field!);
    expect(Buffer.from(after).toString("latin1")).not.toContain(Buffer.from(CANARY).toString("base64").slice(0, 12));
  }
  expect([...seen].toSorted()).toEqual([
    "AudioOutput.format",
    "ChatRequest.model",
    "ChatRequest.service_tier",
    "Constraints.allow_providers",
    "Constraints.deny_providers",
    "Constraints.regions",
    "Constraints.required_capabilities",
    "FileReference.provider",
    "Grammar.syntax",
    "MediaPart.detail",
    "MediaPart.mime_type",
    "NativeTool.dialect",
    "NativeTool.type",
    "OpaquePart.native_type",
    "OpaqueState.format",
    "Origin.dialect",
    "Origin.model",
    "Origin.provider",
    "RawParams.dialect",
    "RawParams.provider",
    "Routing.fallback_models",
    "Routing.provider_order",
    "Routing.task",
  ]);
});

test("a shape keeps what is asked for, and one of elements that are alike", () => {
  const user = (text: string) => ({ role: Role.USER, parts: [textPart(text)] });
  const assistant = { role: Role.ASSISTANT, parts: [textPart("b")] };
  const request = create(ChatRequestSchema, {
    model: "m",
    messages: [user("a"), assistant, user("c"), { ...assistant, prefill: true }],
    tools: [
      {
        kind: { case: "function", value: { name: "f", parametersJson: '{"type":"object","properties":{"query":{}}}' } },
      },
    ],
    sampling: { topK: 5, stop: ["x", "y"] },
    metadata: { a: "b" },
  });
  const shape = withoutContent(request);
  expect(isMessage(shape, ChatRequestSchema)).toBe(true);
  expect(shape.messages.map((one) => [one.role, one.prefill])).toEqual([
    [Role.USER, undefined],
    [Role.ASSISTANT, undefined],
    [Role.ASSISTANT, true],
  ]);
  expect(shape.tools[0]?.kind.value).toMatchObject({ name: "x", parametersJson: expect.not.stringContaining("query") });
  expect(shape.sampling).toMatchObject({ topK: 5, stop: ["x", "x"] });
  expect(shape.metadata).toEqual({});
});
