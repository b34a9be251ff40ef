import { expect, test } from "vitest";
import { VirtualRuntime } from "../../runtime/virtual.ts";
import { isMadeKey, keyIdOf, makeKey } from "./key-format.ts";

const key = makeKey(new VirtualRuntime());

test("makeKey() gives parley_<id>_<secret> with 256 random bits, and never the same", () => {
  expect(key).toMatch(/^parley_[0-9a-f]{12}_[0-9a-f]{72}$/);
  const runtime = new VirtualRuntime();
  expect(new Set(Array.from({ length: 1000 }, () => makeKey(runtime))).size).toBe(1000);
  expect(isMadeKey(key)).toBe(true);
  expect(keyIdOf(key)).toBe(key.split("_")[1]);
});

test("isMadeKey() refuses a key with any one character changed, lost or added", () => {
  for (let at = 0; at < key.length; at++) {
    const other = key[at] === "0" ? "1" : "0";
    expect(isMadeKey(key.slice(0, at) + other + key.slice(at + 1))).toBe(false);
    expect(isMadeKey(key.slice(0, at) + key.slice(at + 1))).toBe(false);
    expect(isMadeKey(`${key.slice(0, at)}a${key.slice(at)}`)).toBe(false);
  }
  for (const text of ["", "parley_", `${key}\n`, ` ${key}`, key.toUpperCase(), "x".repeat(100_000)]) {
    expect(isMadeKey(text)).toBe(false);
  }
});
