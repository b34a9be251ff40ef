// What `npm run example` runs: a streamed answer, a rescue and a tool call, against a gateway that is running.
// In a program of your own, import from "@parley-gateway/sdk".
import { readFileSync } from "node:fs";
import {
  createParley,
  functionTool,
  gatewayErrorFrom,
  messageOf,
  textOf,
  toolCallsOf,
  toolResult,
  user,
  type ChatResponse,
  type Parley,
} from "../src/index.ts";

const baseUrl = process.env["PARLEY_BASE_URL"] ?? "http://127.0.0.1:8080";
const keyFile = `${process.env["PARLEY_DATA"] ?? "./data"}/local.key`;

async function story(parley: Parley): Promise<void> {
  console.log("\n1. A streamed answer, as it comes (sandbox/story)\n");
  const stream = parley.chat.stream({ model: "sandbox/story", messages: [user("Tell me a story")] });
  for await (const text of stream.text()) process.stdout.write(text);
  const { response } = stream;
  if (response) console.log(`\n\n   ${summaryOf(response)}`);
}

async function rescue(parley: Parley): Promise<void> {
  console.log("\n2. A rescue: the first target of the route failover-demo always fails\n");
  const response = await parley.chat.generate({ model: "failover-demo", messages: [user("Tell me a story")] });
  for (const { number, target, message, durationMs } of response.attempts) {
    const outcome = message === "" ? "answered" : `failed: ${message}`;
    console.log(`   attempt ${number}, ${target?.provider}/${target?.model}, ${durationMs} ms: ${outcome}`);
  }
  console.log(`\n   ${textOf(response).slice(0, 60)}…`);
}

async function tools(parley: Parley): Promise<void> {
  console.log("\n3. A tool call, and the answer that uses its result (sandbox/tools)\n");
  const weather = functionTool({
    name: "weather",
    description: "Tells the weather of a city",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  });
  const question = user("What is the weather in Rome?");
  const asked = await parley.chat.generate({ model: "sandbox/tools", messages: [question], tools: [weather] });
  const results = toolCallsOf(asked).map((call) => {
    console.log(`   the model calls ${call.name}(${call.argumentsText})`);
    return toolResult(call.callId, { celsius: 21, sky: "clear" });
  });
  const messages = [question, messageOf(asked), ...results];
  const answered = await parley.chat.generate({ model: "sandbox/tools", messages, tools: [weather] });
  console.log(`   the model says: ${textOf(answered)}`);
}

function summaryOf({ origin, usage, attempts }: ChatResponse): string {
  const tokens = `${usage?.inputTokens ?? "?"} tokens in, ${usage?.outputTokens ?? "?"} out`;
  return `${origin?.provider}/${origin?.model} answered: ${tokens}, ${attempts.length} attempt(s)`;
}

function readKey(): string | undefined {
  const given = process.env["PARLEY_API_KEY"];
  if (given) return given.trim();
  try {
    return readFileSync(keyFile, "utf8").trim();
  } catch {
    return undefined;
  }
}

/** A sentence that tells what to do about an error; anything that is not the gateway's is thrown again. */
function adviceFor(thrown: unknown): string {
  const error = gatewayErrorFrom(thrown);
  switch (error?.reason) {
    case undefined:
      throw thrown;
    case "GATEWAY_UNREACHABLE":
      return `No gateway answers at ${baseUrl}. Start one with "npm start" in another terminal, or set PARLEY_BASE_URL.`;
    case "UNAUTHENTICATED":
      return `The gateway at ${baseUrl} does not know this key. Set PARLEY_API_KEY, or use the key file of that gateway.`;
    case "MODEL_NOT_FOUND":
      return `${error.message}. This example needs the sandbox: start the gateway without a file, or with "sandbox: true".`;
    default:
      return `The request failed: ${error?.reason}, ${error?.message} (request ${error?.requestId})`;
  }
}

async function main(): Promise<void> {
  const apiKey = readKey();
  if (apiKey === undefined) {
    const advice = 'Start a gateway with "npm start" in this folder, which makes one, or set PARLEY_API_KEY.';
    throw new Error(`There is no key: PARLEY_API_KEY is not set, and ${keyFile} cannot be read. ${advice}`);
  }
  const parley = createParley({ baseUrl, apiKey, timeoutMs: 30_000 });
  console.log(`Parley at ${baseUrl}`);
  for (const part of [story, rescue, tools]) await part(parley);
}

try {
  await main();
} catch (thrown) {
  process.exitCode = 1;
  const text =
    thrown instanceof Error && thrown.message.startsWith("There is no key") ? thrown.message : adviceFor(thrown);
  console.error(text);
}
