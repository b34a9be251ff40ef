import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { renewedKey } from "./renewed-key.ts";

beforeEach(() => vi.useFakeTimers({ now: 1_790_000_000_000 }));
afterEach(() => vi.useRealTimers());

test("asks once for calls at once, and again before the key ends", async () => {
  let asked = 0;
  const key = renewedKey(async () => ({
    text: `key-${++asked}`,
    expiresAt: new Date(Date.now() + 60_000).toISOString(),
  }));
  expect(await Promise.all([key(), key(), key()])).toEqual(["key-1", "key-1", "key-1"]);
  vi.advanceTimersByTime(30_000);
  expect(await key()).toBe("key-1");
  vi.advanceTimersByTime(1);
  expect(await key()).toBe("key-2");
});

test("fails with what the question failed with, and asks again", async () => {
  let asked = 0;
  const key = renewedKey(async () => {
    asked += 1;
    if (asked === 1) throw new Error("away");
    return { text: "key", expiresAt: new Date(Date.now() + 60_000) };
  });
  await expect(Promise.all([key(), key()])).rejects.toThrow("away");
  expect([await key(), asked]).toEqual(["key", 2]);
});
