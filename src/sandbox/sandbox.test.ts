import { Pool } from "undici";
import { afterEach, describe, expect, test } from "vitest";
import { realRuntime } from "../runtime/real.ts";
import { VirtualRuntime } from "../runtime/virtual.ts";
import { type Sandbox, type SandboxOptions, startSandbox, storyTokens } from "./index.ts";
import { call, chat, textOf } from "./test-client.ts";

const running: Sandbox[] = [];

async function start(options: Partial<SandboxOptions> = {}): Promise<Sandbox> {
  const sandbox = await startSandbox({ runtime: realRuntime(), tokenDelayMs: 0, ...options });
  running.push(sandbox);
  return sandbox;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((sandbox) => sandbox.close()));
});

describe("memory", () => {
  const statuses = async (sandbox: Sandbox, model: string, times: number) => {
    const seen: (number | undefined)[] = [];
    for (let i = 0; i < times; i++) seen.push((await call(sandbox.url, { body: chat(model) })).status);
    return seen;
  };

  test("of a fault with times is its own per model id, and reset forgets it", async () => {
    const sandbox = await start();
    expect(await statuses(sandbox, "fault-500-once", 3)).toEqual([500, 200, 200]);
    expect(await statuses(sandbox, "fault-500-once@id=other", 2)).toEqual([500, 200]);
    expect(await statuses(sandbox, "fault-503@times=2", 3)).toEqual([503, 503, 200]);
    sandbox.books.reset();
    expect(await statuses(sandbox, "fault-500-once", 2)).toEqual([500, 200]);
  });

  test("of fault-flap ends a minute after its first request", async () => {
    const runtime = new VirtualRuntime();
    const sandbox = await start({ runtime });
    expect(await statuses(sandbox, "fault-flap", 2)).toEqual([503, 503]);
    await runtime.advance(59_999);
    expect(await statuses(sandbox, "fault-flap", 1)).toEqual([503]);
    await runtime.advance(1);
    expect(await statuses(sandbox, "fault-flap", 2)).toEqual([200, 200]);
  });

  test("of a fault with percent repeats with the seed", async () => {
    const runs = [await start({ seed: 7 }), await start({ seed: 7 }), await start({ seed: 8 })];
    const [first, same, other] = await Promise.all(
      runs.map((sandbox) => statuses(sandbox, "fault-500@percent=50", 40)),
    );
    expect(first).toEqual(same);
    expect(first).not.toEqual(other);
    expect(new Set(first)).toEqual(new Set([200, 500]));
  });
});

describe("time", () => {
  test("passes only in the runtime: fault-slow-first-token speaks after 20 s, then keeps its pace", async () => {
    const runtime = new VirtualRuntime();
    const sandbox = await start({ runtime, tokenDelayMs: 20 });
    let text = "";
    const seen = call(sandbox.url, {
      body: chat("fault-slow-first-token@tokens=3", { stream: true }),
      onPart: (body) => (text = textOf(body)),
    });
    await sandbox.books.until(({ attempts }) => (attempts[0]?.bytesSent ?? 0) > 0);
    await runtime.advance(19_999);
    expect([text, sandbox.books.totals.tokensSent]).toEqual(["", 0]);
    await runtime.advance(1);
    expect(sandbox.books.totals.tokensSent).toBe(1);
    await runtime.advance(20);
    expect(sandbox.books.totals.tokensSent).toBe(2);
    await runtime.advance(20);
    expect(textOf((await seen).body)).toBe(storyTokens(3).join(""));
    expect(sandbox.books.attempts).toMatchObject([{ ended: "completed", startedAtMs: 0, endedAtMs: 20_040 }]);
  });

  test("of a client that leaves is booked, and no timer outlives it", async () => {
    const runtime = new VirtualRuntime();
    const sandbox = await start({ runtime });
    let leave = (): void => undefined;
    const seen = call(sandbox.url, {
      body: chat("fault-slow-first-token", { stream: true }),
      onStart: (request) => (leave = () => request.destroy()),
    });
    await sandbox.books.until(({ attempts }) => (attempts[0]?.bytesSent ?? 0) > 0);
    await runtime.advance(5_000);
    expect(runtime.pendingTimers).toBe(1);
    leave();
    await sandbox.books.until(({ totals }) => totals.running === 0);
    expect(sandbox.books.attempts).toMatchObject([{ ended: "client_closed", endedAtMs: 5_000, tokensSent: 0 }]);
    expect(sandbox.books.totals).toMatchObject({ completed: 0, cut: 0, clientClosed: 1 });
    await seen;
    await runtime.advance(0);
    expect(runtime.pendingTimers).toBe(0);
  });

  test.each([
    ["fault-stall-pings", ": keep-alive\n\n".length],
    ["fault-slow-body", 1],
  ])("of %s goes on for ever, %i bytes a second", async (model, bytes) => {
    const runtime = new VirtualRuntime();
    const sandbox = await start({ runtime });
    const seen = call(sandbox.url, { body: chat(model, { stream: true }) });
    await sandbox.books.until((books) => books.of(model)[0]?.tokensSent === 20);
    const sent = sandbox.books.of(model)[0]?.bytesSent ?? 0;
    await runtime.advance(5_000);
    expect(sandbox.books.of(model)[0]?.bytesSent).toBe(sent + 5 * bytes);
    await sandbox.close();
    expect((await seen).whole).toBe(false);
    running.length = 0;
  });
});

describe("close", () => {
  test.each(["fault-silence", "fault-headers-then-silence", "fault-stall"])(
    "ends a client that waits for %s",
    async (model) => {
      const sandbox = await start();
      const seen = call(sandbox.url, { body: chat(model, { stream: true }) });
      await sandbox.books.until((books) => books.of(model).length === 1);
      await sandbox.close();
      expect((await seen).whole).toBe(false);
      expect(sandbox.books.attempts).toMatchObject([{ ended: "cut" }]);
      expect(sandbox.books.connections).toEqual({ open: 0, opened: 1 });
      running.length = 0;
    },
  );
});

describe("books", () => {
  test("are served to other processes and can be reset by them", async () => {
    const sandbox = await start();
    await call(sandbox.url, { body: chat("echo", {}, "one two three") });
    await call(sandbox.url, { body: "not json" });
    const read = async () => {
      const seen = await call(sandbox.url, { method: "GET", path: "/sandbox/books" });
      return JSON.parse(seen.body.toString()) as { totals: object; attempts: object[] };
    };
    expect(await read()).toMatchObject({
      totals: { attempts: 2, completed: 2, running: 0, tokensSent: 3 },
      attempts: [
        {
          number: 1,
          format: "openai-chat",
          model: "echo",
          stream: false,
          status: 200,
          tokensSent: 3,
          ended: "completed",
        },
        { number: 2, model: "", status: 400, tokensSent: 0, ended: "completed" },
      ],
    });
    expect((await call(sandbox.url, { method: "DELETE", path: "/sandbox/books" })).status).toBe(204);
    expect(await read()).toMatchObject({ totals: { attempts: 0, tokensSent: 0 }, attempts: [] });
  });

  test("count connections, not requests", async () => {
    const sandbox = await start();
    const pool = new Pool(sandbox.url, { connections: 1 });
    for (let i = 0; i < 3; i++) {
      const headers = { authorization: "Bearer k", "content-type": "application/json" };
      const reply = await pool.request({
        method: "POST",
        path: "/v1/chat/completions",
        headers,
        body: JSON.stringify(chat("echo")),
      });
      await reply.body.dump();
    }
    expect(sandbox.books.connections).toEqual({ open: 1, opened: 1 });
    expect(sandbox.books.totals.completed).toBe(3);
    await pool.destroy();
  });

  test("list the models with their settings at /sandbox/models", async () => {
    const seen = await call((await start()).url, { method: "GET", path: "/sandbox/models" });
    const { models } = JSON.parse(seen.body.toString()) as { models: { name: string; settings: object }[] };
    expect(models.find((model) => model.name === "fault-stall")?.settings).toMatchObject({ after: 20, delay_ms: 20 });
  });
});

test("startSandbox rejects when the port is taken", async () => {
  const { port } = await start();
  await expect(startSandbox({ runtime: realRuntime(), port })).rejects.toThrow(/EADDRINUSE/);
});
