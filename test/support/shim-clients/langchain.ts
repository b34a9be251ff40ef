import {
  HumanMessage,
  type AIMessageChunk,
  type BaseMessage,
  type ToolMessage,
  type UsageMetadata,
} from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import { MAX_TURNS, PLACE, PROMPT, THANKS, WEATHER, weatherIn, type ShimCall, type ShimClient } from "./client.ts";

/** LangChain. */
export const langchainClient: ShimClient = {
  name: "@langchain/openai",
  async text(call) {
    const { text, response_metadata: told, ...answer } = await model(call).invoke(PROMPT);
    // Its types lose the figures of a plain call.
    const usage = answer.usage_metadata as UsageMetadata | undefined;
    return {
      text,
      finish: told["finish_reason"] as string | undefined,
      inputTokens: usage?.input_tokens,
      outputTokens: usage?.output_tokens,
    };
  },
  async *stream(call) {
    const options = call.signal ? { signal: call.signal } : {};
    for await (const chunk of await model(call).stream(PROMPT, options)) yield chunk.text;
  },
  object(call) {
    return model(call).withStructuredOutput(PLACE).invoke(PROMPT);
  },
  async loop(call, streamed) {
    const cities: string[] = [];
    const look = ({ city }: { city: string }): string => {
      cities.push(city);
      return weatherIn(city);
    };
    const weather = tool(look, { name: "weather", description: "The weather of a city", schema: WEATHER });
    const withTools = model(call).bindTools([weather]);
    const messages: BaseMessage[] = [new HumanMessage(PROMPT)];
    const next = (): Promise<AIMessageChunk> =>
      streamed ? gathered(withTools.stream(messages)) : withTools.invoke(messages);
    for (let turn = 0; turn < MAX_TURNS; turn += 1) {
      const answer = await next();
      const calls = answer.tool_calls ?? [];
      messages.push(answer);
      if (calls.length === 0) {
        messages.push(new HumanMessage(THANKS));
        return { text: answer.text, reply: (await next()).text, cities };
      }
      for (const one of calls) messages.push((await weather.invoke(one)) as ToolMessage);
    }
    throw new Error("the loop does not end");
  },
  failure(thrown) {
    const { status, message } = thrown as { readonly status?: number; readonly message: string };
    return { status, message };
  },
};

function model({ url, key, model: name, retries }: ShimCall): ChatOpenAI {
  const more = retries === undefined ? {} : { maxRetries: retries };
  return new ChatOpenAI({ model: name, apiKey: key, configuration: { baseURL: `${url}/v1` }, ...more });
}

async function gathered(stream: Promise<AsyncIterable<AIMessageChunk>>): Promise<AIMessageChunk> {
  let whole: AIMessageChunk | undefined;
  for await (const chunk of await stream) whole = whole?.concat(chunk) ?? chunk;
  if (!whole) throw new Error("the stream was empty");
  return whole;
}
