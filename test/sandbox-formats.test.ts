import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { realRuntime } from "../src/runtime/real.ts";
import { startSandbox, storyText, storyTokens, type Sandbox } from "../src/sandbox/index.ts";
import { Modality, Role } from "../src/contract/index.ts";
import { askWall, startWall, type Wall, WALL_FORMATS, type WallFormat } from "./support/wall.ts";

// The real dialects read the sandbox's wire formats end to end: where it runs inside the gateway, and where it stands alone
// in the place of a vendor, as those would use it who want to try their client.

let alone: Sandbox;
let wall: Wall;

beforeAll(async () => {
  alone = await startSandbox({ runtime: realRuntime(), tokenDelayMs: 0 });
  const provider = (kind: string, path: string, more = "") =>
    `{ kind: ${kind}, base_url: "${alone.url}${path}", api_key: any-key${more} }`;
  wall = await startWall(`version: 1
sandbox: true
providers:
  chat-alone: ${provider("openai-compatible", "/v1")}
  responses-alone: ${provider("openai", "/v1", ", api: responses")}
  anthropic-alone: ${provider("anthropic", "/v1")}
  gemini-alone: ${provider("gemini", "/v1beta")}
`);
});

afterAll(async () => {
  await wall.close();
  await alone.close();
});

const FORMATS: readonly (WallFormat & { readonly books: () => Sandbox })[] = [
  ...WALL_FORMATS.map((format) => ({ ...format, books: () => wall.gateway.sandbox })),
  ...["chat-alone", "responses-alone", "anthropic-alone", "gemini-alone"].map((provider, index) => ({
    format: WALL_FORMATS[index]!.format,
    provider,
    books: () => alone,
  })),
];

const tools = [
  {
    type: "function" as const,
    function: {
      name: "weather",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  },
];

describe.each(FORMATS.map((format) => [format.provider, format] as const))("%s", (provider, format) => {
  test("tells the story through every door, and its books agree with what was billed", async () => {
    const outcomes = await Promise.all(
      wall.doors.map((door, index) => askWall(door, format, `story@delay_ms=0,cached=2,id=${provider}${index}`)),
    );
    for (const [index, outcome] of outcomes.entries()) {
      const [attempt] = format.books().books.of(`story@delay_ms=0,cached=2,id=${provider}${index}`);
      expect(outcome).toMatchObject({ end: "completed", text: storyText, finish: "STOP", outputTokens: 60 });
      expect(attempt).toMatchObject({ format: format.format, tokensSent: 60, inputTokens: outcome.inputTokens });
      expect(attempt?.stream).toBe(wall.doors[index]?.stream);
    }
  });

  test("goes through a tool loop with reasoning whose state comes back as it was", async () => {
    const client = new OpenAI({ baseURL: `${wall.gateway.url}/v1`, apiKey: wall.gateway.adminKey, maxRetries: 0 });
    const model = `${provider}/think@delay_ms=0`;
    const question = { role: "user" as const, content: "What is the weather in Paris?" };
    const first = await client.chat.completions.create({ model, messages: [question], tools });
    const call = first.choices[0]?.message.tool_calls?.[0];
    if (call?.type !== "function") throw new Error("the first turn calls no function");
    expect(JSON.parse(call.function.arguments)).toEqual({ city: "text" });
    expect(first.usage?.completion_tokens_details?.reasoning_tokens ?? 0).toBeGreaterThan(0);
    // What a client of chat.completions keeps: the members that it knows.
    const kept = { role: "assistant" as const, content: null, tool_calls: [call] };
    const result = { role: "tool" as const, tool_call_id: call.id, content: "sunny" };
    const second = await client.chat.completions.create({ model, messages: [question, kept, result], tools });
    expect(second.choices[0]?.message.content).toBe("The tool answered: sunny");
  });

  test("takes images and documents", async () => {
    const media = (modality: Modality, mimeType: string) => ({
      kind: {
        case: "media" as const,
        value: {
          modality,
          mimeType,
          source: { case: "inline" as const, value: Buffer.from("iVBORw0KGgo=", "base64") },
        },
      },
    });
    const door = wall.doors.find(({ name }) => name === "connect binary http/2 unary")!;
    const parts = [media(Modality.IMAGE, "image/png"), media(Modality.DOCUMENT, "application/pdf")];
    const outcome = await door.ask({ model: `${provider}/echo@delay_ms=0`, messages: [{ role: Role.USER, parts }] });
    expect(outcome).toMatchObject({ end: "completed", text: expect.stringMatching(/^\(\w+, \w+\)$/) as string });
  });
});

test("a plain question goes to the sandbox as it was asked, in every wire format", async () => {
  for (const { provider } of WALL_FORMATS) {
    const response = await fetch(`${wall.gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${wall.gateway.adminKey}`, "content-type": "application/json" },
      body: JSON.stringify({ model: `${provider}/echo@delay_ms=0`, messages: [{ role: "user", content: "Hi" }] }),
    });
    const { parley } = (await response.json()) as { readonly parley: { readonly adaptations?: unknown } };
    expect([provider, response.status, parley.adaptations ?? []]).toEqual([provider, 200, []]);
  }
});

test("the sandbox's own providers continue an answer that has begun, whatever the wire format", async () => {
  const door = wall.doors.find(({ name }) => name === "connect binary http/2 stream")!;
  const begun = storyTokens(33).join("");
  const text = (words: string) => ({ kind: { case: "text" as const, value: { text: words } } });
  for (const { provider } of WALL_FORMATS) {
    const messages = [
      { role: Role.USER, parts: [text("Tell me a story")] },
      { role: Role.ASSISTANT, prefill: true, parts: [text(begun)] },
    ];
    const told = await door.ask({ model: `${provider}/story@delay_ms=0`, messages });
    expect([provider, told.end, begun + told.text]).toEqual([provider, "completed", storyText]);
    const refused = await door.ask({ model: `${provider}/no-prefill@delay_ms=0`, messages });
    expect([provider, refused.end]).toEqual([provider, expect.stringMatching(/^UNSUPPORTED_|^INVALID_REQUEST/)]);
  }
});
