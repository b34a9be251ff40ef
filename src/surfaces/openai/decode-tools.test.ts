import { describe, expect, test } from "vitest";
import { decode, decoded } from "./decode.fixture.ts";

describe("decodeRequest: tools", () => {
  test("decodes functions, custom tools, web search and a provider's own tools", () => {
    const { tools } = decoded({
      tools: [
        { type: "function", function: { name: "f", description: "d", strict: true, parameters: null } },
        {
          type: "custom",
          custom: { name: "g", format: { type: "grammar", grammar: { syntax: "lark", definition: "start: A" } } },
        },
        { type: "custom", custom: { name: "h", description: "d", format: { type: "text" } } },
        { type: "openrouter:datetime", parameters: { zone: "utc" } },
      ],
      web_search_options: {
        search_context_size: "low",
        user_location: { type: "approximate", approximate: { country: "DE", city: "Berlin", timezone: null } },
      },
    });
    expect(tools).toEqual([
      { function: { name: "f", description: "d", strict: true } },
      { custom: { name: "g", grammar: { syntax: "lark", definition: "start: A" } } },
      { custom: { name: "h", description: "d" } },
      {
        native: {
          dialect: "openai-chat",
          type: "openrouter:datetime",
          definition_json: '{"type":"openrouter:datetime","parameters":{"zone":"utc"}}',
        },
      },
      { web_search: { context_size: "low", user_location: { country: "DE", city: "Berlin" } } },
    ]);
  });

  test("keeps schemas character for character", () => {
    const schema = '{"zeta":{"maximum":9007199254740993}, "10":{"const":1.0},"type":"object"}';
    const { request } = decode(
      `{"model":"m","messages":[{"role":"user","content":"x"}],
        "tools":[{"type":"function","function":{"name":"f","parameters":${schema}}}],
        "response_format":{"type":"json_schema","json_schema":{"name":"s","strict":true,"schema":${schema}}}}`,
    );
    expect(request.tools[0]?.kind.value).toMatchObject({ parametersJson: schema });
    expect(request.output?.format.value).toMatchObject({ schemaJson: schema, strict: true });
  });

  test.each([
    ["none", { mode: "TOOL_MODE_NONE" }],
    ["auto", { mode: "TOOL_MODE_AUTO" }],
    ["required", { mode: "TOOL_MODE_REQUIRED" }],
    [
      { type: "function", function: { name: "f" } },
      { mode: "TOOL_MODE_REQUIRED", names: ["f"] },
    ],
    [
      { type: "custom", custom: { name: "g" } },
      { mode: "TOOL_MODE_REQUIRED", names: ["g"] },
    ],
    [
      {
        type: "allowed_tools",
        allowed_tools: { mode: "auto", tools: [{ type: "function", function: { name: "f" } }] },
      },
      { mode: "TOOL_MODE_AUTO", names: ["f"] },
    ],
  ])("decodes tool_choice %j", (choice, expected) => {
    expect(decoded({ tool_choice: choice, parallel_tool_calls: false })["tool_choice"]).toEqual({
      ...expected,
      parallel: false,
    });
  });
});
