import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startGateway, type TestGateway } from "./support/gateway.ts";
import { REASONING_VENDORS, startReasoningVendor } from "./support/reasoning-vendors/index.ts";
import { TURNS } from "./support/reasoning-vendors/vendor.ts";
import type { ScriptedUpstream } from "./support/scripted-upstream.ts";
import { SHIM_CLIENTS } from "./support/shim-clients/index.ts";

// Clients of chat completions drop what they do not know, signatures among it; the provider refuses a turn that lacks
// them. Between the two stands the vault: each turn goes out with the very states that the earlier ones came with.

const [first, second, third] = TURNS.map(({ state }) => state);

describe.each(REASONING_VENDORS.map((vendor) => [vendor.kind, vendor] as const))(
  "a tool loop with a reasoning model of %s",
  (kind, vendor) => {
    let upstream: ScriptedUpstream;
    let gateway: TestGateway;

    beforeAll(async () => {
      upstream = await startReasoningVendor(vendor);
      const provider = `{ kind: ${kind}, ${vendor.settings}base_url: "${upstream.url}", api_key: a-provider-key-1234 }`;
      gateway = await startGateway({ yaml: `version: 1\nsandbox: true\nproviders:\n  vendor: ${provider}\n` });
    });

    afterAll(async () => {
      await gateway.close();
      await upstream[Symbol.asyncDispose]();
    });

    test.for(
      SHIM_CLIENTS.flatMap((client) => [false, true].map((streamed) => ({ client, name: client.name, streamed }))),
    )("goes on with its states through $name (streamed: $streamed)", async ({ client, streamed }) => {
      upstream.seen.length = 0;
      const call = { url: gateway.url, key: gateway.adminKey, model: `vendor/${vendor.model}` };
      const { text, cities } = await client.loop(call, streamed);
      expect({ text, cities }).toEqual({ text: "All are sunny.", cities: ["Paris", "Rome", "Oslo"] });
      expect(upstream.seen.map(({ path, body }) => [vendor.isStream(path, body), vendor.statesIn(body)])).toEqual([
        [streamed, []],
        [streamed, [first]],
        [streamed, [first, second]],
        [streamed, [first, second, third]],
      ]);
    });
  },
);
