import { once } from "node:events";
import { connect } from "node:net";
import { gunzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { realRuntime } from "../../runtime/real.ts";
import { VirtualRuntime } from "../../runtime/virtual.ts";
import { type Sandbox, type SandboxOptions, startSandbox, storyText, storyTokens } from "../index.ts";
import { call, chat, eventData, textOf } from "../test-client.ts";

const running: Sandbox[] = [];

async function start(options: Partial<SandboxOptions> = {}): Promise<Sandbox> {
  const sandbox = await startSandbox({ runtime: realRuntime(), tokenDelayMs: 0, ...options });
  running.push(sandbox);
  return sandbox;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((sandbox) => sandbox.close()));
});

/** Everything that comes back over one socket, headers included, and how it ended. */
async function raw(sandbox: Sandbox, body: unknown): Promise<{ text: string; reset: boolean }> {
  const json = JSON.stringify(body);
  const socket = connect(sandbox.port, "127.0.0.1");
  const parts: Buffer[] = [];
  let reset = false;
  socket.on("data", (part: Buffer) => parts.push(part));
  socket.on("error", (error: NodeJS.ErrnoException) => (reset = error.code === "ECONNRESET"));
  const length = Buffer.byteLength(json);
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\ncontent-length: ${length}\r\n\r\n${json}`,
  );
  await once(socket, "close").catch(() => undefined);
  return { text: Buffer.concat(parts).toString(), reset };
}

describe("a broken connection", () => {
  test("fault-reset sends no byte, then RST", async () => {
    expect(await raw(await start(), chat("fault-reset"))).toEqual({ text: "", reset: true });
  });

  test("fault-cut delivers exactly 40 tokens before RST, and the books know", async () => {
    const sandbox = await start();
    const { text, reset } = await raw(sandbox, chat("fault-cut", { stream: true }));
    expect(reset).toBe(true);
    expect(text.match(/"content":"[^"]+"/g)).toHaveLength(40);
    expect(text).not.toContain('"finish_reason":"');
    expect(sandbox.books.attempts).toMatchObject([{ ended: "cut", tokensSent: 40, stream: true, status: 200 }]);
  });

  test("fault-fin closes in good order, but without the last chunk of HTTP", async () => {
    const { text, reset } = await raw(await start(), chat("fault-fin", { stream: true }));
    expect(reset).toBe(false);
    expect(text.match(/"content":"[^"]+"/g)).toHaveLength(40);
    expect(text.endsWith("\n\n\r\n")).toBe(true);
    expect(text).not.toContain("\r\n0\r\n");
  });

  test.each(["stream", "unary"])("at_byte cuts a %s answer behind exactly that byte", async (mode) => {
    const sandbox = await start();
    const more = { stream: mode === "stream" };
    const whole = await call(sandbox.url, { body: chat("story@tokens=2", more) });
    const length = whole.body.length;
    for (let at = 0; at <= length; at += 61) {
      const seen = await call(sandbox.url, { body: chat(`fault-cut@tokens=2,at_byte=${at}`, more) });
      expect(seen).toMatchObject({ whole: false, body: { length: at } });
    }
  });

  test("after more tokens than there are cuts behind the last one", async () => {
    const seen = await call((await start()).url, { body: chat("fault-cut@after=500", { stream: true }) });
    expect(textOf(seen.body)).toBe(storyText);
    expect(seen.body.toString()).not.toContain('"finish_reason":"stop"');
  });

  test("a cut can break the answer of any model, as in the arguments of a tool call", async () => {
    const tools = [{ type: "function", function: { name: "f", parameters: { type: "object", required: ["a", "b"] } } }];
    const seen = await call((await start()).url, {
      body: chat("fault-cut@answer=tools,after=1", { stream: true, tools }),
    });
    expect(seen.whole).toBe(false);
    expect(seen.body.toString()).toContain(String.raw`"arguments":"{\"a\":\"te"`);
  });
});

describe("an ending", () => {
  // What is left of a stream: t for a token, f for a finish reason, u for usage, d for the terminator, x for no JSON.
  const shape = (body: Buffer) =>
    eventData(body)
      .map((data) => {
        if (data === "[DONE]") return "d";
        if (data.includes('"total_tokens"')) return "u";
        if (!data.endsWith("}")) return "x";
        return data.includes('"finish_reason":"') ? "f" : data.includes('"content":""') ? "" : "t";
      })
      .join("");

  test.each([
    ["story", "tttfud"],
    ["fault-no-terminator", "tttfu"],
    ["fault-no-finish", "tt"],
    ["fault-done-without-finish", "ttud"],
    ["fault-duplicate-done", "tttfudd"],
    ["fault-data-after-done", "tttfudt"],
    ["fault-usage-missing", "tttfd"],
    ["fault-usage-twice", "tttfuud"],
    ["fault-malformed-event", "ttxfud"],
  ])("of %s is %s", async (model, expected) => {
    const suffix = /no-finish|without-finish|malformed/.test(model) ? ",after=2" : "";
    const more = { stream: true, stream_options: { include_usage: true } };
    const seen = await call((await start()).url, { body: chat(`${model}@tokens=3${suffix}`, more) });
    expect([shape(seen.body), seen.whole]).toEqual([expected, true]);
  });
});

describe("framing", () => {
  test("fault-crlf has no bare line feed", async () => {
    const seen = await call((await start()).url, { body: chat("fault-crlf", { stream: true }) });
    expect(seen.body.toString().replaceAll("\r\n", "")).not.toContain("\n");
  });

  test("a stream without a pause still hands out each token by itself", async () => {
    const seen = await call((await start()).url, { body: chat("story", { stream: true }) });
    expect(seen.parts.length).toBeGreaterThanOrEqual(60);
  });

  test("fault-tiny-chunks hands out one byte at a time", async () => {
    const seen = await call((await start()).url, { body: chat("fault-tiny-chunks@tokens=3", { stream: true }) });
    expect(seen.parts.every((part) => part.length === 1)).toBe(true);
    expect(textOf(seen.body)).toBe(storyTokens(3).join(""));
  });

  test("fault-comments and fault-bom hide a good answer", async () => {
    const { url } = await start();
    const comments = await call(url, { body: chat("fault-comments", { stream: true }) });
    expect(comments.body.toString()).toMatch(/^: SANDBOX PROCESSING\n\ndata: /);
    const marked = await call(url, { body: chat("fault-bom", { stream: true }) });
    expect([...marked.body.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
  });

  test.each([true, false])("fault-gzip compresses a good answer (stream: %s)", async (stream) => {
    const seen = await call((await start()).url, { body: chat("fault-gzip", { stream }) });
    expect(seen.headers["content-encoding"]).toBe("gzip");
    expect(gunzipSync(seen.body).toString()).toContain("60·trust.");
  });

  test("fault-wrong-length ends the body after 40 tokens and lets the rest follow", async () => {
    const sandbox = await start();
    const seen = await call(sandbox.url, { body: chat("fault-wrong-length", { stream: true }) });
    expect(seen.whole).toBe(true);
    expect(textOf(seen.body)).toBe(storyTokens(40).join(""));
    expect(sandbox.books.totals.tokensSent).toBe(60);
  });

  test("fault-huge-event holds an event of more than 1 MiB, fault-endless-line none that ends", async () => {
    const { url } = await start();
    const huge = await call(url, { body: chat("fault-huge-event", { stream: true }) });
    expect(Math.max(...eventData(huge.body).map((data) => data.length))).toBeGreaterThan(1_048_576);
    const endless = await call(url, { body: chat("fault-endless-line@bytes=2000000", { stream: true }) });
    expect(endless.body.length).toBeGreaterThan(2_000_000);
    expect(eventData(endless.body)).toHaveLength(21);
  });
});

describe("retry-after", () => {
  test.each([
    ["fault-429", "1"],
    ["fault-429@retry_after=none", undefined],
    ["fault-429@retry_after=7", "7"],
    ["fault-429@retry_after=absurd", "315360000"],
    ["fault-429@retry_after=garbage", "soon"],
    ["fault-429@retry_after=date", "Tue, 14 Nov 2023 22:13:22 GMT"],
  ])("of %s is %s", async (model, value) => {
    const sandbox = await start({ runtime: new VirtualRuntime() });
    const seen = await call(sandbox.url, { body: chat(model) });
    expect(seen.status).toBe(429);
    expect(seen.headers["retry-after"]).toBe(value);
  });
});
