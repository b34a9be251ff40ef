import { expect, test } from "vitest";
import { VirtualRuntime } from "../runtime/virtual.ts";
import { createStateVault } from "./state-vault.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const limits = { timeToLiveMs: 1_000, maxEntries: 3, maxBytes: 1_000 };

test("createStateVault gives back what was put, byte for byte, as often as asked", () => {
  const vault = createStateVault(new VirtualRuntime(), limits);
  vault.put("key", "call_1", bytes("signature"));
  expect(vault.get("key", "call_1")).toEqual(Buffer.from("signature"));
  expect(vault.get("key", "call_1")).toEqual(Buffer.from("signature"));
});

test("createStateVault shows nothing to another key, whatever ids it tries", () => {
  const vault = createStateVault(new VirtualRuntime(), limits);
  vault.put("key", "call_1", bytes("signature"));
  expect(vault.get("other", "call_1")).toBeUndefined();
  expect(vault.get("ke", "y\u0000call_1")).toBeUndefined();
});

test("createStateVault forgets in time", async () => {
  const runtime = new VirtualRuntime();
  const vault = createStateVault(runtime, limits);
  vault.put("key", "call_1", bytes("signature"));
  await runtime.advance(999);
  expect(vault.get("key", "call_1")).toBeDefined();
  await runtime.advance(1);
  expect(vault.get("key", "call_1")).toBeUndefined();
});

test("createStateVault pushes the oldest out when it is full, by number and by size", () => {
  const vault = createStateVault(new VirtualRuntime(), limits);
  for (const id of ["a", "b", "c", "d"]) vault.put("key", id, bytes(id));
  expect(["a", "b", "c", "d"].map((id) => vault.get("key", id) !== undefined)).toEqual([false, true, true, true]);
  vault.put("key", "large", bytes("x".repeat(900)));
  expect(vault.get("key", "large")).toBeDefined();
  expect(vault.get("key", "b")).toBeUndefined();
  vault.put("key", "too large", bytes("x".repeat(2_000)));
  expect(vault.get("key", "too large")).toBeUndefined();
});
