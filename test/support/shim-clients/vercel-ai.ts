import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, Output, RetryError, generateText, stepCountIs, streamText, tool, type ModelMessage } from "ai";
import { MAX_TURNS, PLACE, PROMPT, THANKS, WEATHER, weatherIn, type ShimCall, type ShimClient } from "./client.ts";

/** Vercel's AI SDK. */
export const vercelAiClient: ShimClient = {
  name: "ai with @ai-sdk/openai-compatible",
  async text(call) {
    const { text, finishReason, usage } = await generateText(settings(call));
    return { text, finish: finishReason, inputTokens: usage.inputTokens, outputTokens: usage.outputTokens };
  },
  async *stream(call) {
    // Without a handler of errors it writes them to the console; the stream throws none of them by itself.
    for await (const part of streamText({ ...settings(call), onError: () => {} }).fullStream) {
      if (part.type === "text-delta") yield part.text;
      else if (part.type === "error") throw part.error;
      else if (part.type === "abort") throw new Error("aborted");
    }
  },
  async object(call) {
    return (await generateText({ ...settings(call), output: Output.object({ schema: PLACE }) })).output;
  },
  async loop(call, streamed) {
    const cities: string[] = [];
    const weather = tool({
      inputSchema: WEATHER,
      execute: ({ city }) => {
        cities.push(city);
        return weatherIn(city);
      },
    });
    const { prompt, ...rest } = settings(call);
    const all = { ...rest, tools: { weather }, stopWhen: stepCountIs(MAX_TURNS) };
    const next = async (messages: ModelMessage[]): Promise<{ text: string; added: ModelMessage[] }> => {
      const answer = streamed ? streamText({ ...all, messages }) : await generateText({ ...all, messages });
      return { text: await answer.text, added: await answer.responseMessages };
    };
    const question: ModelMessage = { role: "user", content: prompt };
    const { text, added } = await next([question]);
    const { text: reply } = await next([question, ...added, { role: "user", content: THANKS }]);
    return { text, reply, cities };
  },
  failure(thrown) {
    const error = RetryError.isInstance(thrown) ? thrown.lastError : thrown;
    if (!APICallError.isInstance(error)) throw error;
    return { status: error.statusCode, message: error.message };
  },
};

function settings({ url, key, model, signal, retries }: ShimCall) {
  const provider = createOpenAICompatible({
    name: "gateway",
    baseURL: `${url}/v1`,
    apiKey: key,
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
  return {
    model: provider(model),
    prompt: PROMPT,
    ...(signal ? { abortSignal: signal } : {}),
    ...(retries === undefined ? {} : { maxRetries: retries }),
  };
}
