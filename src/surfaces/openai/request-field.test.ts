import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  CachingSchema,
  ChatRequestSchema,
  OutputFormatSchema,
  ReasoningSchema,
  RoutingSchema,
  SamplingSchema,
} from "../../contract/index.ts";
import { REQUEST_FIELDS } from "./decode-request.ts";
import { requestField } from "./request-field.ts";

const GROUPS: readonly [prefix: string, schema: DescMessage][] = [
  ["", ChatRequestSchema],
  ["sampling.", SamplingSchema],
  ["output.", OutputFormatSchema],
  ["reasoning.", ReasoningSchema],
  ["caching.", CachingSchema],
  ["routing.", RoutingSchema],
];

const isGroup = (field: DescField): boolean => GROUPS.some(([prefix]) => prefix === `${field.name}.`);
const PATHS = GROUPS.flatMap(([prefix, { fields }]) =>
  fields.filter((field) => !isGroup(field)).map((field) => prefix + field.name),
);

test.each(PATHS)("requestField names the contract's %s as this surface does", (path) => {
  const [top = ""] = requestField(path).split(/[.[]/);
  expect([...REQUEST_FIELDS]).toContain(top);
});

test.each([
  ["sampling.candidates", "n"],
  ["sampling.stop[2]", "stop[2]"],
  ["output.json_schema.schema_json", "response_format.json_schema.schema"],
  ["output.modalities[0]", "modalities[0]"],
  ["routing.constraints.regions", "parley.constraints.regions"],
  ["messages[3].parts[0].text.text", "messages[3].content"],
  ["messages[3].prefill", "messages[3].prefix"],
  ["messages[3].role", "messages[3].role"],
  ["tools[1].function.parameters_json", "tools[1].function.parameters"],
  ["tool_choice.names[0]", "tool_choice"],
  ["model", "model"],
])("requestField maps %s to %s", (path, expected) => {
  expect(requestField(path)).toBe(expected);
});
