import { describe, expect, test } from "vitest";
import { Effort, Modality, ReasoningVisibility, Role, ToolMode } from "../../contract/index.ts";
import type { DialectTarget } from "../dialect.ts";
import { bodyOf, encode, hello, say, tool, type RequestInit } from "./request.fixture.ts";
import { reasonThrown, targetWith } from "./target.fixture.ts";
import type { MessagesRequest } from "./wire.ts";

const schema =
  '{"type":"object","properties":{"z":{"type":"integer"},"a":{"type":"string"}},"required":["z","a"],"additionalProperties":false}';

describe("encode writes", () => {
  test("encode writes what every request has", () => {
    const { path, headers, body, adaptations } = encode({});
    expect(path).toBe("/messages");
    expect(headers).toEqual({ accept: "application/json", "anthropic-version": "2023-06-01" });
    expect(body).toBe(
      '{"model":"m1","max_tokens":8192,"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}]}',
    );
    expect(adaptations).toEqual([]);
  });

  test("encode asks for a stream", () => {
    const { headers, body } = encode({}, targetWith(), true);
    expect(headers["accept"]).toBe("text/event-stream");
    const wire = JSON.parse(body) as MessagesRequest;
    expect([wire.stream, wire.max_tokens]).toEqual([true, 8192]);
  });

  test("encode puts the model into the path and the version into the body where a cloud wants that", () => {
    const target = { ...targetWith({ endpoint: "publisher", version: "v-1" }), model: "m-1@2025" };
    const { path, headers } = encode({}, target);
    expect(path).toBe("/publishers/anthropic/models/m-1@2025:rawPredict");
    expect(encode({}, target, true).path).toMatch(/:streamRawPredict$/);
    expect(headers).toEqual({ accept: "application/json" });
    expect(bodyOf({}, target)).toMatchObject({ anthropic_version: "v-1" });
    expect(bodyOf({}, target)).not.toHaveProperty("model");
  });

  const rows: readonly (readonly [story: string, init: RequestInit, expected: object, target?: DialectTarget])[] = [
    ["the caller's output limit", { sampling: { maxOutputTokens: 0 } }, { max_tokens: 0 }],
    [
      "sampling",
      { sampling: { temperature: 0, topP: 0.5, topK: 3, stop: ["a"] } },
      { temperature: 0, top_p: 0.5, top_k: 3, stop_sequences: ["a"] },
    ],
    [
      "one of temperature and top_p",
      { sampling: { temperature: 0.5, topP: 1 } },
      { temperature: 0.5, top_p: undefined },
      targetWith({ sampling: "one_of" }),
    ],
    [
      "top_p where the temperature is the default",
      { sampling: { temperature: 1, topP: 0.5 } },
      { temperature: undefined, top_p: 0.5 },
      targetWith({ sampling: "one_of" }),
    ],
    [
      "a top_p that is nearly the default",
      { sampling: { topP: 0.995 } },
      { top_p: 0.995 },
      targetWith({ sampling: "default" }),
    ],
    [
      "no sampling where only defaults are allowed",
      { sampling: { temperature: 1, topP: 1 } },
      { temperature: undefined, top_p: undefined },
      targetWith({ sampling: "default" }),
    ],
    ["the end user's id", { endUserId: "u1" }, { metadata: { user_id: "u1" } }],
    [
      "a function without parameters",
      { tools: [tool("f")] },
      { tools: [{ name: "f", input_schema: { type: "object", properties: {} } }] },
    ],
    ["no choice among no tools", { toolChoice: { mode: ToolMode.NONE } }, { tool_choice: undefined }],
    [
      "a choice of none",
      { tools: [tool("f")], toolChoice: { mode: ToolMode.NONE, parallel: false } },
      { tool_choice: { type: "none" } },
    ],
    [
      "a choice of any",
      { tools: [tool("f")], toolChoice: { mode: ToolMode.REQUIRED, parallel: false } },
      { tool_choice: { type: "any", disable_parallel_tool_use: true } },
    ],
    [
      "a choice of one",
      { tools: [tool("f")], toolChoice: { mode: ToolMode.REQUIRED, names: ["f"] } },
      { tool_choice: { type: "tool", name: "f" } },
    ],
    [
      "one call at a time",
      { tools: [tool("f")], toolChoice: { parallel: false } },
      { tool_choice: { type: "auto", disable_parallel_tool_use: true } },
    ],
    ["the provider's default choice", { tools: [tool("f")], toolChoice: {} }, { tool_choice: undefined }],
    [
      "a search in the web",
      {
        tools: [
          {
            kind: {
              case: "webSearch",
              value: { allowedDomains: ["a.example"], maxUses: 2, userLocation: { country: "DE" } },
            },
          },
        ],
      },
      {
        tools: [
          {
            type: "web_search_20250305",
            name: "web_search",
            allowed_domains: ["a.example"],
            max_uses: 2,
            user_location: { type: "approximate", country: "DE" },
          },
        ],
      },
      targetWith({ web_search_tool: "web_search_20250305" }),
    ],
    [
      "a schema for the answer, with its description",
      { output: { format: { case: "jsonSchema", value: { name: "n", description: "d", schemaJson: schema } } } },
      { output_config: { format: { type: "json_schema", schema: { ...JSON.parse(schema), description: "d" } } } },
      targetWith({ output_format: true }),
    ],
    [
      "reasoning by a budget",
      { reasoning: { budgetTokens: 2000 } },
      { thinking: { type: "enabled", budget_tokens: 2000 } },
    ],
    [
      "adaptive reasoning by effort",
      { reasoning: { effort: Effort.HIGH, visibility: ReasoningVisibility.OMITTED } },
      { thinking: { type: "adaptive", display: "omitted" }, output_config: { effort: "high" } },
      targetWith({ thinking: "adaptive", effort: true, thinking_display: true }),
    ],
    [
      "either kind: a budget",
      { reasoning: { budgetTokens: 2000 } },
      { thinking: { type: "enabled", budget_tokens: 2000 } },
      targetWith({ thinking: "both" }),
    ],
    [
      "either kind: adaptive",
      { reasoning: { enabled: true } },
      { thinking: { type: "adaptive" } },
      targetWith({ thinking: "both" }),
    ],
    ["that there is no reasoning", { reasoning: { enabled: false } }, { thinking: { type: "disabled" } }],
    [
      "nothing where reasoning is off by default",
      { reasoning: { effort: Effort.NONE } },
      { thinking: undefined },
      targetWith({ thinking_off: "omit" }),
    ],
    [
      "a lifetime for the whole request",
      { caching: { ttlSeconds: 3600 } },
      { cache_control: { type: "ephemeral", ttl: "1h" } },
      targetWith({ automatic_caching: true }),
    ],
    [
      "caching of the default lifetime",
      { caching: {} },
      { cache_control: { type: "ephemeral" } },
      targetWith({ automatic_caching: true }),
    ],
    [
      "the service tier",
      { serviceTier: "standard_only" },
      { service_tier: "standard_only" },
      targetWith({ service_tier: true }),
    ],
    ["fast output", { serviceTier: "fast" }, { speed: "fast" }, targetWith({ fast_speed: true })],
    ["where inference takes place", {}, { inference_geo: "us" }, targetWith({ inference_geo: "us" })],
  ];

  test("encode asks for no caching by a key alone", () => {
    expect(bodyOf({ caching: { key: "k" } }, targetWith({ automatic_caching: true }))).not.toHaveProperty(
      "cache_control",
    );
  });

  test.for(rows)("encode writes %s", ([, init, expected, target]) => {
    expect(encode(init, target).adaptations).toEqual([]);
    const body = bodyOf(init, target);
    expect(Object.fromEntries(Object.keys(expected).map((member) => [member, body[member]]))).toEqual(expected);
  });

  test("encode writes schemas in the given order of keys", () => {
    const value = {
      name: "f",
      parametersJson: '{"type":"object","properties":{"10":{"maximum":9007199254740993},"2":{}}}',
    };
    expect(encode({ tools: [{ kind: { case: "function", value } }] }).body).toContain(
      `"input_schema":${value.parametersJson}`,
    );
  });

  test("encode names the features that a request makes use of", () => {
    const file = { modality: Modality.DOCUMENT, source: { case: "file", value: { id: "f1" } } } as const;
    const native = (type: string) =>
      ({
        kind: {
          case: "native",
          value: { dialect: "anthropic-messages", type, definitionJson: `{"type":"${type}","name":"x"}` },
        },
      }) as const;
    const init: RequestInit = {
      messages: [{ role: Role.USER, parts: [{ kind: { case: "media", value: file } }] }],
      tools: [native("computer_20250124"), native("bash_20250124"), native("mcp_toolset")],
      serviceTier: "fast",
      rawParams: [
        { dialect: "anthropic-messages", json: '{"betas":["my-beta"],"mcp_servers":[],"context_management":{}}' },
      ],
    };
    const { headers, body } = encode(init, targetWith({ beta_header: true, fast_speed: true }));
    expect(headers["anthropic-beta"]).toBe(
      "computer-use-2025-01-24,mcp-client-2025-11-20,files-api-2025-04-14,fast-mode-2026-02-01,my-beta,context-management-2025-06-27",
    );
    expect(body).not.toContain("betas");
    expect(encode(init, targetWith({ fast_speed: true })).headers).not.toHaveProperty("anthropic-beta");
    const mcp: RequestInit = { rawParams: [{ dialect: "anthropic-messages", json: '{"mcp_servers":[]}' }] };
    expect(encode(mcp, targetWith({ beta_header: true })).headers["anthropic-beta"]).toBe("mcp-client-2025-04-04");
  });
});

describe("encode refuses", () => {
  const text = (parametersJson: string) =>
    [{ kind: { case: "function", value: { name: "f", parametersJson } } }] as const;
  const rows: readonly (readonly [story: string, init: RequestInit, reason: string])[] = [
    ["parameters that are no object", { tools: [...text("true")] }, "INVALID_REQUEST"],
    [
      "the name of a tool that is not declared",
      { tools: [tool("f")], toolChoice: { names: ["g"] } },
      "INVALID_REQUEST",
    ],
    ["nothing but instructions", { messages: [say(Role.SYSTEM, "a")] }, "INVALID_REQUEST"],
    ["nothing but blank text", { messages: [say(Role.USER, " ")] }, "INVALID_REQUEST"],
    ["a penalty", { sampling: { frequencyPenalty: 1 } }, "UNSUPPORTED_PARAMETER"],
    ["any JSON", { output: { format: { case: "jsonObject", value: {} } } }, "UNSUPPORTED_CAPABILITY"],
    [
      "bytes of no type",
      {
        messages: [
          {
            role: Role.USER,
            parts: [
              {
                kind: {
                  case: "media",
                  value: { modality: Modality.IMAGE, source: { case: "inline", value: new Uint8Array(1) } },
                },
              },
            ],
          },
        ],
      },
      "INVALID_REQUEST",
    ],
    [
      "raw parameters that the contract has a field for",
      { rawParams: [{ dialect: "anthropic-messages", json: '{"top_k":1}' }] },
      "INVALID_REQUEST",
    ],
    [
      "names of features that could not be in a header",
      { rawParams: [{ dialect: "anthropic-messages", json: '{"betas":["a\\nb"]}' }] },
      "INVALID_REQUEST",
    ],
  ];

  test.for(rows)("encode refuses %s with %s", ([, init, expected]) => {
    expect(reasonThrown(() => encode({ messages: hello, ...init }))).toBe(expected);
  });
});
