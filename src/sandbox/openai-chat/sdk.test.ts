import OpenAI, { APIConnectionError, AuthenticationError, NotFoundError, RateLimitError } from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { realRuntime } from "../../runtime/real.ts";
import { type Sandbox, SANDBOX_MODELS, startSandbox, storyText } from "../index.ts";

// OpenAI's own client as the judge of the wire format.

let sandbox: Sandbox;
let client: OpenAI;
beforeAll(async () => {
  sandbox = await startSandbox({ runtime: realRuntime(), tokenDelayMs: 0 });
  client = new OpenAI({ baseURL: `${sandbox.url}/v1`, apiKey: "test", maxRetries: 0 });
});
afterAll(() => sandbox.close());

const messages = [{ role: "user" as const, content: "What is the weather in Lyon?" }];
const schema = {
  type: "object",
  properties: { city: { type: "string" }, days: { type: "integer" } },
  required: ["city", "days"],
  additionalProperties: false,
};
const tool = { type: "function" as const, function: { name: "get_weather", parameters: schema, strict: true } };

test("the openai client reads a whole answer", async () => {
  const answer = await client.chat.completions.create({ model: "echo", messages });
  expect(answer.choices[0]?.message.content).toBe("What is the weather in Lyon?");
  expect(answer._request_id).toMatch(/^req_/);
});

test("the openai client reads a stream and its usage", async () => {
  const stream = client.chat.completions.stream({ model: "story", messages, stream_options: { include_usage: true } });
  const answer = await stream.finalChatCompletion();
  expect(answer.choices[0]?.message.content).toBe(storyText);
  expect(answer.choices[0]?.finish_reason).toBe("stop");
  expect(answer.usage?.completion_tokens).toBe(60);
});

test("the openai client runs a tool loop to its end, streamed", async () => {
  const runner = client.chat.completions.runTools({
    model: "tools",
    stream: true,
    messages,
    tools: [
      {
        type: "function",
        function: {
          name: "get_weather",
          description: "Looks the weather up",
          parameters: schema,
          parse: (input: string) => JSON.parse(input) as { city: string; days: number },
          function: ({ city, days }: { city: string; days: number }) => `${city} is sunny for ${days} day`,
        },
      },
    ],
  });
  expect(await runner.finalContent()).toBe("The tool answered: text is sunny for 1 day");
});

test("the openai client parses tool arguments and structured output", async () => {
  const called = await client.chat.completions.parse({ model: "tools", messages, tools: [tool] });
  const parsed_arguments = { city: "text", days: 1 };
  expect(called.choices[0]?.message.tool_calls).toMatchObject([
    { function: { name: "get_weather", parsed_arguments } },
  ]);
  const json = await client.chat.completions.parse({
    model: "json",
    messages,
    response_format: { type: "json_schema", json_schema: { name: "weather", schema, strict: true } },
  });
  expect(json.choices[0]?.message.parsed).toEqual({ city: "text", days: 1 });
});

test("the openai client sees reasoning beside the answer", async () => {
  let thoughts = "";
  let text = "";
  for await (const chunk of await client.chat.completions.create({ model: "think", messages, stream: true })) {
    const delta = chunk.choices[0]?.delta as { content?: string; reasoning_content?: string };
    thoughts += delta.reasoning_content ?? "";
    text += delta.content ?? "";
  }
  expect(thoughts).toBe("The user wrote 6 words. I shall repeat them as they are.");
  expect(text).toBe("What is the weather in Lyon?");
});

test("the openai client counts reasoning and reads a refusal", async () => {
  const thought = await client.chat.completions.create({ model: "think", messages });
  expect(thought.usage?.completion_tokens_details?.reasoning_tokens).toBe(12);
  const refusal = await client.chat.completions.create({ model: "refuse", messages });
  expect(refusal.choices[0]?.message).toMatchObject({ content: null, refusal: "I'm sorry, I can't help with that." });
});

test("the openai client maps failures to its own error classes", async () => {
  const failing = (model: string) => client.chat.completions.create({ model, messages });
  await expect(failing("fault-429")).rejects.toThrow(RateLimitError);
  await expect(failing("fault-401")).rejects.toThrow(AuthenticationError);
  await expect(failing("unheard-of")).rejects.toThrow(NotFoundError);
  await expect(failing("fault-reset")).rejects.toThrow(APIConnectionError);
});

test("the openai client retries what fails once, and is answered", async () => {
  const answer = await client.chat.completions.create(
    { model: "fault-429-once@retry_after=0,id=sdk", messages },
    { maxRetries: 1 },
  );
  expect(answer.choices[0]?.message.content).toBe(storyText);
  expect(sandbox.books.of("fault-429-once@retry_after=0,id=sdk").map((attempt) => attempt.status)).toEqual([429, 200]);
});

test("the openai client throws on an error event in the middle of a stream", async () => {
  const stream = await client.chat.completions.create({ model: "fault-error-event-late", messages, stream: true });
  const reading = async () => {
    for await (const chunk of stream) expect(chunk.object).toBe("chat.completion.chunk");
  };
  await expect(reading()).rejects.toThrow(/server had an error/);
});

test("the openai client lists the models", async () => {
  const names: string[] = [];
  for await (const model of client.models.list()) names.push(model.id);
  expect(names).toEqual(SANDBOX_MODELS.map((model) => model.name));
  expect((await client.models.retrieve("fault-cut@after=3")).id).toBe("fault-cut@after=3");
  await expect(client.models.retrieve("nothing")).rejects.toThrow(NotFoundError);
});
