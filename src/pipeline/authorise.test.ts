import { describe, expect, test } from "vitest";
import { ErrorReason } from "../contract/index.ts";
import { openaiChat } from "../dialects/openai-chat/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { PreparedCall } from "../providers/adapter.ts";
import { VirtualRuntime } from "../runtime/virtual.ts";
import { authorise } from "./authorise.ts";

function setUp(fetchHeaders: PreparedCall["authorise"], deadlineIsCallers = false) {
  const runtime = new VirtualRuntime();
  const caller = new AbortController();
  const prepared: PreparedCall = {
    dialect: openaiChat,
    target: { provider: "p", model: "m", region: undefined, facts: { capabilities: {}, quirks: [] } },
    http: { origin: "http://p.test", path: "/", method: "POST", headers: { accept: "x" }, body: "" },
    authorise: fetchHeaders,
    refused: () => undefined,
    credentialId: "p#1",
    adaptations: [],
  };
  const result = authorise(prepared, { runtime, signal: caller.signal, remainingMs: 1_000, deadlineIsCallers });
  return { runtime, caller, prepared, result };
}

const never = (): Promise<never> => new Promise(() => undefined);

describe("authorise", () => {
  test("adds the headers that had to be fetched, and leaves a call alone that has them", async () => {
    const { runtime, result } = setUp(() => Promise.resolve({ authorization: "Bearer t" }));
    await expect(result).resolves.toMatchObject({ http: { headers: { accept: "x", authorization: "Bearer t" } } });
    expect(runtime.pendingTimers).toBe(0);
    const ready = setUp(undefined);
    await expect(ready.result).resolves.toBe(ready.prepared);
  });

  test("tells why the headers could not be had", async () => {
    const failure = new ParleyError("PROVIDER_CREDENTIAL", "Cannot get an access token");
    const { runtime, result } = setUp(() => Promise.reject(failure));
    await expect(result).rejects.toBe(failure);
    expect(runtime.pendingTimers).toBe(0);
  });

  test("stops waiting when the caller leaves", async () => {
    const left = setUp(never);
    left.caller.abort(new ParleyError("CANCELLED", "The caller has left"));
    await expect(left.result).rejects.toMatchObject({ reason: ErrorReason.CANCELLED });
    expect(left.runtime.pendingTimers).toBe(0);
  });

  test.each([
    [true, ErrorReason.DEADLINE_EXCEEDED],
    [false, ErrorReason.PROVIDER_TIMEOUT],
  ])(
    "stops waiting at the deadline, where the caller has set it (%s) with the caller's own error",
    async (own, reason) => {
      const late = setUp(never, own);
      const failed = late.result.catch((error: unknown) => error);
      await late.runtime.advance(1_000);
      await expect(failed).resolves.toMatchObject({ reason });
    },
  );
});
