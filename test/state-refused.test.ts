import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startGateway, type TestGateway } from "./support/gateway.ts";
import { REASONING_VENDORS } from "./support/reasoning-vendors/index.ts";
import { TURNS } from "./support/reasoning-vendors/vendor.ts";
import { startScriptedUpstream } from "./support/scripted-upstream.ts";

// A provider may refuse the signatures and encrypted reasoning of earlier turns: they have run out, or another account
// made them. The conversation then goes on without them, once, and the caller is told.

interface Vendor {
  readonly kind: string;
  readonly model: string;
  readonly dialect: string;
  readonly format: string;
  /** How the provider refuses. */
  readonly refusal: unknown;
  readonly answer: unknown;
}

const VENDORS: readonly Vendor[] = [
  {
    kind: "anthropic",
    model: "claude-sonnet-4-5",
    dialect: "anthropic-messages",
    format: "anthropic-messages.signature",
    refusal: {
      type: "error",
      error: {
        type: "invalid_request_error",
        message: "messages.1.content.0: Invalid `signature` in `thinking` block",
      },
    },
    answer: {
      id: "msg_1",
      type: "message",
      role: "assistant",
      model: "claude-sonnet-4-5",
      stop_reason: "end_turn",
      stop_sequence: null,
      content: [{ type: "text", text: "Sunny." }],
      usage: { input_tokens: 10, output_tokens: 5 },
    },
  },
  {
    kind: "gemini",
    model: "gemini-3-pro-preview",
    dialect: "gemini-generate",
    format: "gemini-generate.thought_signature",
    refusal: { error: { code: 400, status: "INVALID_ARGUMENT", message: "Thought signature is not valid." } },
    answer: {
      candidates: [{ content: { role: "model", parts: [{ text: "Sunny." }] }, finishReason: "STOP", index: 0 }],
      usageMetadata: { promptTokenCount: 20, candidatesTokenCount: 2, totalTokenCount: 22 },
    },
  },
  {
    kind: "openai",
    model: "gpt-5-mini",
    dialect: "openai-responses",
    format: "openai-responses.encrypted_content",
    refusal: {
      error: { message: "Encrypted content was made by another organization.", code: "invalid_encrypted_content" },
    },
    answer: {
      id: "resp_2",
      object: "response",
      created_at: 1_790_000_000,
      model: "gpt-5-mini",
      status: "completed",
      error: null,
      output: [
        {
          type: "message",
          id: "m_1",
          role: "assistant",
          status: "completed",
          content: [{ type: "output_text", text: "Sunny.", annotations: [] }],
        },
      ],
      usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
    },
  },
];

const STATE = "c2lnbmF0dXJlLW9mLXRoZS1maXJzdC10dXJu";
// Functions of Gemini carry the signature on the call, others on the reasoning before it.
const ON_CALL = "gemini-generate";

describe.each(VENDORS.map((vendor) => [vendor.kind, vendor] as const))("state that %s refuses", (kind, vendor) => {
  const { model, dialect, format } = vendor;
  let server: Server;
  let gateway: TestGateway;
  let bodies: string[];
  let refusals: number;

  beforeEach(async () => {
    bodies = [];
    refusals = 1;
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        bodies.push(Buffer.concat(chunks).toString());
        const isRefused = bodies.length <= refusals;
        response.writeHead(isRefused ? 400 : 200, { "content-type": "application/json" });
        response.end(JSON.stringify(isRefused ? vendor.refusal : vendor.answer));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const provider = `{ kind: ${kind}, base_url: "http://127.0.0.1:${port}", api_key: a-provider-key-1234 }`;
    const yaml = `version: 1\nsandbox: true\nproviders:\n  vendor: ${provider}\n`;
    gateway = await startGateway({ yaml });
  });

  afterEach(async () => {
    await gateway.close();
    server.closeAllConnections();
    server.close();
  });

  async function ask(): Promise<{ status: number; body: any }> {
    const state = [{ origin: { provider: "vendor", dialect, model }, format, text: STATE }];
    const onCall = dialect === ON_CALL;
    const messages = [
      { role: "ROLE_USER", parts: [{ text: { text: "What is the weather in Paris?" } }] },
      {
        role: "ROLE_ASSISTANT",
        parts: [
          { reasoning: { text: ["They ask for Paris."] }, ...(onCall ? {} : { state }) },
          {
            toolCall: { callId: "call_1", name: "weather", argumentsJson: '{"city":"Paris"}' },
            ...(onCall ? { state } : {}),
          },
        ],
      },
      { role: "ROLE_TOOL", parts: [{ toolResult: { callId: "call_1", content: [{ text: { text: "Sunny" } }] } }] },
    ];
    const tools = [{ function: { name: "weather" } }];
    const reasoning = { effort: "EFFORT_LOW" };
    const response = await fetch(`${gateway.url}/parley.v1.ChatService/Generate`, {
      method: "POST",
      headers: { authorization: `Bearer ${gateway.adminKey}`, "content-type": "application/json" },
      body: JSON.stringify({ request: { model: `vendor/${model}`, messages, tools, reasoning } }),
    });
    return { status: response.status, body: await response.json() };
  }

  test("is left out at the second attempt, and the caller is told", async () => {
    const { status, body } = await ask();
    expect([status, body.code]).toEqual([200, undefined]);
    expect(bodies.map((text) => text.includes(STATE))).toEqual([true, false]);
    // Calls and results are what the conversation is about: they stay.
    expect(bodies[1]).toContain("weather");
    expect(bodies[1]).toContain("Sunny");
    const { adaptations, attempts, candidates } = body.response;
    expect(JSON.stringify(candidates)).toContain("Sunny.");
    expect(adaptations[0]).toMatchObject({
      field: "messages.parts.state",
      reason: expect.stringMatching(/^STATE_INVALID: the provider refused/) as string,
    });
    expect(attempts.map((one: any) => one.reason)).toEqual(["ERROR_REASON_STATE_INVALID", undefined]);
  });

  test("refused twice is the caller's error, with both attempts", async () => {
    refusals = 9;
    const { status, body } = await ask();
    expect([status, body.code]).toEqual([400, "failed_precondition"]);
    expect(bodies.length).toBe(2);
  });
});

const [asksForTwo, , answers] = TURNS as [(typeof TURNS)[0], (typeof TURNS)[0], (typeof TURNS)[0]];

// Clients of chat completions cannot stop sending what the vault puts back for them.
test.each(VENDORS.map((vendor) => [vendor.kind, vendor] as const))(
  "state that %s refuses costs a client that cannot carry it one attempt more, and not one in every further turn",
  async (kind, { refusal }) => {
    const vendor = REASONING_VENDORS.find((one) => one.kind === kind)!;
    await using upstream = await startScriptedUpstream(({ body }) => {
      if (JSON.stringify(body).includes(asksForTwo.state)) return { status: 400, body: refusal };
      return { status: 200, body: vendor.whole(vendor.resultsIn(body) === 0 ? asksForTwo : answers) };
    });
    const provider = `{ kind: ${kind}, ${vendor.settings}base_url: "${upstream.url}", api_key: a-provider-key-1234 }`;
    const gateway = await startGateway({ yaml: `version: 1\nsandbox: true\nproviders:\n  vendor: ${provider}\n` });
    const messages: unknown[] = [{ role: "user", content: "What is the weather?" }];
    const attempts: number[] = [];
    const turn = async (...said: unknown[]): Promise<any> => {
      messages.push(...said);
      const before = upstream.seen.length;
      const response = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${gateway.adminKey}`, "content-type": "application/json" },
        body: JSON.stringify({
          model: `vendor/${vendor.model}`,
          messages,
          tools: [{ type: "function", function: { name: "weather" } }],
        }),
      });
      attempts.push(upstream.seen.length - before);
      const answered: any = await response.json();
      expect([response.status, answered.error]).toEqual([200, undefined]);
      const { content, tool_calls } = answered.choices[0].message;
      messages.push({ role: "assistant", content, ...(tool_calls ? { tool_calls } : {}) });
      return tool_calls;
    };
    try {
      const calls: { id: string }[] = await turn();
      await turn(...calls.map(({ id }) => ({ role: "tool", tool_call_id: id, content: "sunny" })));
      await turn({ role: "user", content: "Thank you." });
      expect(attempts).toEqual([1, 2, 1]);
      // What came with the answer that was given instead goes on as ever.
      expect(JSON.stringify(upstream.seen.at(-1)?.body)).toContain(answers.state);
    } finally {
      await gateway.close();
    }
  },
);
