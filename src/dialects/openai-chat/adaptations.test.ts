import { describe, expect, test } from "vitest";
import { Effort, ReasoningVisibility, Role, Support, ToolMode } from "../../contract/index.ts";
import type { DialectTarget } from "../dialect.ts";
import { openaiChat } from "./index.ts";
import { encode, requestOf, tool, type RequestInit } from "./request.fixture.ts";
import { targetWith } from "./target.fixture.ts";

function told(init: RequestInit, target?: DialectTarget): unknown[] {
  return encode(init, target).adaptations.map(({ field, requestedJson, appliedJson }) => [
    field,
    requestedJson,
    appliedJson,
  ]);
}

describe("encode adapts", () => {
  const stories: readonly (readonly [story: string, init: RequestInit, expected: unknown[], target?: DialectTarget])[] =
    [
      [
        "an effort between two steps to the lesser one",
        { reasoning: { effort: Effort.MEDIUM } },
        [["reasoning.effort", '"medium"', '"low"']],
        targetWith({ efforts: "none,low,high" }),
      ],
      [
        "an effort above the last step to that one",
        { reasoning: { effort: Effort.MAX } },
        [["reasoning.effort", '"max"', '"high"']],
        targetWith({ efforts: "none,low,medium,high" }),
      ],
      [
        "an effort by what the facts say, which go before settings",
        { reasoning: { effort: Effort.MINIMAL } },
        [["reasoning.effort", '"minimal"', '"low"']],
        targetWith({ efforts: "minimal" }, { efforts: ["none", "low"] }),
      ],
      [
        "a budget to an effort",
        { reasoning: { budgetTokens: 9000 } },
        [["reasoning.budget_tokens", "9000", '"medium"']],
      ],
      [
        "an effort beside a budget",
        { reasoning: { effort: Effort.LOW, budgetTokens: 9000 } },
        [["reasoning.budget_tokens", "9000", ""]],
      ],
      ["reasoning without an effort", { reasoning: { enabled: true } }, [["reasoning.enabled", "true", '"medium"']]],
      [
        "what is to be shown of reasoning",
        { reasoning: { visibility: ReasoningVisibility.SUMMARY } },
        [["reasoning.visibility", '"SUMMARY"', ""]],
      ],
      [
        "a seed that the model ignores",
        { sampling: { seed: 7n } },
        [["sampling.seed", "7", ""]],
        targetWith({}, { capabilities: { seed: Support.IGNORED } }),
      ],
      [
        "cache hints",
        { caching: { key: "k", ttlSeconds: 60 } },
        [
          ["caching.key", '"k"', ""],
          ["caching.ttl_seconds", "60", ""],
        ],
      ],
      [
        "a cache lifetime to the next one",
        { caching: { ttlSeconds: 60 } },
        [["caching.ttl_seconds", "60", "1800"]],
        targetWith({ cache_ttl: "options" }),
      ],
      [
        "metadata that needs store",
        { metadata: { a: "b" } },
        [["metadata", "", ""]],
        targetWith({ metadata_needs_store: true }),
      ],
      [
        "allowed tools that the provider cannot be told",
        { tools: [tool("f"), tool("g")], toolChoice: { mode: ToolMode.AUTO, names: ["g"] } },
        [["tool_choice.names", '["g"]', '{"tools":["g"]}']],
      ],
      [
        "an advisory field that a quirk rejects",
        { serviceTier: "flex" },
        [["service_tier", '"flex"', ""]],
        targetWith({}, {}, ["service_tier"]),
      ],
      [
        "JSON mode without the word",
        { output: { format: { case: "jsonObject", value: {} } } },
        [["output.json_object", "", '{"content":"Answer with a JSON object."}']],
        targetWith({ json_mode_word: true }),
      ],
      [
        "cache marks",
        { tools: [{ kind: { case: "function", value: { name: "f" } }, cacheBreakpoint: {} }] },
        [["tools[0].cache_breakpoint", "", ""]],
      ],
    ];

  test.for(stories)("encode adapts %s, and tells", ([, init, expected, target]) => {
    expect(told(init, target)).toEqual(expected);
  });

  test("encode names the quirk behind an adaptation", () => {
    const [adaptation] = encode({ serviceTier: "flex" }, targetWith({}, {}, ["service_tier"])).adaptations;
    expect([adaptation?.quirkId, adaptation?.reason]).toEqual(["T1", "the test says no"]);
  });

  test("encode with require_parameters refuses every advisory field that it would adapt", () => {
    const init: RequestInit = { caching: { key: "k" }, routing: { constraints: { requireParameters: true } } };
    const request = requestOf(init);
    expect(openaiChat.unsupported(request, targetWith())).toMatchObject([{ field: "caching.key", capability: false }]);
    expect(openaiChat.unsupported(request, targetWith({ cache_key: true }))).toEqual([]);
  });

  test("encode adds no word for JSON mode where a message has it", () => {
    const messages: RequestInit["messages"] = [
      { role: Role.USER, parts: [{ kind: { case: "text", value: { text: "as Json" } } }] },
    ];
    const init: RequestInit = { messages, output: { format: { case: "jsonObject", value: {} } } };
    expect(encode(init, targetWith({ json_mode_word: true })).adaptations).toEqual([]);
  });
});
