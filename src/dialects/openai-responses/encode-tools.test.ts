import { describe, expect, test } from "vitest";
import { ToolMode } from "../../contract/index.ts";
import { adaptationsOf, bodyOf, encode, refusedFields, type RequestInit } from "./request.fixture.ts";
import { reasonThrown, targetWith } from "./target.fixture.ts";

type ToolInit = NonNullable<RequestInit["tools"]>[number];

const tool = (name: string, more: object = {}): ToolInit => ({ kind: { case: "function", value: { name, ...more } } });
const search = (value: object = {}): ToolInit => ({ kind: { case: "webSearch", value } });
const native = (type: string, definition: object): ToolInit => ({
  kind: { case: "native", value: { dialect: "openai-responses", type, definitionJson: JSON.stringify(definition) } },
});

const NOTHING = { type: "object", properties: {}, required: [], additionalProperties: false };

describe("encodeTools", () => {
  test("encodeTools writes functions flat, their schemas as they are", () => {
    const parametersJson = '{"type":"object", "properties":{"b":{},"a":{}}}';
    const tools = [tool("f", { parametersJson, strict: true, description: "d" }), tool("g")];
    expect(encode({ tools }).body).toContain(`"parameters":${parametersJson}`);
    expect(bodyOf({ tools })["tools"]).toEqual([
      { type: "function", name: "f", description: "d", parameters: JSON.parse(parametersJson) as object, strict: true },
      { type: "function", name: "g", parameters: NOTHING, strict: false },
    ]);
  });

  test("encodeTools leaves optional arguments optional unless the caller wants strictness", () => {
    const strictness = [{}, { strict: false }, { strict: true }].map((more) => tool("f", more));
    const sent = bodyOf({ tools: strictness })["tools"] as { readonly strict: unknown }[];
    expect(sent.map(({ strict }) => strict)).toEqual([false, false, true]);
  });

  test("encodeTools writes free-text tools, searches and the provider's own tools", () => {
    const grammar = { syntax: "lark", definition: "start: x" };
    const tools: ToolInit[] = [
      { kind: { case: "custom", value: { name: "sql", grammar } } },
      search({ allowedDomains: ["a.org"], contextSize: "low", userLocation: { country: "AT" }, maxUses: 2 }),
    ];
    expect(bodyOf({ tools })).toMatchObject({
      max_tool_calls: 2,
      tools: [
        { type: "custom", name: "sql", format: { type: "grammar", ...grammar } },
        {
          type: "web_search",
          filters: { allowed_domains: ["a.org"] },
          search_context_size: "low",
          user_location: { type: "approximate", country: "AT" },
        },
      ],
    });
    expect(
      bodyOf({ tools: [native("code_interpreter", { type: "code_interpreter", container: { type: "auto" } })] }),
    ).toMatchObject({ tools: [{ type: "code_interpreter", container: { type: "auto" } }] });
  });

  test.each<[string, object, unknown]>([
    ["none", { mode: ToolMode.NONE }, "none"],
    ["auto", { mode: ToolMode.AUTO }, "auto"],
    ["required", { mode: ToolMode.REQUIRED }, "required"],
    ["one function", { mode: ToolMode.REQUIRED, names: ["f"] }, { type: "function", name: "f" }],
    ["one free-text tool", { mode: ToolMode.REQUIRED, names: ["sql"] }, { type: "custom", name: "sql" }],
    [
      "some of them",
      { mode: ToolMode.AUTO, names: ["f", "sql"] },
      {
        type: "allowed_tools",
        mode: "auto",
        tools: [
          { type: "function", name: "f" },
          { type: "custom", name: "sql" },
        ],
      },
    ],
    ["one deferred function", { mode: ToolMode.REQUIRED, names: ["g"] }, { type: "function", name: "g" }],
  ])("encodeTools writes the choice of %s", (_, toolChoice, expected) => {
    const tools = [
      tool("f"),
      { kind: { case: "custom", value: { name: "sql" } } } as ToolInit,
      native("function", { type: "function", name: "g", defer_loading: true }),
    ];
    expect(bodyOf({ tools, toolChoice }, targetWith({ allowed_tools: true }))["tool_choice"]).toEqual(expected);
  });

  test("encodeTools declares only the allowed tools where the provider cannot be told", () => {
    const init: RequestInit = { tools: [tool("f"), tool("g")], toolChoice: { mode: ToolMode.AUTO, names: ["g"] } };
    expect(bodyOf(init)).toMatchObject({ tools: [{ name: "g" }], tool_choice: "auto" });
    expect(adaptationsOf(init)).toHaveLength(1);
  });

  test("encodeTools says whether several may be called at once, and refuses the choice of an unknown one", () => {
    expect(bodyOf({ tools: [tool("f")], toolChoice: { parallel: false } })["parallel_tool_calls"]).toBe(false);
    const unknown: RequestInit = { tools: [tool("f")], toolChoice: { mode: ToolMode.AUTO, names: ["x"] } };
    expect(reasonThrown(() => encode(unknown))).toBe("INVALID_REQUEST");
  });

  test("encodeTools tells of cache marks on tools, which the wire format lacks", () => {
    const marked: ToolInit = { kind: { case: "function", value: { name: "f" } }, cacheBreakpoint: {} };
    expect(adaptationsOf({ tools: [marked] })).toEqual([
      "tools[0].cache_breakpoint: the wire format has no cache marks on tools",
    ]);
  });
});

describe("findUnsupportedTools", () => {
  test.each<[string, ToolInit[], Parameters<typeof targetWith>, string[]]>([
    ["a search that blocks", [search({ blockedDomains: ["a"] })], [], ["tools[0].web_search.blocked_domains"]],
    ["a search where there is none", [search()], [{ web_search_type: "" }], ["tools[0].web_search"]],
    [
      "a limit on searches beside other tools of the provider",
      [search({ maxUses: 1 }), native("mcp", {})],
      [],
      ["tools[0].web_search.max_uses"],
    ],
    ["a name with a dot", [tool("a.b")], [{ plain_tool_names: true }], ["tools[0].function.name"]],
    [
      "another dialect's tool",
      [{ kind: { case: "native", value: { dialect: "anthropic-messages", type: "bash", definitionJson: "{}" } } }],
      [],
      ["tools[0].native"],
    ],
    ["strictness", [tool("f", { strict: true })], [{}, {}, ["tools.function.strict"]], ["tools[0].function.strict"]],
    ["tools", [tool("f")], [{}, {}, ["tools"]], ["tools"]],
  ])("findUnsupportedTools refuses %s", (_, tools, target, expected) => {
    expect(refusedFields({ tools }, targetWith(...target))).toEqual(expected);
  });
});

describe("schemas", () => {
  const schemaInit = (schemaJson: string, strict?: boolean): RequestInit => ({
    output: {
      format: { case: "jsonSchema", value: { name: "s", schemaJson, ...(strict === undefined ? {} : { strict }) } },
    },
  });
  const closed = targetWith({ strict_closed_objects: true, strict_refused_keywords: "allOf,not" });

  test.each<[string, string]>([
    ['{"type":"array"}', "its root must be an object"],
    ['{"type":"object","properties":{}}', "additionalProperties is not false at the root"],
    [
      '{"type":"object","properties":{"a":{}},"additionalProperties":false}',
      "a property is not listed as required at the root",
    ],
    [
      '{"type":"object","properties":{"a":{"allOf":[]}},"required":["a"],"additionalProperties":false}',
      "it has allOf at /properties/a",
    ],
    [
      '{"type":"object","properties":{"a":{"items":{"type":["object","null"]}}},"required":["a"],"additionalProperties":false}',
      "additionalProperties is not false at /properties/a/items",
    ],
    [
      '{"type":"object","properties":{},"required":[],"additionalProperties":false,"$defs":{"x":{"anyOf":[{"not":{}}]}}}',
      "it has not at /$defs/x/anyOf/0",
    ],
  ])("strictProblem finds what is wrong with %s", (schemaJson, problem) => {
    expect(refusedFields(schemaInit(schemaJson, true), closed)).toEqual(["output.json_schema.schema_json"]);
    expect(reasonThrown(() => encode(schemaInit(schemaJson, true), closed))).toBe("UNSUPPORTED_PARAMETER");
    expect(() => encode(schemaInit(schemaJson, true), closed)).toThrow(problem);
    expect(refusedFields(schemaInit(schemaJson, false), closed)).toEqual([]);
    expect(refusedFields(schemaInit(schemaJson), closed)).toEqual([]);
    expect(refusedFields(schemaInit(schemaJson, true))).toEqual([]);
  });

  test("strictProblem takes names of properties and values for what they are", () => {
    const schemaJson =
      '{"type":"object","properties":{"allOf":{"enum":["not",{"not":1}]},"not":{"type":"string"}},"required":["allOf","not"],"additionalProperties":false}';
    expect(refusedFields(schemaInit(schemaJson, true), closed)).toEqual([]);
  });

  test("compileSchema takes out what the provider refuses, one adaptation for each", () => {
    const target = targetWith({ refused_keywords: "not,format" });
    const schemaJson = '{"type":"object","properties":{"a":{"format":"date","maximum":1.0},"format":{"not":{}}}}';
    expect(encode(schemaInit(schemaJson), target).body).toContain(
      '"schema":{"type":"object","properties":{"a":{"maximum":1.0},"format":{}}}',
    );
    expect(adaptationsOf(schemaInit(schemaJson), target)).toEqual([
      "output.json_schema.schema_json: the provider refuses the keyword format; it was taken out at /properties/a",
      "output.json_schema.schema_json: the provider refuses the keyword not; it was taken out at /properties/format",
    ]);
    expect(refusedFields(schemaInit(schemaJson, true), target)).toEqual(["output.json_schema.schema_json"]);
    const tools = [tool("f", { parametersJson: schemaJson })];
    expect(adaptationsOf({ tools }, target)).toHaveLength(2);
    expect(refusedFields({ tools: [tool("f", { parametersJson: schemaJson, strict: true })] }, target)).toEqual([
      "tools[0].function.parameters_json",
    ]);
  });

  test("compileSchema leaves a schema without refused keywords as it was written", () => {
    const schemaJson = '{ "type" : "object" }';
    expect(encode(schemaInit(schemaJson), targetWith({ refused_keywords: "not" })).body).toContain(schemaJson);
  });
});
