import { describe, expect, test } from "vitest";
import { realRuntime } from "../runtime/real.ts";
import type { AnyRequest, AnyResponse } from "./exchange.ts";
import type { ListenOptions } from "./listen-options.ts";
import { h1Request, h2Request, session, starter } from "./test-clients.ts";
import { RawClient, write } from "./test-support.ts";

const start = starter(realRuntime());

describe("drain", () => {
  interface Streaming {
    readonly responses: AnyResponse[];
    readonly next: () => Promise<void>;
    readonly handlers: ListenOptions["handlers"];
  }

  function streaming(): Streaming {
    const responses: AnyResponse[] = [];
    const begun: (() => void)[] = [];
    const openai = (_request: AnyRequest, response: AnyResponse): void => {
      write(response, "begun ");
      responses.push(response);
      begun.shift()?.();
    };
    const next = (): Promise<void> => new Promise((resolve) => begun.push(resolve));
    return { responses, next, handlers: { openai, connect: () => undefined, ops: () => false } };
  }

  test("cuts no live stream on HTTP/1.1 or HTTP/2 and then closes the port", async () => {
    const { responses, next, handlers } = streaming();
    const listener = await start({ handlers });
    let begun = next();
    const h1 = h1Request(listener, "/v1/x");
    await begun;
    begun = next();
    const client = session(listener);
    const goaway = new Promise((resolve) => client.once("goaway", resolve));
    const h2 = h2Request(client, { ":path": "/v1/x" });
    await begun;
    const idle = new RawClient(listener.port);
    idle.write("GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n");
    await idle.until("404");

    const drained = listener.drain();
    expect(listener.draining).toBe(true);
    await goaway;
    await idle.closed;
    await expect(h1Request(listener, "/v1/x")).rejects.toThrow("fetch failed");
    for (const response of responses) {
      write(response, "still ");
      response.end("whole");
    }
    expect((await h1).body).toBe("begun still whole");
    expect((await h2).body).toBe("begun still whole");
    await drained;
    await expect.poll(() => listener.connections).toBe(0);
  });

  test("accepts and answers for acceptMs after it began, already not ready", async () => {
    const listener = await start({ drain: { acceptMs: 50, graceMs: 1000 } });
    const drained = listener.drain();
    expect((await h1Request(listener, "/v1/models")).body).toBe("openai");
    await drained;
    await expect(h1Request(listener, "/v1/models")).rejects.toThrow("fetch failed");
  });

  test("calls onGraceExpired when the grace is over and lets streams end typed", async () => {
    const { responses, next, handlers } = streaming();
    const listener = await start({
      handlers,
      drain: { acceptMs: 0, graceMs: 30 },
      onGraceExpired: () => responses.forEach((response) => response.end("typed end")),
    });
    const begun = next();
    const answer = h1Request(listener, "/v1/x");
    await begun;
    await listener.drain();
    expect((await answer).body).toBe("begun typed end");
  });

  test("hasten goes straight to the end of the grace", async () => {
    const { responses, next, handlers } = streaming();
    const listener = await start({
      handlers,
      drain: { acceptMs: 60_000, graceMs: 60_000 },
      onGraceExpired: () => responses.forEach((response) => response.end("typed end")),
    });
    const begun = next();
    const answer = h1Request(listener, "/v1/x");
    await begun;
    const drained = listener.drain();
    listener.hasten();
    await drained;
    expect((await answer).body).toBe("begun typed end");
  });

  test("tells an HTTP/1.1 client whose answer has not begun that its connection closes", async () => {
    const waiting = Promise.withResolvers<AnyResponse>();
    const listener = await start({
      handlers: {
        openai: (_request, response) => waiting.resolve(response),
        connect: () => undefined,
        ops: () => false,
      },
    });
    const answer = h1Request(listener, "/v1/x");
    const response = await waiting.promise;
    const drained = listener.drain();
    await expect.poll(() => response.getHeader("connection")).toBe("close");
    response.end("late");
    expect((await answer).headers["connection"]).toBe("close");
    await drained;
  });
});
