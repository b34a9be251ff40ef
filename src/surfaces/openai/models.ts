import { ModelKind, Modality, Support, type Model, type Price } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import { credentialsOf, type AnyRequest } from "../exchange.ts";
import { enumWord } from "./enum-word.ts";
import type { OpenAiSurfaceOptions } from "./options.ts";
import { sendJson, type Reply } from "./reply.ts";

const PAGE_SIZE = 1000;

/** GET /v1/models: everything that the caller's key may name, routes first. */
export async function handleModelList(
  { gateway }: OpenAiSurfaceOptions,
  request: AnyRequest,
  reply: Reply,
): Promise<void> {
  const principal = await gateway.authenticate(credentialsOf(request), "models:read");
  const data: Record<string, unknown>[] = [];
  let pageToken = "";
  do {
    const page = gateway.models.list(principal, { pageSize: PAGE_SIZE, pageToken, provider: "" });
    data.push(...page.models.map(encodeModel));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  sendJson(reply, 200, { object: "list", data });
}

/** GET /v1/models/{id}; the id's slashes may be encoded or plain. */
export async function handleModel(
  { gateway }: OpenAiSurfaceOptions,
  request: AnyRequest,
  reply: Reply,
  encodedId: string,
): Promise<void> {
  const principal = await gateway.authenticate(credentialsOf(request), "models:read");
  sendJson(reply, 200, encodeModel(gateway.models.get(principal, decodeId(encodedId))));
}

function decodeId(encodedId: string): string {
  try {
    return decodeURIComponent(encodedId);
  } catch {
    throw new ParleyError("INVALID_REQUEST", "Cannot read the model's id: its percent-encoding is broken", {
      field: "model",
    });
  }
}

/** OpenAI's model object, with what else is known in `parley`. When a model was created is not known: 0. */
function encodeModel(model: Model): Record<string, unknown> {
  const { retiresAt } = model;
  return {
    id: model.name,
    object: "model",
    created: 0,
    owned_by: model.kind === ModelKind.ROUTE ? "parley" : model.provider,
    ...(retiresAt ? { shutdown_date: new Date(Number(retiresAt.seconds) * 1000).toISOString().slice(0, 10) } : {}),
    parley: {
      kind: model.kind === ModelKind.ROUTE ? "route" : "model",
      ...texts({ display_name: model.displayName, region: model.region, catalog_version: model.catalogVersion }),
      ...(model.contextTokens === undefined ? {} : { context_tokens: model.contextTokens }),
      ...(model.maxOutputTokens === undefined ? {} : { max_output_tokens: model.maxOutputTokens }),
      ...lists({
        input_modalities: model.inputModalities.map((modality) => enumWord(Modality, modality)),
        output_modalities: model.outputModalities.map((modality) => enumWord(Modality, modality)),
        prices: model.prices.map(encodePrice),
        targets: model.targets,
      }),
      capabilities: Object.fromEntries(
        Object.entries(model.capabilities).map(([capability, support]) => [capability, enumWord(Support, support)]),
      ),
    },
  };
}

function texts(fields: Record<string, string | undefined>): Record<string, string> {
  const known: Record<string, string> = {};
  for (const [name, text] of Object.entries(fields)) if (text !== undefined && text !== "") known[name] = text;
  return known;
}

function lists(fields: Record<string, readonly unknown[]>): Record<string, readonly unknown[]> {
  return Object.fromEntries(Object.entries(fields).filter(([, list]) => list.length > 0));
}

function encodePrice(price: Price): Record<string, unknown> {
  return {
    unit: price.unit,
    nano_usd: String(price.nanoUsd),
    ...(price.aboveInputTokens === undefined ? {} : { above_input_tokens: price.aboveInputTokens }),
    ...(price.serviceTier === undefined ? {} : { service_tier: price.serviceTier }),
    ...(price.ttlSeconds === undefined ? {} : { ttl_seconds: price.ttlSeconds }),
  };
}
