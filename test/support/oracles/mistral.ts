import { Mistral } from "@mistralai/mistralai";
import { MistralError } from "@mistralai/mistralai/models/errors";
import type { ChatCompletionRequest } from "@mistralai/mistralai/models/components";
import { openaiChat } from "../../../src/dialects/openai-chat/index.ts";
import { plainJson, type Oracle, type Reading, type UsageReading, type Wire } from "./oracle.ts";

/** `@mistralai/mistralai`, which checks every answer against its schema. */
export const mistralOracle: Oracle = {
  name: "@mistralai/mistralai chat",
  apis: ["mistral.chat"],
  goldens: "mistral",
  adds: { stream: false, prefix: false, index: 0 },
  dialect: openaiChat,
  smallestBody: { model: "recorded", messages: [{ role: "user", content: "Hi" }] },
  async call(url, body, { stream }) {
    const client = new Mistral({ apiKey: "key", serverURL: url, retryConfig: { strategy: "none" } });
    const { stream: _, ...request } = camelCased(body) as Wire;
    if (!stream) {
      const { choices, usage } = await client.chat.complete(request as ChatCompletionRequest);
      return readingOf(
        choices.map(({ message, finishReason }) => [[message ?? {}], finishReason]),
        usage,
      );
    }
    const deltas = new Map<number, [Wire[], string]>();
    let usage: Wire | undefined;
    for await (const { data } of await client.chat.stream(request as ChatCompletionRequest)) {
      usage = data.usage ?? usage;
      for (const { index, delta, finishReason } of data.choices) {
        const [known, word] = deltas.get(index) ?? [[], ""];
        deltas.set(index, [[...known, delta], finishReason ?? word]);
      }
    }
    return readingOf([...deltas.values()], usage);
  },
  statusOf: (thrown) => (thrown instanceof MistralError ? thrown.statusCode : undefined),
};

// The client's input has the wire's names in camel case, but for one; what callers wrote themselves stays as it is.
const KEPT: ReadonlySet<string> = new Set(["parameters", "schema", "arguments", "metadata"]);

function camelCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCased);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name === "schema" ? "schemaDefinition" : name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      KEPT.has(name) ? inner : camelCased(inner),
    ]),
  );
}

function readingOf(candidates: readonly (readonly [readonly Wire[], string])[], usage: Wire | undefined): Reading {
  return {
    candidates: candidates.map(([messages, finish]) => ({
      text: messages.map(({ content }) => textOf(content, "text")).join(""),
      refusal: "",
      reasoning: messages.map(({ content }) => textOf(content, "thinking")).join(""),
      calls: callsOf(messages),
      finish,
    })),
    usage: usage ? usageOf(usage) : undefined,
  };
}

function usageOf(usage: Wire): UsageReading {
  // The client's types lag behind the server: it hands these figures on under the wire's names.
  const { prompt_tokens_details: details, num_cached_tokens: cached } = usage;
  const sound = (details?.audio_tokens ?? 0) as number;
  return {
    input: (usage["promptTokens"] as number) + sound,
    cacheRead: (details?.cached_tokens ?? cached ?? 0) as number,
    output: usage["completionTokens"] as number,
    reasoning: 0,
  };
}

function textOf(content: unknown, kind: "text" | "thinking"): string {
  if (!Array.isArray(content)) return kind === "text" ? ((content as string | null | undefined) ?? "") : "";
  return (content as Wire[])
    .map((piece) =>
      piece["type"] === kind ? (kind === "text" ? piece["text"] : textOf(piece["thinking"], "text")) : "",
    )
    .join("");
}

function callsOf(messages: readonly Wire[]): { name: string; input: string }[] {
  const calls = new Map<number, { name: string; input: string }>();
  for (const [at, call] of messages.flatMap(({ toolCalls }) => [...((toolCalls ?? []) as Wire[]).entries()])) {
    const place = (call["index"] as number | undefined) || at;
    const known = calls.get(place) ?? { name: "", input: "" };
    const input = call["function"].arguments as unknown;
    known.name ||= call["function"].name as string;
    known.input += typeof input === "string" ? input : JSON.stringify(input);
    calls.set(place, known);
  }
  return [...calls.values()].map(({ name, input }) => ({ name, input: plainJson(input) }));
}
