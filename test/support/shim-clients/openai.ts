import OpenAI, { APIError } from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import {
  MAX_TURNS,
  PLACE,
  PROMPT,
  THANKS,
  WEATHER,
  weatherIn,
  type LoopEnd,
  type ShimCall,
  type ShimClient,
} from "./client.ts";

/** OpenAI's own. */
export const openaiClient: ShimClient = {
  name: "openai",
  async text(call) {
    const { choices, usage } = await clientOf(call).chat.completions.create(request(call), options(call));
    return {
      text: choices[0]?.message.content ?? "",
      finish: choices[0]?.finish_reason,
      inputTokens: usage?.prompt_tokens,
      outputTokens: usage?.completion_tokens,
    };
  },
  async *stream(call) {
    const body = { ...request(call), stream: true as const };
    for await (const { choices } of await clientOf(call).chat.completions.create(body, options(call))) {
      yield choices[0]?.delta.content ?? "";
    }
  },
  async object(call) {
    const body = { ...request(call), response_format: zodResponseFormat(PLACE, "place") };
    return (await clientOf(call).chat.completions.parse(body)).choices[0]?.message.parsed;
  },
  loop,
  failure(thrown) {
    if (!(thrown instanceof APIError)) throw thrown;
    return { status: thrown.status as number | undefined, message: thrown.message };
  },
};

function clientOf({ url, key, retries }: ShimCall): OpenAI {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey: key, ...(retries === undefined ? {} : { maxRetries: retries }) });
}

function request({ model }: ShimCall) {
  return { model, messages: [{ role: "user" as const, content: PROMPT }] };
}

function options({ signal }: ShimCall) {
  return signal ? { signal } : {};
}

// Its runner keeps the messages that it gets, with what it does not know; an application that rebuilds them does not.
async function loop(call: ShimCall, streamed: boolean): Promise<LoopEnd> {
  const cities: string[] = [];
  const messages: OpenAI.ChatCompletionMessageParam[] = [...request(call).messages];
  const tools = [
    {
      type: "function" as const,
      function: { name: "weather", parameters: z.toJSONSchema(WEATHER) as Record<string, unknown> },
    },
  ];
  const { completions } = clientOf(call).chat;
  const next = async (): Promise<OpenAI.ChatCompletionMessage> => {
    const body = { model: call.model, messages, tools };
    const answer = streamed
      ? await completions.stream({ ...body, stream: true }).finalChatCompletion()
      : await completions.create(body);
    return answer.choices[0]!.message;
  };
  for (let turn = 0; turn < MAX_TURNS; turn += 1) {
    const { content, tool_calls: calls = [] } = await next();
    if (calls.length === 0) {
      messages.push({ role: "assistant", content }, { role: "user", content: THANKS });
      return { text: content ?? "", reply: (await next()).content ?? "", cities };
    }
    const kept = calls.flatMap(({ id, type, ...rest }) =>
      type === "function" && "function" in rest
        ? [{ id, type, function: { name: rest.function.name, arguments: rest.function.arguments } }]
        : [],
    );
    messages.push({ role: "assistant", content, tool_calls: kept });
    for (const { id, function: called } of kept) {
      const { city } = WEATHER.parse(JSON.parse(called.arguments));
      cities.push(city);
      messages.push({ role: "tool", tool_call_id: id, content: weatherIn(city) });
    }
  }
  throw new Error("the loop does not end");
}
