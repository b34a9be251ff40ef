import { afterAll, describe, expect, test } from "vitest";
import { openaiChat } from "../src/dialects/openai-chat/index.ts";
import type { DialectTarget } from "../src/dialects/dialect.ts";
import { ParleyError } from "../src/errors/index.ts";
import { PROVIDER_ENTRIES } from "../src/providers/entries/index.ts";
import { openaiCompatible } from "../src/providers/entries/openai-compatible.ts";
import { quirksFor } from "../src/providers/entry.ts";
import { decodeRequest } from "../src/surfaces/openai/decode-request.ts";
import { corpusCases, type CorpusCase } from "./support/corpus.ts";
import { differingPaths, type Wire } from "./support/oracles/oracle.ts";
import { inOpenAiWords, reasoningOf, saidBy } from "./support/request-openai-chat.ts";

// What others have sent to a vendor goes through our door and our encoder to the same vendor: every field arrives, or an
// adaptation says what was changed, or the request is refused with the field's name.

const CASES = 150;
const ENTRY_OF: Readonly<Record<string, string>> = { azure: "azure-openai", qwen: "dashscope" };

// The field for which a request is refused before it goes out. All were refused by the vendor, too.
const REFUSED: Readonly<Record<string, string>> = {
  "deepseek/chat-error-blocking-pdf-document-part-reaches-the-wire.json": "messages[0].parts[1].media",
  "deepseek/chat-error-streaming-image-part-reaches-the-wire.json": "messages[0].parts[1].media",
  "deepseek/chat-error-chat-completion-rejects-an-unknown-model-with-the-provider-body.json": "reasoning.enabled",
  "deepseek/chat-error-forced-tool-choice-under-thinking-is-rejected-upstream-i1.json": "tool_choice",
  "mistral/chat-error-blocking-ministral-3b.json": "sampling.logprobs",
  "openai/chat-error-chat-no-messages.json": "messages",
};

const recordings = corpusCases(["openai.chat", "openai-compat.chat", "mistral.chat"], CASES)?.filter(
  ({ request }) => typeof request?.body === "object" && request.body !== null,
);
const counts = { same: 0, adapted: 0, refused: 0 };

function targetOf({ provider, model = "recorded" }: CorpusCase): DialectTarget {
  const entry = PROVIDER_ENTRIES.get(ENTRY_OF[provider] ?? provider);
  const api = entry?.apis.find(({ dialect }) => dialect === openaiChat);
  const quirks = entry && api ? quirksFor(entry, model, api) : quirksFor(openaiCompatible, model);
  return { provider, model, region: undefined, facts: { capabilities: {}, quirks } };
}

interface Sent {
  readonly body: Wire;
  readonly text: string;
  /** Fields of the contract that were adapted. */
  readonly adapted: readonly string[];
}

/** What leaves for the vendor; a text is the field for which the request was refused. */
function sentFor(recording: CorpusCase, recorded: Wire): Sent | string {
  const target = targetOf(recording);
  try {
    const { request, stream } = decodeRequest(Buffer.from(JSON.stringify(inOpenAiWords(recorded))), { maxDepth: 64 });
    const [unsupported] = openaiChat.unsupported(request, target);
    if (unsupported) return unsupported.field;
    const { body, adaptations } = openaiChat.encode(request, target, { stream });
    return { body: JSON.parse(body) as Wire, text: body, adapted: adaptations.map(({ field }) => field) };
  } catch (error) {
    if (error instanceof ParleyError) return error.field;
    throw error;
  }
}

function recordedBody({ request, model = "recorded" }: CorpusCase): Wire {
  return { model, ...(request?.body as Wire) };
}

function valueAt(value: unknown, path: string): unknown {
  return path.split(".").reduce((inner: any, member) => inner?.[member] as unknown, value);
}

// Where the contract keeps what stands at a member of the request.
function isTold(path: string, adapted: readonly string[]): boolean {
  const [member = ""] = path.split(".");
  const places = [member, `sampling.${member}`, `output.${member}`];
  return adapted.some((field) => places.some((place) => field.startsWith(place)));
}

const allowed = recordings?.filter(({ file }) => REFUSED[file] === undefined) ?? [];
const refusals = recordings?.filter(({ file }) => REFUSED[file] !== undefined) ?? [];

describe.skipIf(!recordings)("openai-chat sends what others have sent", () => {
  test.for(refusals)("openai-chat refuses the request of $file with the field's name", (recording) => {
    expect(sentFor(recording, recordedBody(recording))).toBe(REFUSED[recording.file]);
    counts.refused += 1;
  });

  test.for(allowed)("openai-chat sends the request of $file with every field it had", (recording) => {
    const recorded = recordedBody(recording);
    const sent = sentFor(recording, recorded);
    if (typeof sent === "string") throw new Error(`it is refused because of ${sent}`);
    const { provider } = recording;
    const before = { ...saidBy(recorded, provider), reasoning: reasoningOf(recorded) };
    const after = { ...saidBy(sent.body, provider), reasoning: reasoningOf(sent.body) };
    // What is added (that answers are not to be kept, how reasoning is to be told of) takes nothing away.
    const differing = differingPaths(after, before).filter((path) => valueAt(before, path) !== undefined);
    expect(differing.filter((path) => !isTold(path, sent.adapted))).toEqual([]);
    for (const tool of (recorded["tools"] ?? []) as Wire[]) {
      expect(sent.text).toContain(JSON.stringify(tool["function"]?.parameters ?? tool["type"]));
    }
    counts[differing.length > 0 ? "adapted" : "same"] += 1;
  });

  test("each refusal is of a recording that exists, and they are few", () => {
    const files = new Set((recordings ?? []).map(({ file }) => file));
    expect(Object.keys(REFUSED).filter((file) => !files.has(file))).toEqual([]);
    expect(files.size).toBeGreaterThanOrEqual(CASES);
    expect(counts.same).toBeGreaterThan(CASES * 0.8);
    expect(Object.keys(REFUSED).filter((file) => !file.includes("-error-")).length).toBeLessThanOrEqual(2);
  });

  afterAll(() => {
    const { same, adapted, refused } = counts;
    process.stdout.write(
      `openai-chat requests: ${same} sent as recorded, ${adapted} with an adaptation that says what changed, ` +
        `${refused} refused with the field's name, of ${recordings?.length ?? 0}\n`,
    );
  });
});
