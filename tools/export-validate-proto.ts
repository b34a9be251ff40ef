// Prints the validation rules' .proto source from the compiled descriptor that @bufbuild/protovalidate ships,
// because the package carries no .proto file and buf needs one to resolve the import without a network.
// Run after every upgrade of that package: npm run gen:validate
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { file_buf_validate_validate as file } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
} from "@bufbuild/protobuf/wkt";

// The drift check passes another root.
const outputRoot = process.argv[2] ?? ".";
const outputPath = `${outputRoot}/third_party/protovalidate/buf/validate/validate.proto`;
const maxFieldNumber = 536_870_911;

function indent(lines: string[]): string[] {
  return lines.map((line) => (line === "" ? "" : `  ${line}`));
}

function typeOf(field: FieldDescriptorProto): string {
  const scalar = field.type !== Type.MESSAGE && field.type !== Type.ENUM && field.type !== Type.GROUP;
  return scalar ? Type[field.type].toLowerCase() : field.typeName;
}

function fieldLine(field: FieldDescriptorProto, inOneof: boolean): string {
  const label = field.label === Label.REPEATED ? "repeated " : inOneof ? "" : "optional ";
  const options: string[] = [];
  if (field.defaultValue) options.push(`default = ${field.defaultValue}`);
  if (field.options && Object.hasOwn(field.options, "packed")) options.push(`packed = ${field.options.packed}`);
  if (field.options?.deprecated) options.push("deprecated = true");
  const suffix = options.length > 0 ? ` [${options.join(", ")}]` : "";
  return `${label}${typeOf(field)} ${field.name} = ${field.number}${suffix};`;
}

// Descriptor ranges of messages exclude their end, those of the language include it.
function rangeText(range: { start: number; end: number }): string {
  const last = range.end - 1;
  if (last >= maxFieldNumber) return `${range.start} to max`;
  return last === range.start ? `${range.start}` : `${range.start} to ${last}`;
}

function reservedLines(ranges: string[], names: string[]): string[] {
  const lines: string[] = [];
  if (ranges.length > 0) lines.push(`reserved ${ranges.join(", ")};`);
  if (names.length > 0) lines.push(`reserved ${names.map((name) => `"${name}"`).join(", ")};`);
  return lines;
}

function messageLines(message: DescriptorProto): string[] {
  const body: string[] = [];
  const printedOneofs = new Set<number>();
  for (const field of message.field) {
    const isOneofMember = Object.hasOwn(field, "oneofIndex") && !field.proto3Optional;
    if (!isOneofMember) {
      body.push(fieldLine(field, false));
    } else if (!printedOneofs.has(field.oneofIndex)) {
      printedOneofs.add(field.oneofIndex);
      const members = message.field.filter((f) => Object.hasOwn(f, "oneofIndex") && f.oneofIndex === field.oneofIndex);
      const name = message.oneofDecl[field.oneofIndex]?.name;
      body.push(`oneof ${name} {`, ...indent(members.map((member) => fieldLine(member, true))), "}");
    }
  }
  for (const nested of message.nestedType) body.push(...messageLines(nested));
  for (const nested of message.enumType) body.push(...enumLines(nested));
  for (const range of message.extensionRange) body.push(`extensions ${rangeText(range)};`);
  body.push(...reservedLines(message.reservedRange.map(rangeText), message.reservedName));
  return [`message ${message.name} {`, ...indent(body), "}", ""];
}

function enumLines(enumType: EnumDescriptorProto): string[] {
  const body = enumType.value.map((value) => `${value.name} = ${value.number};`);
  // Unlike those of messages, the reserved ranges of an enum include their end.
  const ranges = enumType.reservedRange.map((range) => rangeText({ start: range.start, end: range.end + 1 }));
  body.push(...reservedLines(ranges, enumType.reservedName));
  return [`enum ${enumType.name} {`, ...indent(body), "}", ""];
}

function extensionLines(extensions: FieldDescriptorProto[]): string[] {
  return extensions.flatMap((extension) => [
    `extend ${extension.extendee} {`,
    ...indent([fieldLine(extension, false)]),
    "}",
    "",
  ]);
}

function fileText(): string {
  const { proto } = file;
  if (proto.syntax !== "" && proto.syntax !== "proto2") {
    throw new Error(`Cannot export ${proto.name}: its syntax is ${proto.syntax}, this tool prints proto2 only`);
  }
  return [
    "// Printed by tools/export-validate-proto.ts from the descriptor inside @bufbuild/protovalidate (Apache-2.0,",
    "// Copyright Buf Technologies, Inc.). Structure only: the rules' CEL bodies live in that package. Do not edit.",
    'syntax = "proto2";',
    "",
    `package ${proto.package};`,
    "",
    ...proto.dependency.map((path) => `import "${path}";`),
    "",
    ...extensionLines(proto.extension),
    ...proto.enumType.flatMap(enumLines),
    ...proto.messageType.flatMap(messageLines),
  ].join("\n");
}

mkdirSync(dirname(outputPath), { recursive: true });
writeFileSync(outputPath, fileText());
console.log(`Wrote ${outputPath}`);
