import { create } from "@bufbuild/protobuf";
import { afterAll, describe, expect, test } from "vitest";
import type { Quirk } from "../src/catalog/facts.ts";
import { ChatRequestSchema, fold, type StreamEvent } from "../src/contract/index.ts";
import type { DialectTarget } from "../src/dialects/dialect.ts";
import { openaiResponses } from "../src/dialects/openai-responses/index.ts";
import { openaiResponsesQuirks, openaiResponsesSettings } from "../src/providers/entries/openai-responses-settings.ts";
import { openai } from "../src/providers/entries/openai.ts";
import { quirksFor, type ProviderEntry } from "../src/providers/entry.ts";
import { corpusCases, type CorpusCase } from "./support/corpus.ts";
import { chatRequestOf } from "./support/request-openai-responses.ts";

type Raw = Readonly<Record<string, unknown>>;

// Streams that end in an error, say nothing, or are of another wire format; and one whose deltas its project shortened.
const NO_ANSWER = /rate-limited|_literals|falsy-argument|shell-container/;

const REQUESTS = 50;

const recordings = corpusCases(["openai.responses"], REQUESTS)?.filter(({ request }) => isObject(request?.body));
const answers = corpusCases(["openai.responses"], REQUESTS)?.filter(
  ({ kind, file }) => kind !== "error" && !NO_ANSWER.test(file),
);
const counts = { same: 0, additions: 0, loose: 0 };

// Servers of open models take back reasoning that has no encrypted state.
const TAKES_TEXT: Quirk = {
  id: "T1",
  summary: "takes reasoning as text",
  settings: { reasoning_history: "text" },
  source: "recordings",
  checkedOn: "2026-11-20",
};

const OPENAI: ProviderEntry = {
  ...openai,
  apis: [
    { name: "responses", dialect: openaiResponses, settings: openaiResponsesSettings, quirks: openaiResponsesQuirks },
  ],
};

function targetOf(recording: CorpusCase, quirks: readonly Quirk[]): DialectTarget {
  const { provider, model = "recorded" } = recording;
  return { provider, model, region: undefined, facts: { capabilities: {}, quirks } };
}

function isObject(value: unknown): value is Raw {
  return typeof value === "object" && value !== null;
}

/**
 * A request in one way of writing it. What is the same and may be written differently:
 * - `instructions` are a system message before all others; an `input` that is a string is a user's message;
 * - `type: "message"` may be left out; a message or result of one text may be a string; answers go back without their
 *   citations;
 * - null says what absence says; so does `stream: false` and an empty `include`;
 * - ids and statuses of items are left out where the format does not need them, since answers are not kept;
 * - the order of `include` says nothing.
 * What is added on purpose: `store: false` and a function's `strict: false` where nothing was said, and encrypted
 * reasoning among what is included.
 */
function normalised(body: Raw): Raw {
  const { input, instructions, include, store, stream, tools, ...rest } = body;
  const first = typeof instructions === "string" ? [{ role: "system", content: instructions }] : [];
  const items = typeof input === "string" ? [{ role: "user", content: input }] : ((input ?? []) as Raw[]);
  const words = new Set(["reasoning.encrypted_content", ...((include ?? []) as string[])]);
  return withoutNulls({
    ...rest,
    ...(tools ? { tools: (tools as Raw[]).map(normalisedTool) } : {}),
    input: [...first, ...items].map(normalisedItem),
    include: [...words].toSorted(),
    store: store ?? false,
    stream: stream === true ? true : null,
  }) as Raw;
}

function normalisedTool(tool: Raw): Raw {
  return tool["type"] === "function" ? { ...tool, strict: tool["strict"] ?? false } : tool;
}

function isOpen({ type, strict }: Raw): boolean {
  return type === "function" && (strict === undefined || strict === null);
}

const KEEPS_ID = new Set(["code_interpreter_call"]);
const KEEPS_STATUS = new Set(["code_interpreter_call", "tool_search_call", "tool_search_output"]);

function normalisedItem(item: Raw): Raw {
  const { id, status, content, output, ...rest } = item;
  const type = (item["type"] ?? "message") as string;
  return {
    ...rest,
    type,
    id: KEEPS_ID.has(type) ? id : null,
    status: KEEPS_STATUS.has(type) ? status : null,
    ...(content === undefined ? {} : { content: normalisedContent(content) }),
    ...(output === undefined ? {} : { output: normalisedContent(output) }),
  };
}

function normalisedContent(content: unknown): unknown {
  if (!Array.isArray(content)) return content;
  const pieces = (content as Raw[]).map((piece): Raw => ({ ...piece, annotations: null }));
  const [only] = pieces;
  const isText = only?.["type"] === "input_text" || only?.["type"] === "output_text";
  return pieces.length === 1 && isText ? only["text"] : pieces;
}

// What a model must get as it is: schemas, and the arguments it wrote itself.
function verbatimTexts(body: Raw): string[] {
  const schemas = ((body["tools"] ?? []) as Raw[]).map((tool) => tool["parameters"]);
  const items = Array.isArray(body["input"]) ? (body["input"] as Raw[]) : [];
  const args = items.map((item) => item["arguments"]).filter((text) => typeof text === "string");
  return [...schemas, ...args].filter((value) => value !== undefined).map((value) => JSON.stringify(value));
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
  return Object.fromEntries(kept.map(([name, member]) => [name, withoutNulls(member)]));
}

// Items whose ids the format wants back.
const NAMED = ["code_interpreter_call", "file_search_call", "image_generation_call", "mcp_call", "mcp_list_tools"];

/** What an answer's items look like in the next request of a conversation, where nothing of them may be lost. */
function replayedItem(item: Raw): Raw {
  const { id, status, content, ...rest } = item;
  const type = String(item["type"]);
  const isOurs = ["message", "reasoning", "function_call", "custom_tool_call"].includes(type);
  const named = [...NAMED, "program", "computer_call"].includes(type);
  const thought = Array.isArray(content) && content.length > 0 ? { content: content as Raw[] } : {};
  const cited = content === undefined ? {} : { content: normalisedContent(content) };
  return withoutNulls({
    ...rest,
    ...(type === "reasoning" ? thought : cited),
    id: named ? id : null,
    status: isOurs ? null : type === "image_generation_call" ? "completed" : status,
  }) as Raw;
}

// An item that says nothing, or that nothing came of, does not go back.
function isReplayed(item: Raw, place: number, items: readonly Raw[]): boolean {
  const content = item["content"] as Raw[] | undefined;
  if (item["type"] === "message") return content?.some(({ text, refusal }) => text || refusal) === true;
  if (item["type"] !== "reasoning") return true;
  const isEmpty = !item["encrypted_content"] && !content?.length && !(item["summary"] as Raw[] | undefined)?.length;
  return !isEmpty && items.slice(place + 1).some(({ type }) => type !== "reasoning");
}

function itemsOf(recording: CorpusCase): Raw[] {
  const { bodyText, kind } = recording;
  if (kind === "unary") return (JSON.parse(bodyText) as { output: Raw[] }).output;
  const items: Raw[] = [];
  for (const line of bodyText.split("\n")) {
    if (line.includes('"response.completed"')) break;
    const event = line.startsWith("data:{") || line.startsWith("data: {") ? (JSON.parse(line.slice(5)) as Raw) : {};
    if (event["type"] === "response.output_item.done") items.push(event["item"] as Raw);
  }
  return items;
}

function decoded(recording: CorpusCase, target: DialectTarget): StreamEvent[] {
  const options = { newId: (prefix: string) => prefix };
  if (recording.kind === "unary") return openaiResponses.decodeResponse(recording.bodyText, target, options);
  const events: StreamEvent[] = [];
  const decoder = openaiResponses.streamDecoder(target, options);
  for (const line of recording.bodyText.split("\n")) if (line.startsWith("data:")) decoder.push(line.slice(5), events);
  decoder.end(events);
  return events;
}

function replayOf(recording: CorpusCase): {
  readonly sent: unknown;
  readonly recorded: unknown;
  readonly leaked: boolean;
} {
  const target = targetOf(recording, [TAKES_TEXT]);
  const answer = fold(decoded(recording, target)).candidates[0]?.message;
  const request = create(ChatRequestSchema, { model: "a/b", messages: answer ? [answer] : [] });
  const bodyFor = (to: DialectTarget): string => openaiResponses.encode(request, to, { stream: false }).body;
  const { input } = JSON.parse(bodyFor(target)) as { readonly input: readonly Raw[] };
  const elsewhere = bodyFor({ ...target, model: "another" });
  const items = itemsOf(recording);
  return {
    sent: input.map((item) => replayedItem({ type: "message", ...item })),
    recorded: items.filter(isReplayed).map(replayedItem),
    leaked: items.some(
      (item) => typeof item["encrypted_content"] === "string" && elsewhere.includes(item["encrypted_content"]),
    ),
  };
}

describe.skipIf(!recordings)("openai-responses writes recorded requests again", () => {
  test.for(recordings ?? [])("openai-responses writes the request of $file again", (recording) => {
    const target = targetOf(recording, [TAKES_TEXT]);
    const body = recording.request?.body as Raw;
    const request = chatRequestOf(body, target);
    expect(openaiResponses.unsupported(request, target)).toEqual([]);
    const encoded = openaiResponses.encode(request, target, { stream: body["stream"] === true });
    const expected = normalised({ model: target.model, ...body });
    expect(normalised(JSON.parse(encoded.body) as Raw)).toEqual(expected);
    expect(encoded.adaptations.map(({ field, reason }) => `${field}: ${reason}`)).toEqual([]);
    counts.same += 1;
    if (body["store"] === undefined) counts.additions += 1;
    if (((body["tools"] ?? []) as Raw[]).some(isOpen)) counts.loose += 1;
  });

  test("openai-responses writes schemas and arguments as they were recorded, character by character", () => {
    const texts = (recordings ?? []).flatMap((recording) => {
      const target = targetOf(recording, [TAKES_TEXT]);
      const body = recording.request?.body as Raw;
      const { body: encoded } = openaiResponses.encode(chatRequestOf(body, target), target, { stream: false });
      return verbatimTexts(body).map((text) => ({ text, encoded }));
    });
    expect(texts.length).toBeGreaterThan(50);
    expect(texts.filter(({ text, encoded }) => !encoded.includes(text))).toEqual([]);
  });

  test("what OpenAI has answered is not refused by what is known of OpenAI", () => {
    const answered = (recordings ?? []).filter(({ provider, status }) => provider === "openai" && status === 200);
    expect(answered.length).toBeGreaterThan(20);
    const refused = answered.flatMap((recording) => {
      const target = targetOf(recording, quirksFor(OPENAI, recording.model ?? ""));
      const request = chatRequestOf(recording.request?.body as Raw, target);
      return openaiResponses.unsupported(request, target).map(({ field }) => `${recording.file}: ${field}`);
    });
    expect(refused).toEqual([]);
  });

  test("recorded answers go back to their model as they came, and nothing of their state to another", () => {
    const replays = (answers ?? []).map((recording) => replayOf(recording));
    expect(replays.length).toBeGreaterThan(50);
    for (const { sent, recorded } of replays) expect(sent).toEqual(recorded);
    expect(replays.filter(({ leaked }) => leaked)).toEqual([]);
  });

  afterAll(() => {
    process.stdout.write(
      `openai-responses requests: ${counts.same} of ${recordings?.length ?? 0} written again, ` +
        `store: false added to ${counts.additions}, strict: false to ${counts.loose}\n`,
    );
  });
});
