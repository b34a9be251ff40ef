import { create, toJson } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  ChatRequestSchema,
  assistant,
  developer,
  functionTool,
  image,
  jsonOutput,
  system,
  toolResult,
  user,
  type ChatRequestInit,
} from "./index.ts";

function json(request: ChatRequestInit): unknown {
  return toJson(ChatRequestSchema, create(ChatRequestSchema, request));
}

test("user, system, developer, assistant and toolResult build the contract's messages", () => {
  const messages = [
    system("Be brief."),
    developer("No lists."),
    user("What is this?", image("https://example.com/cat.png"), image(new Uint8Array([1, 2]), "image/png")),
    assistant("A cat."),
    toolResult("call_1", { celsius: 21 }, { isError: false }),
    toolResult("call_2", "sunny"),
  ];
  expect(json({ model: "m", messages })).toEqual({
    model: "m",
    messages: [
      { role: "ROLE_SYSTEM", parts: [{ text: { text: "Be brief." } }] },
      { role: "ROLE_DEVELOPER", parts: [{ text: { text: "No lists." } }] },
      {
        role: "ROLE_USER",
        parts: [
          { text: { text: "What is this?" } },
          { media: { modality: "MODALITY_IMAGE", url: "https://example.com/cat.png" } },
          { media: { modality: "MODALITY_IMAGE", inline: "AQI=", mimeType: "image/png" } },
        ],
      },
      { role: "ROLE_ASSISTANT", parts: [{ text: { text: "A cat." } }] },
      {
        role: "ROLE_TOOL",
        parts: [{ toolResult: { callId: "call_1", content: [{ text: { text: '{"celsius":21}' } }], isError: false } }],
      },
      { role: "ROLE_TOOL", parts: [{ toolResult: { callId: "call_2", content: [{ text: { text: "sunny" } }] } }] },
    ],
  });
});

test("functionTool and jsonOutput keep a schema's text as given, and the order of an object's keys", () => {
  const parameters = { type: "object", properties: { b: { type: "string" }, a: { type: "number" } } };
  const request = {
    model: "m",
    tools: [
      functionTool({ name: "f", description: "d", parameters, strict: true }),
      functionTool({ name: "g", parameters: '{ "maximum": 12345678901234567890 }' }),
      functionTool({ name: "h" }),
    ],
    output: jsonOutput("shape", { type: "object" }, { strict: true }),
  };
  expect(json(request)).toMatchObject({
    tools: [
      {
        function: {
          name: "f",
          description: "d",
          strict: true,
          parametersJson: '{"type":"object","properties":{"b":{"type":"string"},"a":{"type":"number"}}}',
        },
      },
      { function: { name: "g", parametersJson: '{ "maximum": 12345678901234567890 }' } },
      { function: { name: "h" } },
    ],
    output: { jsonSchema: { name: "shape", schemaJson: '{"type":"object"}', strict: true } },
  });
});
