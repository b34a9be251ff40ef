import { describe, expect, test } from "vitest";
import { ToolMode } from "../../contract/index.ts";
import { bodyOf, encode, tool, type RequestInit } from "./request.fixture.ts";
import { reasonThrown, targetWith } from "./target.fixture.ts";

const search = { kind: { case: "webSearch", value: {} } } as const;
const code = {
  kind: {
    case: "native",
    value: { dialect: "gemini-generate", type: "codeExecution", definitionJson: '{"codeExecution":{}}' },
  },
} as const;
const choose = (toolChoice: RequestInit["toolChoice"], tools = [tool("a"), tool("b")]): RequestInit => ({
  tools,
  ...(toolChoice ? { toolChoice } : {}),
});
const told = (init: RequestInit, settings: object = {}) =>
  encode(init, targetWith(settings as never)).adaptations.map(({ field }) => field);

describe("encode writes tools", () => {
  test("encode declares functions in one tool, schemas word for word, and the provider's own tools after them", () => {
    const parametersJson = '{"$schema":"x","type":"object","10":1,"maximum":9007199254740993}';
    const { body } = encode({ tools: [code, tool("a", { description: "", parametersJson }), search, tool("b")] });
    expect(body).toContain(
      `"tools":[{"functionDeclarations":[{"name":"a","description":"","parametersJsonSchema":${parametersJson}},{"name":"b"}]},{"codeExecution":{}},{"googleSearch":{}}]`,
    );
  });

  test("encode asks to be told of the provider's own steps where the provider can", () => {
    const told3 = targetWith({ server_tool_calls: true });
    expect(bodyOf({ tools: [search, tool("a")] }, told3)["toolConfig"]).toEqual({
      includeServerSideToolInvocations: true,
    });
    expect(bodyOf({ tools: [tool("a")] }, told3)).not.toHaveProperty("toolConfig");
  });

  test("encode excludes domains where the provider can, and tells of cache marks", () => {
    const value = { blockedDomains: ["a.b"] };
    const tools = [{ kind: { case: "webSearch" as const, value }, cacheBreakpoint: {} }];
    expect(bodyOf({ tools }, targetWith({ exclude_domains: true }))["tools"]).toEqual([
      { googleSearch: { excludeDomains: ["a.b"] } },
    ]);
    expect(told({ tools }, { exclude_domains: true })).toEqual(["tools[0].cache_breakpoint"]);
  });

  test("encode compiles parameters for the older dialect and tells what is lost", () => {
    const parametersJson =
      '{"type":"object","properties":{"a":{"type":["string","null"]}},"additionalProperties":false}';
    const target = targetWith({ schema_dialect: "openapi" });
    const { body, adaptations } = encode({ tools: [tool("a", { parametersJson })] }, target);
    expect(JSON.parse(body)).toMatchObject({
      tools: [
        {
          functionDeclarations: [
            { parameters: { type: "object", properties: { a: { type: "string", nullable: true } } } },
          ],
        },
      ],
    });
    expect(adaptations).toMatchObject([
      { field: "tools[0].function.parameters_json", requestedJson: '"additionalProperties"' },
    ]);
  });
});

describe("encode writes the choice among tools", () => {
  const calling = (init: RequestInit, settings: object = {}) =>
    (bodyOf(init, targetWith(settings as never))["toolConfig"] as { functionCallingConfig?: unknown } | undefined)
      ?.functionCallingConfig;

  test.each([
    [undefined, undefined],
    [{ mode: ToolMode.UNSPECIFIED }, undefined],
    [{ mode: ToolMode.AUTO, parallel: true }, { mode: "AUTO" }],
    [{ mode: ToolMode.NONE }, { mode: "NONE" }],
    [{ mode: ToolMode.NONE, names: ["a"] }, { mode: "NONE" }],
    [{ mode: ToolMode.REQUIRED }, { mode: "ANY" }],
    [
      { mode: ToolMode.REQUIRED, names: ["a"] },
      { mode: "ANY", allowedFunctionNames: ["a"] },
    ],
    [
      { mode: ToolMode.AUTO, names: ["a"] },
      { mode: "VALIDATED", allowedFunctionNames: ["a"] },
    ],
    [{ names: ["b"] }, { mode: "VALIDATED", allowedFunctionNames: ["b"] }],
  ])("encode writes %j as %j", (choice, wire) => {
    expect(calling(choose(choice))).toEqual(wire);
  });

  test("encode declares only the allowed functions where there is no word for them", () => {
    const init = choose({ mode: ToolMode.AUTO, names: ["b"] });
    const old = { validated_calls: false };
    expect(bodyOf(init, targetWith(old))["tools"]).toEqual([{ functionDeclarations: [{ name: "b" }] }]);
    expect(calling(init, old)).toEqual({ mode: "AUTO" });
    expect(told(init, old)).toEqual(["tool_choice.names"]);
  });

  test("encode holds functions to their schemas, and tells where that widens", () => {
    const strict = tool("a", { strict: true });
    expect(calling({ tools: [strict] })).toEqual({ mode: "VALIDATED" });
    expect(told({ tools: [strict] })).toEqual([]);
    expect(told({ tools: [strict, tool("b")] })).toEqual(["tools.function.strict"]);
    expect(calling({ tools: [strict], toolChoice: { mode: ToolMode.REQUIRED } })).toEqual({ mode: "ANY" });
    expect(told({ tools: [strict, tool("b")], toolChoice: { mode: ToolMode.NONE } })).toEqual([]);
  });

  test("encode offers the provider's own tools no more where no tool may be called", () => {
    const init: RequestInit = { tools: [search, tool("a")], toolChoice: { mode: ToolMode.NONE } };
    expect(bodyOf(init)["tools"]).toEqual([{ functionDeclarations: [{ name: "a" }] }]);
    expect(bodyOf({ ...init, tools: [search] })).not.toHaveProperty("tools");
  });

  test("encode refuses a choice of a tool that is not declared", () => {
    expect(reasonThrown(() => encode(choose({ names: ["x"] })))).toBe("INVALID_REQUEST");
  });
});
