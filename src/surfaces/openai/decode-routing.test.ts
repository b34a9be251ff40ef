import { describe, expect, test } from "vitest";
import { USER, decode, decoded } from "./decode.fixture.ts";

describe("decodeRequest: extensions", () => {
  test("takes fallbacks from models, with the first for the model where none is named", () => {
    const { request } = decode({ models: ["a/b", "c/d"], messages: [USER] });
    expect([request.model, request.routing?.fallbackModels]).toEqual(["a/b", ["c/d"]]);
    expect(decoded({ models: ["m", "c/d"] })["routing"]).toEqual({ fallback_models: ["c/d"] });
    expect(decoded({ models: ["c/d"] })["routing"]).toEqual({ fallback_models: ["c/d"] });
  });

  test("decodes provider as OpenRouter has it", () => {
    const provider = {
      order: ["a", "b"],
      only: ["a", "b", "c"],
      ignore: ["d"],
      allow_fallbacks: false,
      require_parameters: true,
      data_collection: "deny",
      zdr: true,
      max_price: { prompt: 0.1, completion: "2.5" },
      sort: "price",
    };
    expect(decoded({ provider })["routing"]).toEqual({
      provider_order: ["a", "b"],
      allow_fallbacks: false,
      rank_by: "RANK_BY_PRICE",
      constraints: {
        allow_providers: ["a", "b", "c"],
        deny_providers: ["d"],
        zero_retention: true,
        no_training: true,
        require_parameters: true,
        max_input_nano_usd_per_million_tokens: "100000000",
        max_output_nano_usd_per_million_tokens: "2500000000",
      },
    });
    expect(decoded({ provider: { sort: { by: "latency" } } })["routing"]).toEqual({ rank_by: "RANK_BY_LATENCY" });
    const loose = { data_collection: "allow", zdr: false, require_parameters: false };
    expect(decoded({ provider: loose })["routing"]).toBeUndefined();
  });

  test("decodes parley", () => {
    const parley = {
      constraints: {
        regions: ["eu"],
        allow_providers: ["a"],
        deny_providers: ["b"],
        zero_retention: true,
        no_training: false,
        required_capabilities: ["tools"],
        require_parameters: true,
        max_input_nano_usd_per_million_tokens: 5,
        max_output_nano_usd_per_million_tokens: "6",
        max_first_content_p95_ms: 700,
      },
      task: "summarise",
      priority: "batch",
      on_refusal: "next_target",
      delivery: "auto",
      on_disconnect: "finish",
      tags: { team: "x" },
      max_attempts: 2,
      raw_params: { house: { beam: 2 } },
    };
    expect(decoded({ parley })).toMatchObject({
      routing: {
        max_attempts: 2,
        constraints: {
          regions: ["eu"],
          allow_providers: ["a"],
          deny_providers: ["b"],
          zero_retention: true,
          no_training: false,
          required_capabilities: ["tools"],
          require_parameters: true,
          max_input_nano_usd_per_million_tokens: "5",
          max_output_nano_usd_per_million_tokens: "6",
          max_first_content_p95_ms: 700,
        },
        task: "summarise",
        priority: "PRIORITY_BATCH",
      },
      on_refusal: "ON_REFUSAL_NEXT_TARGET",
      delivery: "DELIVERY_AUTO",
      on_disconnect: "ON_DISCONNECT_FINISH",
      tags: { team: "x" },
      raw_params: [{ provider: "house", json: '{"beam":2}' }],
    });
  });
});
