import type { ChatRequest } from "../contract/index.ts";
import type { DialectTarget } from "../dialects/dialect.ts";
import { reasoningState } from "../dialects/efforts.ts";
import { matchesModel, type ApiName, type ApiRule, type ProviderApi, type ProviderEntry } from "./entry.ts";

/** A model as one of its vendor's APIs serves it. */
export interface ServedModel {
  readonly api: ProviderApi;
  /** What the API's codec may know of the model. */
  readonly target: DialectTarget;
}

/** Which API serves a request, and the rule that says so. */
export interface ApiChoice extends ServedModel {
  /** Undefined: the configuration names the API, or no rule fits and the vendor's first API serves. */
  readonly rule: ApiRule | undefined;
}

const HOLDS: Readonly<Record<ApiRule["when"], (request: ChatRequest) => boolean>> = {
  always: () => true,
  tools_with_effort: (request) => request.tools.length > 0 && reasoningState(request) === "on",
  tools_while_reasoning: (request) => request.tools.length > 0 && reasoningState(request) !== "off",
};

/** The APIs of one model, worked out once, and which of them serves a request. */
export class ApiChooser {
  readonly #apis: readonly [ServedModel, ...ServedModel[]];
  readonly #rules: readonly ApiRule[];

  /** `serve` tells what holds of the model at an API. With `configured` other than `auto` there is nothing to choose. */
  constructor(
    entry: ProviderEntry,
    configured: "auto" | ApiName,
    model: string,
    serve: (api: ProviderApi) => DialectTarget,
  ) {
    const named = entry.apis.find(({ name }) => name === configured);
    const [first, ...others] = named ? ([named] as const) : entry.apis;
    this.#apis = [{ api: first, target: serve(first) }, ...others.map((api) => ({ api, target: serve(api) }))];
    this.#rules = named ? [] : (entry.apiRules ?? []).filter(({ models }) => matchesModel(models, model));
  }

  /** The API that serves requests of which nothing is known. */
  get usual(): ServedModel {
    const rule = this.#rules.find(({ when }) => when === "always");
    return rule ? this.#serving(rule) : this.#apis[0];
  }

  /** The API for a request: from data and the request's shape alone. */
  choose(request: ChatRequest): ApiChoice {
    const rule = this.#rules.find(({ when }) => HOLDS[when](request));
    const [first] = this.#apis;
    if (!rule) return { ...first, rule };
    const served = this.#serving(rule);
    const isFree = !rule.binding && served !== first;
    return isFree && !prefers(request, served, first) ? { ...first, rule: undefined } : { ...served, rule };
  }

  #serving(rule: ApiRule): ServedModel {
    return this.#apis.find(({ api }) => api.name === rule.api) ?? this.#apis[0];
  }
}

// Unless it loses something of the request that the other one has a place for.
function prefers(request: ChatRequest, served: ServedModel, other: ServedModel): boolean {
  if (!speaksTo(request, other) && canServe(request, served)) return true;
  return !canServe(request, other);
}

function canServe(request: ChatRequest, { api, target }: ServedModel): boolean {
  return api.dialect.unsupported(request, target).length === 0;
}

// Fields of an API's own would be lost at another one.
function speaksTo(request: ChatRequest, { api }: ServedModel): boolean {
  return request.rawParams.some(({ dialect }) => dialect === api.dialect.id);
}
