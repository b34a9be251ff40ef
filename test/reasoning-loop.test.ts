import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startGateway, type TestGateway } from "./support/gateway.ts";

// A legacy client drops what it does not know, signatures among it; the provider refuses a turn that lacks them. Between
// the two stands the vault: the second turn goes out with the very state that the first one came with.

/** What a provider of one wire format answers to the first turn and to the second. */
interface Vendor {
  readonly kind: string;
  readonly model: string;
  /** Further settings of the provider. */
  readonly settings?: string;
  readonly first: unknown;
  readonly second: unknown;
  /** Finds the state in the second request. */
  readonly stateIn: (body: any) => unknown;
}

const anthropicMessage = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-sonnet-4-5",
  stop_sequence: null,
};
const usage = { input_tokens: 10, output_tokens: 5 };

const modelResponse = {
  object: "response",
  created_at: 1_790_000_000,
  model: "gpt-5-mini",
  status: "completed",
  error: null,
};
const responseUsage = { input_tokens: 10, output_tokens: 5, total_tokens: 15 };

const VENDORS: readonly Vendor[] = [
  {
    kind: "openai",
    model: "gpt-5-mini",
    settings: "api: responses, ",
    first: {
      ...modelResponse,
      id: "resp_1",
      output: [
        { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "c2lnbmF0dXJl" },
        {
          type: "function_call",
          id: "fc_1",
          call_id: "call_1",
          name: "weather",
          arguments: '{"city":"Paris"}',
          status: "completed",
        },
      ],
      usage: responseUsage,
    },
    second: {
      ...modelResponse,
      id: "resp_2",
      output: [
        {
          type: "message",
          id: "m_1",
          role: "assistant",
          status: "completed",
          content: [{ type: "output_text", text: "Sunny.", annotations: [] }],
        },
      ],
      usage: responseUsage,
    },
    stateIn: (body) => body.input.find((item: any) => item.type === "reasoning")?.encrypted_content,
  },
  {
    kind: "anthropic",
    model: "claude-sonnet-4-5",
    first: {
      ...anthropicMessage,
      stop_reason: "tool_use",
      content: [
        { type: "thinking", thinking: "I need the weather.", signature: "c2lnbmF0dXJl" },
        { type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Paris" } },
      ],
      usage,
    },
    second: { ...anthropicMessage, stop_reason: "end_turn", content: [{ type: "text", text: "Sunny." }], usage },
    stateIn: (body) => body.messages[1].content.find((block: any) => block.type === "thinking"),
  },
  {
    kind: "gemini",
    model: "gemini-3-pro-preview",
    first: {
      candidates: [
        {
          content: {
            role: "model",
            parts: [{ functionCall: { name: "weather", args: { city: "Paris" } }, thoughtSignature: "c2lnbmF0dXJl" }],
          },
          finishReason: "STOP",
          index: 0,
        },
      ],
      usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 },
    },
    second: {
      candidates: [{ content: { role: "model", parts: [{ text: "Sunny." }] }, finishReason: "STOP", index: 0 }],
      usageMetadata: { promptTokenCount: 20, candidatesTokenCount: 2, totalTokenCount: 22 },
    },
    stateIn: (body) => body.contents[1].parts.find((part: any) => part.functionCall)?.thoughtSignature,
  },
];

const EXPECTED: Readonly<Record<string, unknown>> = {
  openai: "c2lnbmF0dXJl",
  anthropic: { type: "thinking", thinking: "I need the weather.", signature: "c2lnbmF0dXJl" },
  gemini: "c2lnbmF0dXJl",
};

const tools = [
  {
    type: "function" as const,
    function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } },
  },
];

describe.each(VENDORS.map((vendor) => [vendor.kind, vendor] as const))(
  "a tool loop with a reasoning model of %s",
  (kind, vendor) => {
    const bodies: any[] = [];
    let upstream: Server;
    let gateway: TestGateway;

    beforeAll(async () => {
      upstream = createServer((request, response) => {
        const chunks: Buffer[] = [];
        request.on("data", (chunk: Buffer) => chunks.push(chunk));
        request.on("end", () => {
          bodies.push(JSON.parse(Buffer.concat(chunks).toString()));
          response.setHeader("content-type", "application/json");
          response.end(JSON.stringify(bodies.length === 1 ? vendor.first : vendor.second));
        });
      });
      await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
      const { port } = upstream.address() as AddressInfo;
      const provider = `{ kind: ${kind}, ${vendor.settings ?? ""}base_url: "http://127.0.0.1:${port}", api_key: a-provider-key-1234 }`;
      gateway = await startGateway({ yaml: `version: 1\nsandbox: true\nproviders:\n  vendor: ${provider}\n` });
    });

    afterAll(async () => {
      await gateway.close();
      upstream.closeAllConnections();
      upstream.close();
    });

    test("goes on with the state of its first turn, through a client that has dropped it", async () => {
      const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.adminKey, maxRetries: 0 });
      const question = { role: "user" as const, content: "What is the weather in Paris?" };
      const first = await client.chat.completions.create({
        model: `vendor/${vendor.model}`,
        messages: [question],
        tools,
      });
      const call = first.choices[0]?.message.tool_calls?.[0];
      if (call?.type !== "function") throw new Error("the first turn calls no function");
      expect(JSON.parse(call.function.arguments)).toEqual({ city: "Paris" });
      // What a client of chat.completions keeps: the members that it knows.
      const kept = { role: "assistant" as const, content: null, tool_calls: [call] };
      const result = { role: "tool" as const, tool_call_id: call.id, content: "sunny" };
      const second = await client.chat.completions.create({
        model: `vendor/${vendor.model}`,
        messages: [question, kept, result],
        tools,
      });
      expect(second.choices[0]?.message.content).toBe("Sunny.");
      expect(vendor.stateIn(bodies[1])).toEqual(EXPECTED[kind]);
    });
  },
);
