import { createClient } from "@connectrpc/connect";
import { ModelKind, ModelService, type Model } from "../contract/index.ts";
import type { Command } from "./command.ts";
import { callFailure, CLIENT_FLAGS, connectToGateway } from "./gateway-client.ts";

const PAGE_SIZE = 1000;
const MAX_PAGES = 100;

/** `models`: what requests can name. */
export const modelsCommand: Command = {
  usage: "models",
  summary: "List the models and routes of a running gateway that the key may use.",
  flags: { provider: "only models of this provider", ...CLIENT_FLAGS },
  counts: [0, 0],
  async run(input, context) {
    const { url, transport } = connectToGateway(input, context);
    const client = createClient(ModelService, transport);
    const provider = input.flags.get("provider") ?? "";
    const models: Model[] = [];
    let pageToken = "";
    try {
      for (let page = 0; page < MAX_PAGES; page++) {
        const answer = await client.listModels({ pageSize: PAGE_SIZE, pageToken, provider });
        models.push(...answer.models);
        pageToken = answer.nextPageToken;
        if (pageToken === "") break;
      }
    } catch (error) {
      throw callFailure("list the models", error, url);
    }
    const rows = models.map(rowOf);
    const widths = [0, 1].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
    for (const row of rows) {
      context.stdout.write(
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
      );
    }
    if (rows.length === 0) context.stderr.write("There is no model that the key may use\n");
  },
};

function rowOf(model: Model): [name: string, kind: string, details: string] {
  if (model.kind === ModelKind.ROUTE) return [model.name, "route", model.targets.join(" then ")];
  const details = [
    model.displayName,
    model.contextTokens === undefined ? "" : `${model.contextTokens} tokens of context`,
    priceText(model),
  ];
  return [model.name, "model", details.filter((detail) => detail !== "").join(", ")];
}

function priceText(model: Model): string {
  const price = (unit: string): string | undefined => {
    const plain = model.prices.find(
      (one) => one.unit === unit && one.aboveInputTokens === undefined && !one.serviceTier,
    );
    return plain && usdText(plain.nanoUsd);
  };
  const [input, output] = [price("input"), price("output")];
  return input === undefined || output === undefined ? "" : `${input} in and ${output} out per million tokens`;
}

/** Nano-USD as dollars, exactly: `$0.25`. */
export function usdText(nanoUsd: bigint): string {
  const digits = nanoUsd.toString().padStart(10, "0");
  const fraction = digits.slice(-9).replace(/0+$/, "");
  return `$${digits.slice(0, -9)}${fraction === "" ? "" : `.${fraction.padEnd(2, "0")}`}`;
}
