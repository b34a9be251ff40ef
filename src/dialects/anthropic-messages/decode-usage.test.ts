import { describe, expect, test } from "vitest";
import { UsageSource } from "../../contract/index.ts";
import { decodeUsage, mergeUsage, servedTier } from "./decode-usage.ts";
import type { ReceivedUsage } from "./wire.ts";

function seen(wire: ReceivedUsage): unknown {
  const usage = decodeUsage(wire, UsageSource.REPORTED);
  const writes = usage.cacheWrites.map(({ ttlSeconds, tokens }) => [ttlSeconds, tokens]);
  const meters = usage.meters.map(({ unit, quantity }) => [unit, quantity]);
  const { inputTokens, cacheReadTokens, outputTokens, reasoningTokens, reportedTotalTokens, balanced } = usage;
  return [[inputTokens, cacheReadTokens, outputTokens, reasoningTokens], writes, meters, reportedTotalTokens, balanced];
}

const compaction = {
  type: "compaction",
  input_tokens: 100,
  output_tokens: 80,
  cache_read_input_tokens: 50,
  cache_creation_input_tokens: 7,
};
const message = {
  type: "message",
  input_tokens: 10,
  output_tokens: 5,
  cache_read_input_tokens: 0,
  cache_creation_input_tokens: 0,
};
const advisor = { type: "advisor_message", model: "big", input_tokens: 300, output_tokens: 20 };

describe("decodeUsage", () => {
  test.each([
    ["nothing", {}, [[undefined, undefined, undefined, undefined], [], [], undefined, true]],
    [
      "the plain figures",
      { input_tokens: 3, output_tokens: 4 },
      [[3, undefined, 4, undefined], [], [], undefined, true],
    ],
    [
      "caches by lifetime beside an input that excludes them",
      {
        input_tokens: 1,
        output_tokens: 9,
        cache_read_input_tokens: 20,
        cache_creation_input_tokens: 30,
        cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
      },
      [
        [1, 20, 9, undefined],
        [
          [300, 10],
          [3600, 20],
        ],
        [],
        undefined,
        true,
      ],
    ],
    [
      "writes of an unknown lifetime",
      { cache_creation_input_tokens: 5 },
      [[undefined, undefined, undefined, undefined], [[undefined, 5]], [], undefined, true],
    ],
    [
      "writes beyond their division",
      { cache_creation_input_tokens: 9, cache_creation: { ephemeral_5m_input_tokens: 4 } },
      [
        [undefined, undefined, undefined, undefined],
        [
          [300, 4],
          [undefined, 5],
        ],
        [],
        undefined,
        true,
      ],
    ],
    [
      "writes short of their division",
      { cache_creation_input_tokens: 3, cache_creation: { ephemeral_5m_input_tokens: 4 } },
      [[undefined, undefined, undefined, undefined], [[undefined, 3]], [], undefined, true],
    ],
    [
      "reasoning apart from visible output",
      { output_tokens: 9, output_tokens_details: { thinking_tokens: 4 } },
      [[undefined, undefined, 5, 4], [], [], undefined, true],
    ],
    [
      "reasoning beyond the output as unbalanced",
      { output_tokens: 3, output_tokens_details: { thinking_tokens: 4 } },
      [[undefined, undefined, 0, 4], [], [], undefined, false],
    ],
    [
      "the fees of tools",
      { server_tool_use: { web_search_requests: 2, web_fetch_requests: 0, moon_requests: 1 } },
      [
        [undefined, undefined, undefined, undefined],
        [],
        [
          ["web_search_requests", 2],
          ["moon_requests", 1],
        ],
        undefined,
        true,
      ],
    ],
    [
      "a compaction that the figures leave out",
      { input_tokens: 10, output_tokens: 5, cache_read_input_tokens: 0, iterations: [compaction, message] },
      [[110, 50, 85, undefined], [[undefined, 7]], [], 252, true],
    ],
    [
      "another model's sampling apart, and the sum as unbalanced",
      { input_tokens: 10, output_tokens: 5, iterations: [message, advisor] },
      [
        [10, undefined, 5, undefined],
        [],
        [
          ["advisor_message_input_tokens", 300],
          ["advisor_message_output_tokens", 20],
        ],
        335,
        false,
      ],
    ],
    [
      "figures that are none as unknown",
      { input_tokens: -1, output_tokens: 1.5, iterations: "x" },
      [[undefined, undefined, undefined, undefined], [], [], undefined, true],
    ],
  ])("decodeUsage reads %s", (_story, wire, expected) => {
    expect(seen(wire as ReceivedUsage)).toEqual(expected);
  });

  test("mergeUsage keeps the lifetimes that only the beginning tells, and what null does not replace", () => {
    const start = {
      input_tokens: 1,
      output_tokens: 1,
      cache_creation_input_tokens: 8,
      cache_creation: { ephemeral_1h_input_tokens: 8 },
    };
    const merged = mergeUsage(start, { input_tokens: null, output_tokens: 20, cache_creation_input_tokens: 8 });
    expect(seen(merged)).toEqual([[1, undefined, 20, undefined], [[3600, 8]], [], undefined, true]);
  });

  test.each(["xyz", ["xyz"], 7])("mergeUsage takes no figures from %j, and no character of it for one", (odd) => {
    expect(mergeUsage({ input_tokens: 1 }, odd as ReceivedUsage)).toEqual({ input_tokens: 1 });
  });

  test("decodeUsage takes the lifetimes of a stream's later writes from its iterations", () => {
    const iterations = [
      { ...message, cache_creation_input_tokens: 6, cache_creation: { ephemeral_5m_input_tokens: 6 } },
    ];
    const wire = {
      input_tokens: 10,
      output_tokens: 5,
      cache_read_input_tokens: 0,
      cache_creation_input_tokens: 6,
      cache_creation: {},
      iterations,
    };
    expect(seen(wire)).toEqual([[10, 0, 5, undefined], [[300, 6]], [], 21, true]);
  });

  test.each([
    [{ service_tier: "priority" }, "priority"],
    [{ service_tier: "standard", speed: "fast" }, "fast"],
    [{ service_tier: null }, undefined],
  ])("servedTier of %j is %s", (wire, expected) => {
    expect(servedTier(wire)).toBe(expected);
  });
});
