import { afterAll, describe, expect, test } from "vitest";
import type { Quirk } from "../src/catalog/facts.ts";
import { create } from "@bufbuild/protobuf";
import {
  ChatRequestSchema,
  Role,
  fold,
  textPart,
  violations,
  type ChatRequest,
  type StreamEvent,
} from "../src/contract/index.ts";
import { anthropicMessages } from "../src/dialects/anthropic-messages/index.ts";
import type { DialectTarget, EncodedRequest } from "../src/dialects/dialect.ts";
import { ParleyError, reasonName } from "../src/errors/index.ts";
import { anthropic } from "../src/providers/entries/anthropic.ts";
import { quirksFor } from "../src/providers/entry.ts";
import { corpusCases, type CorpusCase } from "./support/corpus.ts";
import { assembled, eventsOf, type Raw } from "./support/expected-anthropic-messages.ts";
import { requestOf } from "./support/request-anthropic-messages.ts";

const CASES = 36;

// What the provider refused is refused before it goes out, with the same complaint.
const REFUSED: Readonly<Record<string, string>> = {
  "anthropic/messages-error-boolean-root-schema-is-rejected-for-tool-input.json": "tools[0].function.parameters_json",
};

const all = corpusCases(["anthropic.messages"], CASES);
const cases = all?.filter(({ request }) => request?.body);
const answers = all?.filter(({ kind, file }) => kind !== "error" && !file.includes("mid-stream")) ?? [];
const allowed = cases?.filter(({ file }) => REFUSED[file] === undefined) ?? [];
const refused = cases?.filter(({ file }) => REFUSED[file] !== undefined) ?? [];
const counts = { same: 0, refused: 0, replayed: 0 };

// Features that the recorded client uses for purposes of its own.
const OF_THE_CLIENT = new Set([
  "claude-code-20250219",
  "interleaved-thinking-2025-05-14",
  "prompt-caching-scope-2026-01-05",
  "advisor-tool-2026-03-01",
  "effort-2025-11-24",
]);

// A cloud that serves the format has the model in the path and the version in the body.
const PUBLISHER: Quirk = {
  id: "publisher",
  summary: "the model stands in the path",
  settings: { endpoint: "publisher", version: "vertex-2023-10-16" },
  source: "test",
  checkedOn: "2026-11-20",
};

function targetOf({ provider, model = "" }: CorpusCase): DialectTarget {
  const quirks = [...quirksFor(anthropic, model), ...(provider === "anthropic" ? [] : [PUBLISHER])];
  return { provider, model, region: undefined, facts: { capabilities: {}, quirks } };
}

function bodyOf(recording: CorpusCase): Raw {
  return recording.request?.body as Raw;
}

function contractOf(recording: CorpusCase): ChatRequest {
  const { provider, model } = targetOf(recording);
  return requestOf(bodyOf(recording), { provider, dialect: "anthropic-messages", model });
}

function encoded(recording: CorpusCase): EncodedRequest {
  const stream = bodyOf(recording)["stream"] === true;
  return anthropicMessages.encode(contractOf(recording), targetOf(recording), { stream });
}

/** A request whose history is a recorded answer. */
function replayOf(recording: CorpusCase): ChatRequest {
  const options = { newId: (prefix: string) => prefix };
  const events: StreamEvent[] = [];
  if (recording.kind === "unary") {
    events.push(...anthropicMessages.decodeResponse(recording.bodyText, targetOf(recording), options));
  } else {
    const decoder = anthropicMessages.streamDecoder(targetOf(recording), options);
    for (const event of eventsOf(recording.bodyText)) decoder.push(JSON.stringify(event), events);
    decoder.end(events);
  }
  const message = fold(events).candidates[0]?.message;
  const user = { role: Role.USER, parts: [textPart("Go on.")] };
  const answer = message && message.parts.length > 0 ? [message, user] : [];
  return create(ChatRequestSchema, { model: "m", messages: [user, ...answer], sampling: { maxOutputTokens: 10 } });
}

function contentOf(recording: CorpusCase): Raw[] {
  const message = recording.kind === "unary" ? (JSON.parse(recording.bodyText) as Raw) : assembled(recording.bodyText);
  return message["content"] as Raw[];
}

/**
 * A body without differences that mean nothing: a text alone for a list of one text, null for absent, no tools for an
 * empty list, `custom` as the type of functions, and `stream: false`.
 */
function normalised(value: unknown, member = ""): unknown {
  if (typeof value === "string" && (member === "content" || member === "system"))
    return [{ type: "text", text: value }];
  if (Array.isArray(value)) return value.map((item) => normalised(item));
  if (typeof value !== "object" || value === null) return value;
  const isTool = "input_schema" in value;
  const entries = Object.entries(value).filter(([name, one]) => {
    if (one === null || (name === "tools" && (one as unknown[]).length === 0)) return false;
    return !(isTool && name === "type" && one === "custom") && !(name === "stream" && one === false);
  });
  // What a tool of the provider or a document holds as content is not a message.
  const isOpen = "retrieved_at" in value || "media_type" in value || "file_type" in value;
  return Object.fromEntries(entries.map(([name, one]) => [name, normalised(one, isOpen ? "" : name)]));
}

function errorOf(run: () => unknown): ParleyError | undefined {
  try {
    run();
  } catch (error) {
    return error instanceof ParleyError ? error : undefined;
  }
  return undefined;
}

// Blank text is not taken back by the provider.
function isSaid({ type, text }: Raw): boolean {
  return type !== "text" || String(text).trim() !== "";
}

/** A block of an answer without what means nothing; the result of a tool as it is, byte for byte. */
function plain(block: Raw): unknown {
  if (String(block["type"]).endsWith("_tool_result")) return block;
  const { caller, citations, ...rest } = block;
  const more = {
    caller: caller?.type === "direct" ? null : caller,
    citations: citations?.length === 0 ? null : citations,
  };
  return normalised({ ...rest, ...more });
}

describe.skipIf(!cases)("anthropic-messages sends what others have sent", () => {
  test.for(refused)("anthropic-messages refuses the request of $file as the provider did", (recording) => {
    const error = errorOf(() => encoded(recording));
    expect([error && reasonName(error.reason), error?.field]).toEqual(["INVALID_REQUEST", REFUSED[recording.file]]);
    counts.refused += 1;
  });

  test.for(allowed)("anthropic-messages encodes the request of $file with every field it had", (recording) => {
    const { body, adaptations, headers, path } = encoded(recording);
    expect(normalised(JSON.parse(body))).toEqual(normalised(bodyOf(recording)));
    expect(adaptations.map((one) => one.field)).toEqual([]);
    const isPublisher = recording.provider !== "anthropic";
    expect(headers["anthropic-version"]).toBe(isPublisher ? undefined : "2023-06-01");
    const recordedPath = (recording.request as { path?: string }).path ?? "";
    expect(recordedPath.replace(/\?.*$/, "").endsWith(path)).toBe(true);
    const { headers: recorded = {} } = recording.request as { headers?: Record<string, string> };
    const betas = (recorded["anthropic-beta"] ?? "")
      .split(",")
      .filter((beta) => beta !== "" && !OF_THE_CLIENT.has(beta));
    expect((headers["anthropic-beta"] ?? "").split(",")).toEqual(expect.arrayContaining(betas));
    counts.same += 1;
  });

  test.for(answers)("anthropic-messages sends the answer of $file back as it was received", (recording) => {
    const { body, adaptations } = anthropicMessages.encode(replayOf(recording), targetOf(recording), { stream: false });
    const sent = (JSON.parse(body) as Raw)["messages"] as Raw[];
    expect(((sent[1]?.["content"] ?? []) as Raw[]).map(plain)).toEqual(contentOf(recording).filter(isSaid).map(plain));
    expect(adaptations.filter(({ reason }) => reason.includes("STATE_NOT_PORTABLE"))).toEqual([]);
    counts.replayed += 1;
  });

  test.for(answers)(
    "anthropic-messages sends nothing of the answer of $file to another model that only its maker can read",
    (recording) => {
      const target = { ...targetOf(recording), model: "another-model" };
      const request = replayOf(recording);
      const { body, adaptations } = anthropicMessages.encode(request, target, { stream: false });
      const types = ((JSON.parse(body) as Raw)["messages"] as Raw[])
        .flatMap(({ content }) => content as Raw[])
        .map(({ type }) => type as string);
      expect(types.filter((type) => type !== "text" && type !== "tool_use")).toEqual([]);
      const secrets = contentOf(recording).flatMap(({ signature, data, thinking }) => [signature, data, thinking]);
      const leaked = secrets.filter((secret) => secret && body.includes(JSON.stringify(secret).slice(1, -1)));
      expect(leaked).toEqual([]);
      const kept = contentOf(recording).every(({ type }) => type === "text" || type === "tool_use");
      expect(adaptations.some(({ reason }) => reason.startsWith("STATE_NOT_PORTABLE"))).toBe(!kept);
    },
  );

  test.for(allowed)("the request of $file is one that the contract allows", (recording) => {
    expect(violations(ChatRequestSchema, contractOf(recording))).toEqual([]);
  });

  test("there are as many recorded requests as are known", () => {
    expect(cases?.length).toBeGreaterThanOrEqual(CASES);
  });

  afterAll(() => {
    process.stdout.write(
      `anthropic-messages requests: ${counts.same} sent as recorded, ${counts.refused} refused as recorded, ` +
        `of ${cases?.length ?? 0}; ${counts.replayed} of ${answers.length} answers sent back as received\n`,
    );
  });
});
