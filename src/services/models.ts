import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ModelKind, ModelSchema, type Model } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { Principal } from "../policy/principal.ts";
import { resolve } from "../routing/resolve.ts";
import type { ModelTable, Route } from "../routing/model-table.ts";
import type { Target } from "../routing/target.ts";

/** What requests can name, as one caller sees it. */
export interface ModelsService {
  /**
   * A page of models and routes that the caller may use: routes first, each group by name. Throws `INVALID_REQUEST`
   * for a page token that is not one of ours.
   */
  list(principal: Principal, page: PageRequest): { models: Model[]; nextPageToken: string };
  /** One model, its name resolved as in a chat request. Throws `MODEL_NOT_FOUND` or `MODEL_NOT_ALLOWED`. */
  get(principal: Principal, name: string): Model;
}

/** Which page of models is wanted. */
export interface PageRequest {
  readonly pageSize: number;
  /** Empty: the first page. */
  readonly pageToken: string;
  /** Empty: every provider, and routes. */
  readonly provider: string;
}

/** The service over the table as it is now. */
export function createModelsService(current: () => ModelTable): ModelsService {
  return {
    list(principal, page) {
      const models = current();
      const names = listed(models, principal, page.provider);
      const from = page.pageToken === "" ? 0 : startOf(page.pageToken, names);
      const slice = names.slice(from, from + page.pageSize);
      const last = slice.at(-1);
      return {
        models: slice.map((name) => describe(name, models)),
        nextPageToken: last !== undefined && from + slice.length < names.length ? tokenAfter(last) : "",
      };
    },
    get(principal, name) {
      const models = current();
      const resolution = resolve(name, "name", models);
      const allowed =
        principal.allowsModel(resolution.name) || resolution.targets.some((one) => principal.allowsModel(one.name));
      if (!allowed) {
        throw new ParleyError("MODEL_NOT_ALLOWED", "Cannot show the model: the key's policy does not allow it", {
          field: "name",
        });
      }
      const [target] = resolution.targets;
      if (resolution.rule === "route") return describe(name, models);
      if (!target) throw new RangeError("Cannot describe a model: it resolves to no target");
      return describeTarget(target);
    },
  };
}

function listed(models: ModelTable, principal: Principal, provider: string): string[] {
  const routes = provider === "" ? [...models.routes.keys()].sort() : [];
  const names: string[] = [];
  for (const one of models.providers.values()) {
    if (provider !== "" && one.name !== provider) continue;
    for (const id of one.modelIds) names.push(`${one.name}/${id}`);
  }
  return [...routes, ...names.sort()].filter((name) => principal.allowsModel(name));
}

// The token names the last model of the page before, so that a reload between two pages loses and repeats nothing.
function tokenAfter(name: string): string {
  return Buffer.from(name, "utf8").toString("base64url");
}

function startOf(token: string, names: readonly string[]): number {
  const index = names.indexOf(Buffer.from(token, "base64url").toString("utf8"));
  if (index >= 0) return index + 1;
  throw new ParleyError(
    "INVALID_REQUEST",
    "Cannot list models: page_token is not the token of an earlier page; start anew without one",
    {
      field: "page_token",
    },
  );
}

function describe(name: string, models: ModelTable): Model {
  const route = models.routes.get(name);
  if (route) return describeRoute(route);
  const target = models.resolve(name)?.targets[0];
  if (!target) throw new RangeError("Cannot describe a model: it is listed but does not resolve");
  return describeTarget(target);
}

function describeRoute(route: Route): Model {
  return create(ModelSchema, {
    name: route.name,
    kind: ModelKind.ROUTE,
    displayName: route.name,
    targets: route.targets.map((target) => target.name),
  });
}

function describeTarget(target: Target): Model {
  const { facts } = target;
  const init: MessageInitShape<typeof ModelSchema> = {
    name: target.name,
    kind: ModelKind.MODEL,
    provider: target.provider,
    providerModel: target.model,
    displayName: facts.displayName ?? "",
    inputModalities: [...(facts.inputModalities ?? [])],
    outputModalities: [...(facts.outputModalities ?? [])],
    capabilities: { ...facts.capabilities },
    prices: (facts.prices?.entries ?? []).map(({ unit, nanoUsd, aboveInputTokens, serviceTier, ttlSeconds }) => ({
      unit,
      nanoUsd: BigInt(nanoUsd),
      ...(aboveInputTokens === undefined ? {} : { aboveInputTokens }),
      ...(serviceTier === undefined ? {} : { serviceTier }),
      ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
    })),
    catalogVersion: facts.catalogVersion ?? "",
  };
  if (facts.contextTokens !== undefined) init.contextTokens = facts.contextTokens;
  if (facts.maxOutputTokens !== undefined) init.maxOutputTokens = facts.maxOutputTokens;
  if (target.region !== undefined) init.region = target.region;
  if (facts.dataPolicy) init.dataPolicy = { ...facts.dataPolicy };
  if (facts.lifecycle !== undefined) init.lifecycle = facts.lifecycle;
  if (facts.retiresAtMs !== undefined) init.retiresAt = timestampFromMs(facts.retiresAtMs);
  if (facts.verification !== undefined) init.verification = facts.verification;
  return create(ModelSchema, init);
}
