import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { ChatRequestSchema, Modality, Role, textPart, type PartSchema } from "../contract/index.ts";
import { boundField } from "./provider-bound.ts";

type RequestInit = MessageInitShape<typeof ChatRequestSchema>;
type PartInit = MessageInitShape<typeof PartSchema>;

const file = (provider?: string): PartInit => ({
  kind: {
    case: "media",
    value: {
      modality: Modality.IMAGE,
      source: { case: "file", value: { id: "f", ...(provider ? { provider } : {}) } },
    },
  },
});
const sound: PartInit = {
  kind: {
    case: "media",
    value: { modality: Modality.AUDIO, source: { case: "inline", value: new Uint8Array(1) }, generatedId: "g" },
  },
};
const block = (provider: string): PartInit => ({
  kind: { case: "opaque", value: { origin: { provider, dialect: "wire" }, json: "{}" } },
});
const asks = (...parts: PartInit[]): RequestInit => ({ messages: [{ role: Role.USER, parts }] });
const answers = (provider: string | undefined, ...parts: PartInit[]): RequestInit => ({
  messages: [{ role: Role.ASSISTANT, parts, ...(provider ? { origin: { provider } } : {}) }],
});
const raw = (json: string, provider?: string): RequestInit => ({
  messages: [{ role: Role.USER, parts: [textPart("a")] }],
  rawParams: [{ dialect: "wire", json, ...(provider ? { provider } : {}) }],
});
const tool = (definitionJson: string): RequestInit => ({
  messages: [{ role: Role.USER, parts: [textPart("a")] }],
  tools: [{ kind: { case: "native", value: { dialect: "wire", type: "search", definitionJson } } }],
});

test.each<[string, RequestInit, string | undefined]>([
  ["text", asks(textPart("a")), undefined],
  ["a file of the next provider", asks(textPart("a"), file("west")), undefined],
  ["a file of the first", asks(textPart("a"), file("east")), "messages[0].parts[1].media.file"],
  ["a file of nobody by name", asks(file()), "messages[0].parts[0].media.file"],
  ["a file in the next provider's answer", answers("west", file()), undefined],
  [
    "a file in a result of a tool",
    {
      messages: [
        { role: Role.TOOL, parts: [{ kind: { case: "toolResult", value: { callId: "c", content: [file()] } } }] },
      ],
    },
    "messages[0].parts[0].tool_result.content[0].media.file",
  ],
  ["a sound in an answer of nobody by name", answers(undefined, sound), "messages[0].parts[0].media.generated_id"],
  ["a sound in an answer that tells its maker, which planning has judged", answers("east", sound), undefined],
  ["a sound in a question, whose id is not sent", asks(sound), undefined],
  ["a block in a question", asks(block("east")), "messages[0].parts[0].opaque"],
  ["a block of nobody by name in a question", asks(block("")), "messages[0].parts[0].opaque"],
  ["a block of the next provider's in a question", asks(block("west")), undefined],
  ["a block in an answer, which dialects leave out", answers("east", block("east")), undefined],
  ["a cache by its name", raw('{"cachedContent":"c/1"}'), "raw_params[0]"],
  ["a cache by its name, deeper and in other letters", raw('{"a":[{"cached_content":"c/1"}]}'), "raw_params[0]"],
  ["a cache for the first provider only", raw('{"cachedContent":"c/1"}', "east"), undefined],
  ["an earlier answer", raw('{"previous_response_id":"resp_1"}'), "raw_params[0]"],
  ["no cache", raw('{"cachedContent":null,"file_ids":[],"container":""}'), undefined],
  ["ids that are not stored things", raw('{"stop_token_ids":[1],"user_id":"u"}'), undefined],
  ["what cannot be read", raw('{"cachedContent'), "raw_params[0]"],
  ["a tool with stores", tool('{"vector_store_ids":["vs_1"]}'), "tools[0].native"],
  ["a tool in a container that is there", tool('{"container":"cntr_1"}'), "tools[0].native"],
  ["a tool in a container by its id", tool('{"container":{"id":"cntr_1"}}'), "tools[0].native"],
  ["a tool in a new container", tool('{"container":{"type":"auto"}}'), undefined],
  ["a tool with a schema", tool('{"properties":{"file_id":{"type":"string"}}}'), undefined],
])("boundField from east to west: %s", (_name, init, expected) => {
  expect(boundField(create(ChatRequestSchema, { model: "m", ...init }), "east", "west")).toBe(expected);
});

test.each<[string, RequestInit, string | undefined]>([
  ["files", asks(file(), file("east")), undefined],
  ["files of another provider", asks(file("west")), "messages[0].parts[0].media.file"],
  [
    "the rest",
    {
      messages: [{ role: Role.ASSISTANT, parts: [sound] }],
      rawParams: [{ dialect: "wire", json: '{"cachedContent":"c/1"}' }],
    },
    undefined,
  ],
])("boundField within one provider: %s", (_name, init, expected) => {
  expect(boundField(create(ChatRequestSchema, { model: "m", ...init }), "east", "east")).toBe(expected);
});
