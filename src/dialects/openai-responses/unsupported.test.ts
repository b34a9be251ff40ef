import { describe, expect, test } from "vitest";
import { Effort, Modality, Role, Support } from "../../contract/index.ts";
import {
  adaptationsOf,
  assistant,
  bodyOf,
  encode,
  foreign,
  refusedFields,
  result,
  text,
  tools,
  user,
  type PartInit,
  type RequestInit,
} from "./request.fixture.ts";
import { reasonThrown, targetWith } from "./target.fixture.ts";

const media = (value: object): PartInit => ({ kind: { case: "media", value } as never });
const sound = media({
  modality: Modality.AUDIO,
  mimeType: "audio/wav",
  source: { case: "inline", value: new Uint8Array(1) },
});

describe("unsupported", () => {
  test.each<[string, RequestInit, string[]]>([
    ["stop sequences", { sampling: { stop: ["a"] } }, ["sampling.stop"]],
    ["several answers", { sampling: { candidates: 2 } }, ["sampling.candidates"]],
    [
      "penalties",
      { sampling: { frequencyPenalty: 1, presencePenalty: 1, repetitionPenalty: 2 } },
      ["sampling.frequency_penalty", "sampling.presence_penalty", "sampling.repetition_penalty"],
    ],
    ["top_k and min_p", { sampling: { topK: 1, minP: 0.1 } }, ["sampling.top_k", "sampling.min_p"]],
    ["token biases", { sampling: { logitBias: { "1": 1 } } }, ["sampling.logit_bias"]],
    [
      "a grammar",
      { output: { format: { case: "grammar", value: { syntax: "x", definition: "y" } } } },
      ["output.grammar"],
    ],
    ["pictures as such", { output: { modalities: [Modality.TEXT, Modality.IMAGE] } }, ["output.modalities[1]"]],
    ["speech", { output: { modalities: [Modality.AUDIO], audio: {} } }, ["output.modalities[0]", "output.audio"]],
    ["a message to continue", { messages: [{ ...assistant(text("a")), prefill: true }] }, ["messages[0].prefill"]],
    ["sounds", { messages: [user(sound)] }, ["messages[0].parts[0].media"]],
    [
      "moving images",
      { messages: [user(media({ modality: Modality.VIDEO, source: { case: "url", value: "https://a" } }))] },
      ["messages[0].parts[0].media"],
    ],
    [
      "a file of another provider",
      {
        messages: [
          user(media({ modality: Modality.IMAGE, source: { case: "file", value: { provider: "other", id: "f" } } })),
        ],
      },
      ["messages[0].parts[0].media.file"],
    ],
    [
      "sounds in results",
      { messages: [tools(result("c", [sound]))] },
      ["messages[0].parts[0].tool_result.content[0].media"],
    ],
    [
      "a call in a user's message",
      { messages: [user({ kind: { case: "toolCall", value: { callId: "c", name: "f" } } })] },
      ["messages[0].parts[0]"],
    ],
    [
      "media that an assistant cannot have made",
      { messages: [assistant(media({ modality: Modality.IMAGE, source: { case: "url", value: "https://a" } }))] },
      ["messages[0].parts[0].media"],
    ],
    [
      "a block of another dialect",
      { messages: [user({ kind: { case: "opaque", value: { origin: foreign, nativeType: "x", json: "{}" } } })] },
      ["messages[0].parts[0].opaque"],
    ],
  ])("unsupported refuses %s", (_, init, expected) => {
    expect(refusedFields(init)).toEqual(expected);
    expect(reasonThrown(() => encode(init))).toMatch(/^UNSUPPORTED_/);
  });

  test("unsupported lets members through that the server is known to take", () => {
    const target = targetWith({ further_members: "stop,seed,top_k" });
    const init: RequestInit = { sampling: { stop: ["a"], seed: 9007199254740993n, topK: 5 } };
    expect(refusedFields(init, target)).toEqual([]);
    expect(encode(init, target).body).toContain('"stop":["a"],"top_k":5,"seed":9007199254740993');
    expect(adaptationsOf(init, target)).toEqual([]);
    expect(refusedFields(init, targetWith({ further_members: "stop,top_k" }, {}, ["sampling.stop"]))).toEqual([
      "sampling.stop",
    ]);
  });

  test("unsupported refuses an output limit that the provider would not take", () => {
    const target = targetWith({ min_output_tokens: 16 });
    expect(refusedFields({ sampling: { maxOutputTokens: 15 } }, target)).toEqual(["sampling.max_output_tokens"]);
    expect(refusedFields({ sampling: { maxOutputTokens: 16 } }, target)).toEqual([]);
  });

  test("unsupported refuses sampling beside reasoning where the model locks it", () => {
    const init = (effort?: Effort): RequestInit => ({
      sampling: { temperature: 0.2 },
      ...(effort === undefined ? {} : { reasoning: { effort } }),
    });
    const target = targetWith({ sampling_with: "effort_none" });
    expect(refusedFields(init(), target)).toEqual(["sampling.temperature"]);
    expect(refusedFields(init(Effort.NONE), target)).toEqual([]);
    expect(refusedFields(init(), targetWith({ sampling_with: "effort_unset" }))).toEqual([]);
    expect(refusedFields(init(Effort.NONE), targetWith({ sampling_with: "default" }))).toEqual([
      "sampling.temperature",
    ]);
    expect(bodyOf({ sampling: { temperature: 1 } }, target)).not.toHaveProperty("temperature");
  });

  test("unsupported knows whether reasoning can be switched on or off", () => {
    const off: RequestInit = { reasoning: { enabled: false } };
    expect(refusedFields(off, targetWith({ efforts: "low,high" }))).toEqual(["reasoning.enabled"]);
    expect(refusedFields(off, targetWith({ reasoning_request: "none" }))).toEqual(["reasoning.enabled"]);
    const never = targetWith({}, { capabilities: { reasoning: Support.REJECTED } });
    expect(refusedFields({ reasoning: { enabled: true } }, never)).toEqual(["reasoning"]);
    expect(refusedFields(off, never)).toEqual([]);
  });

  test("unsupported knows what a model cannot do", () => {
    const target = targetWith({}, { capabilities: { image_input: Support.REJECTED, json_schema: Support.IGNORED } });
    const picture = media({ modality: Modality.IMAGE, source: { case: "url", value: "https://a" } });
    expect(refusedFields({ messages: [user(picture)] }, target)).toEqual(["messages[0].parts[0].media"]);
    const output: RequestInit["output"] = { format: { case: "jsonSchema", value: { name: "s", schemaJson: "{}" } } };
    expect(refusedFields({ output }, target)).toEqual(["output.json_schema"]);
    expect(
      refusedFields({ messages: [{ role: Role.SYSTEM, parts: [text("x")] }] }, targetWith({}, {}, ["messages.role"])),
    ).toEqual(["messages[0].role"]);
  });
});
