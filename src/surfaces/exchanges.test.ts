import { describe, expect, test } from "vitest";
import { realRuntime } from "../runtime/real.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { starter } from "./test-clients.ts";
import { frame, getX, preface } from "./test-frames.ts";
import { RawClient } from "./test-support.ts";

/** The real runtime, which tells the delays of the timers that run. */
function watchedRuntime(): Runtime & { readonly delaysMs: () => number[] } {
  const runtime = realRuntime();
  const running = new Map<object, number>();
  return {
    ...runtime,
    delaysMs: () => [...running.values()],
    setTimer(delayMs, callback) {
      const id = {};
      running.set(id, delayMs);
      const timer = runtime.setTimer(delayMs, () => {
        running.delete(id);
        callback();
      });
      return {
        cancel() {
          running.delete(id);
          timer.cancel();
        },
      };
    },
  };
}

const FLUSH_MS = 77_777;
const HALF = "POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf";

describe("an answer that comes before its request is whole", () => {
  test("is the only one on HTTP/1.1, and its timer goes with the client", async () => {
    const runtime = watchedRuntime();
    const start = starter(runtime);
    const listener = await start({ timeouts: { clientHeadersMs: 5000, clientBodyMs: 5000, flushMs: FLUSH_MS } });
    const raw = new RawClient(listener.port);
    raw.write(HALF);
    await raw.until("openai");
    await expect.poll(() => runtime.delaysMs()).toContain(FLUSH_MS);
    raw.socket.destroy();
    await expect.poll(() => runtime.delaysMs()).not.toContain(FLUSH_MS);
  });

  test("is followed by none about the rest of the request that never came", async () => {
    const start = starter(realRuntime());
    const listener = await start({ timeouts: { clientHeadersMs: 50, clientBodyMs: 50 } });
    const raw = new RawClient(listener.port);
    raw.write(HALF);
    const received = await raw.closed;
    expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200"]);
  });

  test("leaves the connection to the next request once the rest has come", async () => {
    const runtime = watchedRuntime();
    const start = starter(runtime);
    const listener = await start({ timeouts: { clientHeadersMs: 5000, clientBodyMs: 5000, flushMs: FLUSH_MS } });
    const raw = new RawClient(listener.port);
    raw.write(HALF);
    await raw.until("openai");
    raw.write("x".repeat(96));
    await expect.poll(() => runtime.delaysMs()).not.toContain(FLUSH_MS);
    raw.write("rubbish\r\n\r\n");
    expect(await raw.closed).toMatch(/HTTP\/1\.1 200 .*HTTP\/1\.1 400 /s);
  });

  test("closes its stream on HTTP/2", async () => {
    const start = starter(realRuntime());
    const listener = await start();
    const raw = new RawClient(listener.port);
    raw.write(Buffer.concat([preface(), frame(1, 4, 1, getX())]));
    await raw.until(frame(3, 0, 1, Buffer.alloc(4)).toString("latin1"));
    expect(raw.received).toContain("openai");
    await expect.poll(() => listener.runningRequests).toBe(0);
    raw.socket.destroy();
  });
});
