import { expect, test } from "vitest";
import type { Capability } from "../../catalog/facts.ts";
import { Effort, Modality, Role, Support, ToolMode } from "../../contract/index.ts";
import type { DialectTarget } from "../dialect.ts";
import { openaiChat } from "./index.ts";
import { hello, requestOf, type RequestInit } from "./request.fixture.ts";
import { targetWith } from "./target.fixture.ts";

type PartInit = NonNullable<NonNullable<RequestInit["messages"]>[number]["parts"]>[number];

const f = { kind: { case: "function", value: { name: "f" } } } as const;

function fields(init: RequestInit, target: DialectTarget): string[] {
  return openaiChat.unsupported(requestOf(init), target).map(({ field }) => field);
}

const rejecting = (...names: Capability[]): DialectTarget =>
  targetWith({}, { capabilities: Object.fromEntries(names.map((name) => [name, Support.REJECTED])) });

const says = (role: Role, part: PartInit): RequestInit => ({ messages: [{ role, parts: [part] }] });
const media = (modality: Modality, source: object, more: object = {}): PartInit =>
  ({ kind: { case: "media", value: { modality, source, mimeType: "a/b", ...more } } }) as PartInit;
const inline = { case: "inline", value: new Uint8Array([1]) };
const url = { case: "url", value: "https://a" };

const table: readonly (readonly [story: string, init: RequestInit, expected: string[], target?: DialectTarget])[] = [
  ["nothing", {}, []],
  [
    "fields that the wire lacks",
    { sampling: { topK: 1, minP: 0.1, repetitionPenalty: 2 }, output: { format: { case: "grammar", value: {} } } },
    ["sampling.top_k", "sampling.min_p", "sampling.repetition_penalty", "output.grammar"],
  ],
  [
    "an extension that the model ignores",
    { sampling: { topK: 1 } },
    ["sampling.top_k"],
    targetWith({}, { capabilities: { top_k: Support.IGNORED } }),
  ],
  ["a native field that the model rejects", { sampling: { stop: ["a"] } }, ["sampling.stop"], rejecting("stop")],
  [
    "a field that a quirk rejects",
    { sampling: { stop: ["a"] } },
    ["sampling.stop"],
    targetWith({}, {}, ["sampling.stop"]),
  ],
  [
    "a field below one that a quirk rejects",
    { sampling: { candidates: 2, maxOutputTokens: 1 } },
    ["sampling.candidates", "sampling.max_output_tokens"],
    targetWith({}, {}, ["sampling"]),
  ],
  [
    "neutral values where they are rejected",
    { sampling: { frequencyPenalty: 0, candidates: 1 } },
    [],
    rejecting("penalties", "candidates"),
  ],
  ["too many stop sequences", { sampling: { stop: ["a", "b"] } }, ["sampling.stop"], targetWith({ max_stops: 1 })],
  [
    "sampling at a model that locks it",
    { sampling: { temperature: 0.5, topP: 0.9, topLogprobs: 2 } },
    ["sampling.temperature", "sampling.top_p", "sampling.logprobs"],
    targetWith({ sampling_with: "default" }),
  ],
  [
    "the default where sampling is locked",
    { sampling: { temperature: 1, topP: 1 } },
    [],
    targetWith({ sampling_with: "default" }),
  ],
  [
    "sampling where reasoning is not mentioned",
    { sampling: { temperature: 0 } },
    ["sampling.temperature"],
    targetWith({ sampling_with: "effort_none" }),
  ],
  [
    "sampling where that leaves it open",
    { sampling: { temperature: 0 } },
    [],
    targetWith({ sampling_with: "effort_unset" }),
  ],
  [
    "sampling beside an effort",
    { sampling: { temperature: 0 }, reasoning: { effort: Effort.LOW } },
    ["sampling.temperature"],
    targetWith({ sampling_with: "effort_unset" }),
  ],
  [
    "sampling beside reasoning switched off",
    { sampling: { temperature: 0 }, reasoning: { effort: Effort.NONE } },
    [],
    targetWith({ sampling_with: "effort_none" }),
  ],
  ["reasoning at a model without", { reasoning: { enabled: true } }, ["reasoning"], rejecting("reasoning")],
  ["no reasoning at a model without", { reasoning: { enabled: false } }, [], rejecting("reasoning")],
  [
    "no reasoning at a model that always does",
    { reasoning: { enabled: false } },
    ["reasoning.enabled"],
    targetWith({ efforts: "low,high" }),
  ],
  [
    "no reasoning without a control",
    { reasoning: { effort: Effort.NONE } },
    ["reasoning.effort"],
    targetWith({ reasoning_request: "none" }),
  ],
  ["tools at a model without", { tools: [f] }, ["tools"], rejecting("tools")],
  [
    "strict tools",
    { tools: [{ kind: { case: "function", value: { name: "f", strict: true } } }] },
    ["tools[0].function.strict"],
    rejecting("strict_tools"),
  ],
  [
    "free-text tools",
    { tools: [{ kind: { case: "custom", value: { name: "f" } } }] },
    ["tools[0].custom"],
    rejecting("custom_tools"),
  ],
  [
    "names of tools",
    { tools: [{ kind: { case: "function", value: { name: "a.b" } } }] },
    ["tools[0].function.name"],
    targetWith({ plain_tool_names: true }),
  ],
  [
    "a constrained choice",
    { tools: [f], toolChoice: { mode: ToolMode.REQUIRED } },
    ["tool_choice"],
    rejecting("tool_choice"),
  ],
  ["a free choice", { tools: [f], toolChoice: { mode: ToolMode.AUTO } }, [], rejecting("tool_choice")],
  [
    "search in the web",
    { tools: [{ kind: { case: "webSearch", value: { allowedDomains: ["a"], blockedDomains: ["b"], maxUses: 1 } } }] },
    [
      "tools[0].web_search",
      "tools[0].web_search.allowed_domains",
      "tools[0].web_search.blocked_domains",
      "tools[0].web_search.max_uses",
    ],
  ],
  [
    "a search that is demanded",
    { tools: [{ kind: { case: "webSearch", value: {} } }], toolChoice: { mode: ToolMode.REQUIRED } },
    ["tool_choice.mode"],
    targetWith({ web_search: true }),
  ],
  [
    "tools in other words",
    { tools: [{ kind: { case: "native", value: { dialect: "gemini-generate", type: "x", definitionJson: "{}" } } }] },
    ["tools[0].native"],
  ],
  [
    "JSON and schemas",
    { output: { format: { case: "jsonSchema", value: { name: "s", schemaJson: "{}" } } } },
    ["output.json_schema"],
    rejecting("json_schema"),
  ],
  ["output in moving pictures", { output: { modalities: [Modality.VIDEO] } }, ["output.modalities[0]"]],
  [
    "spoken output",
    { output: { modalities: [Modality.TEXT, Modality.AUDIO] } },
    ["output.modalities[1]"],
    rejecting("audio_output"),
  ],
  ["images", says(Role.USER, media(Modality.IMAGE, url)), ["messages[0].parts[0].media"], rejecting("image_input")],
  ["images where nothing is known", says(Role.USER, media(Modality.IMAGE, url)), []],
  ["videos where nothing is known", says(Role.USER, media(Modality.VIDEO, url)), ["messages[0].parts[0].media"]],
  [
    "videos where they are declared",
    says(Role.USER, media(Modality.VIDEO, url)),
    [],
    targetWith({}, { capabilities: { video_input: Support.NATIVE } }),
  ],
  ["sounds by address", says(Role.USER, media(Modality.AUDIO, url)), ["messages[0].parts[0].media.url"]],
  ["documents by address", says(Role.USER, media(Modality.DOCUMENT, url)), ["messages[0].parts[0].media.url"]],
  [
    "a document's text at a model without documents",
    says(Role.USER, media(Modality.DOCUMENT, { case: "text", value: "a" })),
    [],
    rejecting("document_input"),
  ],
  [
    "files of another provider",
    says(Role.USER, media(Modality.DOCUMENT, { case: "file", value: { provider: "other", id: "x" } })),
    ["messages[0].parts[0].media.file"],
  ],
  [
    "images by file id",
    says(Role.USER, media(Modality.IMAGE, { case: "file", value: { id: "x" } })),
    ["messages[0].parts[0].media.file"],
  ],
  ["media of an assistant", says(Role.ASSISTANT, media(Modality.IMAGE, inline)), ["messages[0].parts[0].media"]],
  ["media in system messages", says(Role.SYSTEM, media(Modality.IMAGE, inline)), ["messages[0].parts[0]"]],
  [
    "text in tool messages",
    says(Role.TOOL, { kind: { case: "text", value: { text: "a" } } }),
    ["messages[0].parts[0]"],
  ],
  [
    "images in results at a model without images",
    says(Role.TOOL, { kind: { case: "toolResult", value: { callId: "c", content: [media(Modality.IMAGE, inline)] } } }),
    ["messages[0].parts[0].tool_result.content[0].media"],
    rejecting("image_input"),
  ],
  [
    "foreign blocks of a user",
    says(Role.USER, {
      kind: { case: "opaque", value: { origin: { dialect: "gemini-generate" }, nativeType: "x", json: "{}" } },
    }),
    ["messages[0].parts[0].opaque"],
  ],
  [
    "system messages at a model without",
    says(Role.SYSTEM, { kind: { case: "text", value: { text: "a" } } }),
    ["messages[0].role"],
    rejecting("system_messages"),
  ],
  ["a message to be continued", { messages: [{ role: Role.ASSISTANT, prefill: true }] }, ["messages[0].prefill"]],
  [
    "a message to be continued where that is declared",
    { messages: [{ role: Role.ASSISTANT, prefill: true }] },
    [],
    targetWith({}, { capabilities: { prefill: Support.NATIVE } }),
  ],
  [
    "an earlier message to be continued",
    { messages: [{ role: Role.ASSISTANT, prefill: true }, ...hello] },
    ["messages[0].prefill"],
    targetWith({ prefill: "prefix" }),
  ],
];

test.for(table)("unsupported on %s", ([, init, expected, target]) => {
  expect(fields(init, target ?? targetWith())).toEqual(expected);
});
