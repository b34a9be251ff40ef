import { afterAll, describe, expect, test } from "vitest";
import type { Quirk } from "../src/catalog/facts.ts";
import type { DialectTarget } from "../src/dialects/dialect.ts";
import { openaiResponses } from "../src/dialects/openai-responses/index.ts";
import { openaiResponsesQuirks, openaiResponsesSettings } from "../src/providers/entries/openai-responses-settings.ts";
import { openai } from "../src/providers/entries/openai.ts";
import { quirksFor, type ProviderEntry } from "../src/providers/entry.ts";
import { corpusCases, type CorpusCase } from "./support/corpus.ts";
import { chatRequestOf } from "./support/request-openai-responses.ts";

type Raw = Readonly<Record<string, unknown>>;

const REQUESTS = 50;

const recordings = corpusCases(["openai.responses"], REQUESTS)?.filter(({ request }) => isObject(request?.body));
const counts = { same: 0, additions: 0 };

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
  dialect: openaiResponses,
  settings: openaiResponsesSettings,
  quirks: openaiResponsesQuirks,
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
 * What is added on purpose: `store: false` where nothing was said, and encrypted reasoning among what is included.
 */
function normalised(body: Raw): Raw {
  const { input, instructions, include, store, stream, ...rest } = body;
  const first = typeof instructions === "string" ? [{ role: "system", content: instructions }] : [];
  const items = typeof input === "string" ? [{ role: "user", content: input }] : ((input ?? []) as Raw[]);
  const words = new Set(["reasoning.encrypted_content", ...((include ?? []) as string[])]);
  return withoutNulls({
    ...rest,
    input: [...first, ...items].map(normalisedItem),
    include: [...words].toSorted(),
    store: store ?? false,
    stream: stream === true ? true : null,
  }) as Raw;
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

  afterAll(() => {
    process.stdout.write(
      `openai-responses requests: ${counts.same} of ${recordings?.length ?? 0} written again, ` +
        `store: false added to ${counts.additions}\n`,
    );
  });
});
