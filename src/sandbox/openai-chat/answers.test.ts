import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { realRuntime } from "../../runtime/real.ts";
import { type Sandbox, startSandbox, storyText, storyTokens } from "../index.ts";
import { call, chat, eventData } from "../test-client.ts";

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ runtime: realRuntime(), tokenDelayMs: 0 });
});
afterAll(() => sandbox.close());

interface Chunk {
  choices: { delta: Record<string, unknown>; finish_reason: string | null }[];
}

async function chunks(body: unknown): Promise<Chunk[]> {
  const data = eventData((await call(sandbox.url, { body })).body);
  return data.slice(0, -1).map((text) => JSON.parse(text) as Chunk);
}

async function whole(body: unknown): Promise<Record<string, unknown>> {
  return JSON.parse((await call(sandbox.url, { body })).body.toString()) as Record<string, unknown>;
}

const user = { role: "user", content: "hi" };
const f = { type: "function", function: { name: "f", parameters: { type: "object" } } };

describe("the model", () => {
  test("echo answers with the last user text, parts joined", async () => {
    const content = [
      { type: "text", text: "one " },
      { type: "image_url", image_url: { url: "data:," } },
      { type: "text", text: "two" },
    ];
    const messages = [{ role: "system", content: "be brief" }, user, { role: "user", content }];
    expect(await whole({ model: "echo", messages })).toMatchObject({ choices: [{ message: { content: "one two" } }] });
  });

  test("echo names the parts of a message without text", async () => {
    const content = [{ type: "image_url", image_url: { url: "data:," } }];
    const answer = await whole({ model: "echo", messages: [{ role: "user", content }] });
    expect(answer).toMatchObject({ choices: [{ message: { content: "(image_url)" } }] });
  });

  test("story goes on behind the beginning that the assistant is handed", async () => {
    const begun = storyTokens(30).join("");
    const answer = await whole({ model: "story", messages: [user, { role: "assistant", content: begun }] });
    expect(answer).toMatchObject({ choices: [{ message: { content: storyText.slice(begun.length) } }] });
  });

  test("tools calls the named tool, none on request, one where parallel calls are off", async () => {
    const g = { type: "custom", custom: { name: "g" } };
    const calls = async (more: object) => {
      const { choices } = (await whole(chat("tools", { tools: [f, g], ...more }))) as {
        choices: [{ message: { tool_calls?: Record<string, { name: string }>[] }; finish_reason: string }];
      };
      return choices[0].message.tool_calls?.map((made) => (made["function"] ?? made["custom"])?.name) ?? [];
    };
    expect(await calls({})).toEqual(["f", "g"]);
    expect(await calls({ parallel_tool_calls: false })).toEqual(["f"]);
    expect(await calls({ tool_choice: { type: "custom", custom: { name: "g" } } })).toEqual(["g"]);
    expect(await calls({ tool_choice: "none" })).toEqual([]);
  });

  test("tools streams the id and name of a call first, then its arguments, interleaved on request", async () => {
    const tool = (name: string) => ({
      type: "function",
      function: { name, parameters: { type: "object", required: ["text"] } },
    });
    const all = await chunks(chat("tools@interleave=1", { stream: true, tools: [tool("f"), tool("g")] }));
    const pieces = all.flatMap(
      ({ choices }) => (choices[0]?.delta["tool_calls"] as { index: number; id?: string }[]) ?? [],
    );
    expect(pieces.slice(0, 4).map((piece) => [piece.index, piece.id !== undefined])).toEqual([
      [0, true],
      [1, true],
      [0, false],
      [1, false],
    ]);
    expect(all.at(-1)?.choices[0]?.finish_reason).toBe("tool_calls");
  });

  test("long-context refuses what is longer than its window and answers the rest", async () => {
    const long = await call(sandbox.url, { body: chat("long-context@window=50", {}, "word ".repeat(100)) });
    expect(long.status).toBe(400);
    expect(JSON.parse(long.body.toString())).toMatchObject({
      error: { code: "context_length_exceeded", param: "messages" },
    });
    expect((await call(sandbox.url, { body: chat("long-context@window=50") })).status).toBe(200);
  });

  test("length and filter end early with their finish reason", async () => {
    for (const [model, tokens, finish] of [
      ["length", 40, "length"],
      ["filter", 20, "content_filter"],
    ] as const) {
      const content = storyTokens(tokens).join("");
      expect(await whole(chat(model))).toMatchObject({ choices: [{ message: { content }, finish_reason: finish }] });
    }
  });
});
