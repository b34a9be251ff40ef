import { expect, test } from "vitest";
import { PROVIDER_ENTRIES } from "../src/providers/entries/index.ts";
import { startGateway } from "./support/gateway.ts";

test("ModelService says of a model of each kind whether recordings prove its translation", async () => {
  const entries = [...PROVIDER_ENTRIES.values()].filter(({ kind }) => kind !== "sandbox");
  const providers = entries.map(({ kind, auth, tokens, baseUrl }) => {
    const credential = auth.kind === "none" && tokens ? "access_token: t, project: p" : "api_key: a-provider-key";
    const address = baseUrl === undefined ? ', base_url: "http://127.0.0.1:9"' : "";
    return `  ${kind}: { kind: ${kind}, ${credential}${address} }`;
  });
  const gateway = await startGateway({
    yaml: ["version: 1", "sandbox: true", "providers:", ...providers, ""].join("\n"),
  });
  try {
    const told = await Promise.all(
      entries.map(async ({ kind }) => {
        const response = await fetch(`${gateway.url}/parley.v1.ModelService/GetModel`, {
          method: "POST",
          headers: { authorization: `Bearer ${gateway.adminKey}`, "content-type": "application/json" },
          body: JSON.stringify({ name: `${kind}/any-model` }),
        });
        const { model } = (await response.json()) as { model?: { verification?: string } };
        return [kind, model?.verification];
      }),
    );
    const expected = entries.map(({ kind, verified }) => [
      kind,
      verified === "none" ? "VERIFICATION_NONE" : "VERIFICATION_RECORDED",
    ]);
    expect(told).toEqual(expected);
    expect(expected.map(([, word]) => word)).toContain("VERIFICATION_NONE");
  } finally {
    await gateway.close();
  }
});
