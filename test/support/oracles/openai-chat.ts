import OpenAI, { APIError } from "openai";
import { openaiChat } from "../../../src/dialects/openai-chat/index.ts";
import { plainJson, type CandidateReading, type Oracle, type Reading, type Wire } from "./oracle.ts";

/** `openai` for chat completions; streams are put together by its own helper. */
export const openaiChatOracle: Oracle = {
  name: "openai chat.completions",
  apis: ["openai.chat", "openai-compat.chat"],
  goldens: "openai",
  adds: {},
  dialect: openaiChat,
  smallestBody: { model: "recorded", messages: [{ role: "user", content: "Hi" }] },
  async call(url, body, { stream }) {
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "key", maxRetries: 0 });
    if (!stream) {
      const { stream: _, ...rest } = body;
      return readingOf(await client.chat.completions.create(rest as OpenAI.ChatCompletionCreateParamsNonStreaming));
    }
    const runner = client.chat.completions.stream(body as OpenAI.ChatCompletionCreateParamsStreaming);
    // The helper knows no reasoning: what the client hands on in the chunks is gathered beside it.
    const thoughts = new Map<number, string>();
    runner.on("chunk", ({ choices }) => {
      for (const { index, delta } of choices) thoughts.set(index, (thoughts.get(index) ?? "") + reasoningOf(delta));
    });
    return readingOf(await runner.finalChatCompletion(), thoughts);
  },
  statusOf: (thrown) => (thrown instanceof APIError ? thrown.status : undefined),
};

function readingOf({ choices, usage }: OpenAI.ChatCompletion, thoughts?: ReadonlyMap<number, string>): Reading {
  return {
    candidates: choices.map((choice) => candidateOf(choice, thoughts?.get(choice.index))),
    usage: usage
      ? {
          input: usage.prompt_tokens,
          cacheRead: usage.prompt_tokens_details?.cached_tokens ?? 0,
          output: usage.completion_tokens,
          reasoning: usage.completion_tokens_details?.reasoning_tokens ?? 0,
        }
      : undefined,
  };
}

function candidateOf(choice: OpenAI.ChatCompletion.Choice, thoughts: string | undefined): CandidateReading {
  const { message, finish_reason: finish } = choice;
  // One vendor passes on the word of the provider behind it.
  const { native_finish_reason: native } = choice as Wire;
  const calls = (message.tool_calls ?? []).map((call) =>
    call.type === "custom"
      ? { name: call.custom.name, input: plainJson(call.custom.input) }
      : { name: call.function.name, input: plainJson(call.function.arguments) },
  );
  return {
    text: message.content ?? "",
    refusal: message.refusal ?? "",
    reasoning: thoughts ?? reasoningOf(message),
    calls,
    finish: (native as string | undefined) ?? finish,
  };
}

// Members that OpenAI's types do not have and its compatible servers send.
function reasoningOf(message: object): string {
  const { reasoning_content: content, reasoning } = message as Wire;
  return (content || reasoning || "") as string;
}
