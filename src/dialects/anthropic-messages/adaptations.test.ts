import { describe, expect, test } from "vitest";
import { Effort, Modality, ReasoningVisibility, Role, ToolMode } from "../../contract/index.ts";
import type { DialectTarget } from "../dialect.ts";
import { encode, say, told, tool, type RequestInit } from "./request.fixture.ts";
import { targetWith } from "./target.fixture.ts";

const marked = (...ttls: readonly (number | undefined)[]): RequestInit => ({
  messages: [
    {
      role: Role.USER,
      parts: ttls.map((ttlSeconds) => ({
        kind: { case: "text", value: { text: "a" } },
        cacheBreakpoint: ttlSeconds === undefined ? {} : { ttlSeconds },
      })),
    },
  ],
});
const adaptive = targetWith({
  thinking: "adaptive",
  effort: true,
  efforts: "low,medium,high,max",
  thinking_display: true,
});
const effort = targetWith({ effort: true });
const parameters = (parametersJson: string): RequestInit => ({
  tools: [{ kind: { case: "function", value: { name: "f", parametersJson } } }],
});
const image = { modality: Modality.IMAGE, detail: "low", source: { case: "url", value: "u" } } as const;
const paper = { modality: Modality.DOCUMENT, title: "T", filename: "f", source: { case: "url", value: "u" } } as const;

const rows: readonly (readonly [story: string, init: RequestInit, expected: unknown[], target?: DialectTarget])[] = [
  ["a seed", { sampling: { seed: 7n } }, [["sampling.seed", "7", ""]]],
  [
    "an output limit that nobody told",
    {},
    [["sampling.max_output_tokens", "", "4096"]],
    { ...targetWith(), facts: { capabilities: {}, quirks: [] } },
  ],
  ["how wordy", { output: { verbosity: "low" } }, [["output.verbosity", '"low"', ""]]],
  [
    "what is kept, and with what",
    { store: true, metadata: { a: "b" } },
    [
      ["store", "true", ""],
      ["metadata", "", ""],
    ],
  ],
  ["a prediction", { prediction: [{ kind: { case: "text", value: { text: "a" } } }] }, [["prediction", "", ""]]],
  ["a cache key", { caching: { key: "k" } }, [["caching.key", '"k"', ""]], targetWith({ automatic_caching: true })],
  [
    "a lifetime that nobody offers",
    { caching: { ttlSeconds: 600 } },
    [["caching.ttl_seconds", "600", "3600"]],
    targetWith({ automatic_caching: true }),
  ],
  ["a lifetime where only parts are marked", { caching: { ttlSeconds: 300 } }, [["caching.ttl_seconds", "300", ""]]],
  ["a mark's lifetime", marked(60), [["messages[0].parts[0].cache_breakpoint.ttl_seconds", "", "300"]]],
  [
    "a long-lived mark after a short-lived one",
    marked(undefined, 3600),
    [["messages[0].parts[1].cache_breakpoint.ttl_seconds", "", "300"]],
  ],
  [
    "marks beyond the fourth",
    marked(...Array.from({ length: 6 }, () => 3600)),
    [["messages[0].parts[0].cache_breakpoint", "", ""]],
  ],
  [
    "marks where none are known",
    marked(300),
    [["messages[0].parts[0].cache_breakpoint", "", ""]],
    targetWith({ cache_marks: false }),
  ],
  [
    "a service tier by another word",
    { serviceTier: "priority" },
    [["service_tier", '"priority"', '"auto"']],
    targetWith({ service_tier: true }),
  ],
  [
    "a service tier that is not there",
    { serviceTier: "flex" },
    [["service_tier", '"flex"', ""]],
    targetWith({ service_tier: true }),
  ],
  ["a service tier where there are none", { serviceTier: "auto" }, [["service_tier", '"auto"', ""]]],
  ["a participant's name", { messages: [{ ...say(Role.USER, "a"), name: "Ann" }] }, [["messages[0].name", "", ""]]],
  [
    "how finely to look",
    { messages: [{ role: Role.USER, parts: [{ kind: { case: "media", value: image } }] }] },
    [["messages[0].parts[0].media.detail", "", ""]],
  ],
  [
    "a file name beside a title",
    { messages: [{ role: Role.USER, parts: [{ kind: { case: "media", value: paper } }] }] },
    [["messages[0].parts[0].media.filename", "", ""]],
  ],
  [
    "tools that are allowed",
    { tools: [tool("f"), tool("g")], toolChoice: { mode: ToolMode.AUTO, names: ["g"] } },
    [["tool_choice.names", '["g"]', '{"tools":["g"]}']],
  ],
  [
    "alternatives at the top of a schema",
    parameters('{"type":"object","anyOf":[]}'),
    [["tools[0].function.parameters_json.anyOf", "", ""]],
  ],
  ["a schema without a type", parameters("{}"), [["tools[0].function.parameters_json.type", "", '"object"']]],
  [
    "an effort without budgets to an effort of the model",
    { reasoning: { effort: Effort.XHIGH } },
    [["reasoning.effort", '"xhigh"', '"high"']],
    adaptive,
  ],
  [
    "the least effort",
    { reasoning: { effort: Effort.MINIMAL } },
    [["reasoning.effort", '"minimal"', '"low"']],
    adaptive,
  ],
  [
    "a budget to an effort",
    { reasoning: { budgetTokens: 20_000 } },
    [["reasoning.budget_tokens", "20000", '"high"']],
    adaptive,
  ],
  [
    "a budget beside an effort",
    { reasoning: { budgetTokens: 9, effort: Effort.LOW } },
    [["reasoning.budget_tokens", "9", ""]],
    adaptive,
  ],
  [
    "an effort to a budget",
    { reasoning: { effort: Effort.LOW } },
    [["reasoning.effort", '"low"', '{"budget_tokens":4096}']],
  ],
  [
    "an effort to the budget that the output limit allows",
    { reasoning: { effort: Effort.HIGH } },
    [["reasoning.effort", '"high"', '{"budget_tokens":6553}']],
  ],
  ["no effort where the model takes it beside a budget", { reasoning: { effort: Effort.LOW } }, [], effort],
  [
    "an effort that the model does not know beside a budget",
    { reasoning: { effort: Effort.LOW, budgetTokens: 2000 } },
    [["reasoning.effort", '"low"', ""]],
  ],
  [
    "reasoning without an effort",
    { reasoning: { enabled: true } },
    [["reasoning.enabled", "true", '{"budget_tokens":6553}']],
  ],
  ["a budget below the least", { reasoning: { budgetTokens: 10 } }, [["reasoning.budget_tokens", "10", "1024"]]],
  [
    "a budget beyond the output limit",
    { reasoning: { budgetTokens: 9000 } },
    [["reasoning.budget_tokens", "9000", "8191"]],
  ],
  [
    "full reasoning",
    { reasoning: { enabled: true, visibility: ReasoningVisibility.FULL } },
    [["reasoning.visibility", '"FULL"', '"summarized"']],
    adaptive,
  ],
  [
    "what is shown where that cannot be said",
    { reasoning: { budgetTokens: 2000, visibility: ReasoningVisibility.OMITTED } },
    [["reasoning.visibility", '"OMITTED"', ""]],
  ],
  [
    "what is shown of reasoning that nobody switched on",
    { reasoning: { visibility: ReasoningVisibility.SUMMARY } },
    [["reasoning.visibility", '"SUMMARY"', ""]],
    adaptive,
  ],
];

describe("encode adapts", () => {
  test.for(rows)("encode adapts %s, and tells", ([, init, expected, target]) => {
    expect(told(init, target)).toEqual(expected);
  });

  test("encode names the quirk behind an adaptation", () => {
    const [adaptation] = encode({ endUserId: "u" }, targetWith({}, {}, ["end_user_id"])).adaptations;
    expect([adaptation?.quirkId, adaptation?.reason]).toEqual(["T1", "the test says no"]);
  });

  test("encode tells each keyword that a lenient schema lost, and what it gained", () => {
    const schemaJson =
      '{"type":"object","properties":{"a":{"type":"string","minLength":1},"b":{"type":"number","minimum":0}}}';
    const init: RequestInit = { output: { format: { case: "jsonSchema", value: { name: "n", schemaJson } } } };
    expect(told(init, targetWith({ output_format: true }))).toEqual([
      ["output.json_schema.schema_json.properties.a.minLength", "", ""],
      ["output.json_schema.schema_json.properties.b.minimum", "", ""],
      ["output.json_schema.schema_json.additionalProperties", "", "false"],
    ]);
  });

  test("encode says once that several marks have no place, and the last ones keep theirs", () => {
    const { adaptations, body } = encode(marked(...Array.from({ length: 6 }, () => 300)));
    expect(adaptations.map(({ reason }) => /in 2 places/.test(reason))).toEqual([true]);
    const { content } = (JSON.parse(body) as { messages: [{ content: { cache_control?: unknown }[] }] }).messages[0];
    expect(content.map(({ cache_control: mark }) => mark !== undefined)).toEqual([
      false,
      false,
      true,
      true,
      true,
      true,
    ]);
  });
});
