import { describe, expect, test } from "vitest";
import { UsageSource } from "../../contract/index.ts";
import { decodeUsage } from "./decode-usage.ts";
import type { ResponseUsage, ToolUsage } from "./wire.ts";

function usageOf(wire: ResponseUsage, tools?: ToolUsage, items: Record<string, number> = {}): Record<string, unknown> {
  const usage = decodeUsage(wire, tools, new Map(Object.entries(items)), UsageSource.REPORTED);
  const writes = usage.cacheWrites.map(({ ttlSeconds, tokens }) => [ttlSeconds, tokens]);
  return { ...usage, cacheWrites: writes, meters: usage.meters.map(({ unit, quantity }) => `${quantity} ${unit}`) };
}

describe("decodeUsage", () => {
  test("decodeUsage divides tokens into buckets that add up to the total", () => {
    expect(
      usageOf({
        input_tokens: 100,
        input_tokens_details: { cached_tokens: 30, cache_write_tokens: 20 },
        output_tokens: 50,
        output_tokens_details: { reasoning_tokens: 40 },
        total_tokens: 150,
      }),
    ).toMatchObject({
      inputTokens: 50,
      cacheReadTokens: 30,
      cacheWrites: [[undefined, 20]],
      outputTokens: 10,
      reasoningTokens: 40,
      reportedTotalTokens: 150,
      balanced: true,
      source: UsageSource.REPORTED,
    });
  });

  test.each([
    [{ ttl_30m_tokens: 5, ttl_12h_tokens: 0 }, 5, [[1800, 5]]],
    [
      { ttl_30m_tokens: 5, ttl_12h_tokens: 7 },
      15,
      [
        [1800, 5],
        [43_200, 7],
        [undefined, 3],
      ],
    ],
    [null, 0, []],
  ])(
    "decodeUsage divides cache writes by lifetime: %j of %i",
    (cache_write_tokens_details, cache_write_tokens, expected) => {
      const details = { cached_tokens: 0, cache_write_tokens, cache_write_tokens_details };
      expect(usageOf({ input_tokens: 20, input_tokens_details: details })["cacheWrites"]).toEqual(expected);
    },
  );

  test("decodeUsage sees by the total that a vendor counts reasoning apart", () => {
    const wire = { input_tokens: 10, output_tokens: 5, output_tokens_details: { reasoning_tokens: 7 } };
    expect(usageOf({ ...wire, total_tokens: 22 })).toMatchObject({
      outputTokens: 5,
      reasoningTokens: 7,
      balanced: true,
    });
    const inclusive = { ...wire, output_tokens: 12, total_tokens: 22 };
    expect(usageOf(inclusive)).toMatchObject({ outputTokens: 5, reasoningTokens: 7, balanced: true });
  });

  test("decodeUsage says that figures do not add up", () => {
    expect(usageOf({ input_tokens: 1, output_tokens: 1, total_tokens: 5 })).toMatchObject({ balanced: false });
    const cached = { input_tokens: 1, input_tokens_details: { cached_tokens: 4 }, output_tokens: 0, total_tokens: 1 };
    expect(usageOf(cached)).toMatchObject({ inputTokens: 0, cacheReadTokens: 4, balanced: false });
  });

  test("decodeUsage knows nothing of what is not told, and believes no nonsense", () => {
    const usage = usageOf({ input_tokens: -1, output_tokens: "5" as never, total_tokens: null });
    expect(usage).not.toHaveProperty("inputTokens", -1);
    expect(usage["inputTokens"]).toBeUndefined();
    expect(usage["outputTokens"]).toBeUndefined();
    expect(usage["balanced"]).toBe(true);
  });

  test.each<[Parameters<typeof usageOf>, string[]]>([
    [[{}, { web_search: { num_requests: 2 } }, { web_search_call: 5 }], ["2 web_search_requests"]],
    [
      [{}, undefined, { web_search_call: 5, file_search_call: 1 }],
      ["5 web_search_requests", "1 file_search_requests"],
    ],
    [
      [{}, { image_gen: { input_tokens: 9, output_tokens: 8 } }],
      ["9 image_generation_input_tokens", "8 image_generation_output_tokens"],
    ],
    [
      [
        {
          server_side_tool_usage_details: { web_search_calls: 2, x_search_calls: 1, mcp_calls: 0 },
          num_sources_used: 3,
        },
        undefined,
        { web_search_call: 9 },
      ],
      ["2 web_search_requests", "3 search_sources", "1 x_search_requests"],
    ],
  ])("decodeUsage meters %j as %j", (args, expected) => {
    expect(usageOf(...args)["meters"]).toEqual(expected);
  });
});
