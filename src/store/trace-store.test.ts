import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { TraceSchema } from "../contract/index.ts";
import { VirtualRuntime } from "../runtime/virtual.ts";
import { createTraceStore, type KeptTrace } from "./trace-store.ts";

const trace = (requestId: string, weight = 1): KeptTrace => ({
  requestId,
  weight,
  describe: () => create(TraceSchema, { requestId }),
});

test("a trace is kept for its time, with whose it is", async () => {
  const runtime = new VirtualRuntime();
  const store = createTraceStore(runtime, { timeToLiveMs: 1000, maxWeight: 10 });
  store.keep("key_a", trace("req_1"));
  await runtime.advance(999);
  expect(store.get("req_1")).toMatchObject({ keyId: "key_a", trace: { requestId: "req_1" } });
  expect(store.get("req_2")).toBeUndefined();
  await runtime.advance(1);
  expect(store.get("req_1")).toBeUndefined();
});

test("the oldest go when all together weigh too much, and what is too heavy alone is not kept", () => {
  const store = createTraceStore(new VirtualRuntime(), { timeToLiveMs: 1000, maxWeight: 10 });
  for (let index = 1; index <= 5; index++) store.keep("key_a", trace(`req_${index}`, 3));
  const kept = [1, 2, 3, 4, 5].filter((index) => store.get(`req_${index}`) !== undefined);
  expect(kept).toEqual([3, 4, 5]);
  store.keep("key_a", trace("req_heavy", 11));
  expect(store.get("req_heavy")).toBeUndefined();
  store.keep("key_a", trace("req_6", 10));
  expect(store.get("req_6")).toBeDefined();
});
