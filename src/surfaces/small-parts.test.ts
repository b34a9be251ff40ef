import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ChatRequestSchema } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import { originHeaders, usdText } from "./answer-headers.ts";
import { bearerIn } from "./exchange.ts";
import { InFlightBudget } from "./in-flight-budget.ts";
import { nestsDeeper } from "./json-depth.ts";
import { Readiness } from "./readiness.ts";
import { checkRequestSize } from "./request-size.ts";

describe("nestsDeeper", () => {
  test.each([
    ["[[1]]", 2, false],
    ["[[[1]]]", 2, true],
    ['{"a":"[[[[[["}', 1, false],
    ['{"a":"\\"[[[[[["}', 1, false],
    ['["\\\\",[[1]]]', 2, true],
    ["[[],[],[]]", 2, false],
  ])("%s at %d: %s", (json, maxDepth, deeper) => {
    expect(nestsDeeper(Buffer.from(json), maxDepth)).toBe(deeper);
  });
});

describe("usdText", () => {
  test.each([
    [0n, "0"],
    [1n, "0.000000001"],
    [420_000n, "0.00042"],
    [1_500_000_000n, "1.5"],
    [12_000_000_000n, "12"],
  ])("%s nano-USD are %s", (nano, text) => {
    expect(usdText(nano)).toBe(text);
  });
});

test("originHeaders keeps what no header may carry out, and each header at 1 KiB", () => {
  const headers = originHeaders({ provider: "hä\r\nx-evil: 1", model: "m".repeat(3000) } as never, []);
  expect(headers["x-parley-provider"]).toBe("h???x-evil: 1");
  expect(headers["x-parley-model"]).toHaveLength(1024);
});

test("bearerIn takes the key out of any spelling of Bearer and out of nothing else", () => {
  expect(bearerIn("Bearer abc")).toBe("abc");
  expect(bearerIn("bearer  abc ")).toBe("abc");
  expect(bearerIn("Basic abc")).toBeUndefined();
  expect(bearerIn(undefined)).toBeUndefined();
});

test("InFlightBudget takes what fits, nothing of what does not, and what comes back again", () => {
  const budget = new InFlightBudget(100);
  expect(budget.tryTake(60)).toBe(true);
  expect(budget.tryTake(41)).toBe(false);
  expect(budget.usedBytes).toBe(60);
  expect(budget.tryTake(40)).toBe(true);
  budget.give(100);
  expect(budget.usedBytes).toBe(0);
});

test("checkRequestSize lets only requests with media be larger than the plain limit", () => {
  const text = create(ChatRequestSchema, { messages: [{ parts: [{ kind: { case: "text", value: { text: "x" } } }] }] });
  const source = { case: "inline" as const, value: new Uint8Array(1) };
  const media = create(ChatRequestSchema, { messages: [{ parts: [{ kind: { case: "media", value: { source } } }] }] });
  expect(() => checkRequestSize(text, 100, { requestBytes: 100 })).not.toThrow();
  expect(() => checkRequestSize(media, 101, { requestBytes: 100 })).not.toThrow();
  expect(() => checkRequestSize(text, 101, { requestBytes: 100 })).toThrow(ParleyError);
});

test("Readiness tells each change once, and draining is final", () => {
  const readiness = new Readiness();
  const seen: string[] = [];
  const stop = readiness.subscribe((state) => seen.push(state));
  readiness.set("ready");
  readiness.set("ready");
  readiness.set("draining");
  readiness.set("ready");
  stop();
  expect(seen).toEqual(["ready", "draining"]);
  expect(readiness.state).toBe("draining");
});
