import { DEFAULT_ROUTE_SETTINGS, type RouteSettings } from "./route-settings.ts";
import type { Target } from "./target.ts";

/** What a model name in a request stands for. */
export interface Resolution {
  /** Which rule of the resolution order applied. */
  readonly rule: ResolutionRule;
  /** The name as policies see it: the route's, `task:name`, or `provider/model`. */
  readonly name: string;
  /** Where it may go, in configured order. Never empty. */
  readonly targets: readonly Target[];
  /** How to choose among them. */
  readonly settings: RouteSettings;
}

/** The rules by which a request's names are resolved. */
export type ResolutionRule = "route" | "provider" | "catalogue" | "task";

/** A configured provider as names are resolved: which of its models a name means. */
export interface ProviderModels {
  readonly name: string;
  /** The target for a model id, or undefined where the provider does not serve it. */
  target(modelId: string): Target | undefined;
  /** Whether the provider's catalogue or configuration lists this id. */
  lists(modelId: string): boolean;
  /** The ids it lists. */
  readonly modelIds: readonly string[];
}

/** A route or a task as configured. */
export interface Route {
  readonly name: string;
  readonly targets: readonly Target[];
  /** Unset: the defaults. */
  readonly settings?: RouteSettings;
}

/** What a table knows besides routes and providers. */
export interface ModelTableOptions {
  readonly tasks?: readonly Route[];
  /** What holds where a route says nothing, and for names that are no route's. */
  readonly defaults?: RouteSettings;
}

/** What a request calls the model where its task decides. */
export const TASK_DECIDES = "auto";

/** Resolves model names. Built when the configuration is loaded; pure afterwards. */
export class ModelTable {
  readonly routes: ReadonlyMap<string, Route>;
  readonly providers: ReadonlyMap<string, ProviderModels>;
  readonly tasks: ReadonlyMap<string, Route>;
  readonly #defaults: RouteSettings;

  constructor(routes: readonly Route[], providers: readonly ProviderModels[], options: ModelTableOptions = {}) {
    this.#defaults = options.defaults ?? DEFAULT_ROUTE_SETTINGS;
    this.tasks = new Map((options.tasks ?? []).map((task) => [task.name, task]));
    this.routes = new Map(routes.map((route) => [route.name, route]));
    this.providers = new Map(providers.map((provider) => [provider.name, provider]));
  }

  /**
   * What `name` stands for: an exact route name; else the first segment is a configured provider and the rest is its
   * model id; else a catalogue id, served by the providers that list it, in file order. Undefined: nothing.
   */
  resolve(name: string): Resolution | undefined {
    const route = this.routes.get(name);
    if (route) return { rule: "route", name, targets: route.targets, settings: route.settings ?? this.#defaults };
    const slash = name.indexOf("/");
    const provider = slash > 0 ? this.providers.get(name.slice(0, slash)) : undefined;
    if (provider) {
      const target = provider.target(name.slice(slash + 1));
      if (!target) return undefined;
      return { rule: "provider", name: target.name, targets: [target], settings: this.#defaults };
    }
    const targets: Target[] = [];
    for (const one of this.providers.values()) {
      const target = one.lists(name) ? one.target(name) : undefined;
      if (target) targets.push(target);
    }
    return targets.length > 0 ? { rule: "catalogue", name, targets, settings: this.#defaults } : undefined;
  }

  /** What the task `name` stands for. Undefined: there is no such task. */
  resolveTask(name: string): Resolution | undefined {
    const task = this.tasks.get(name);
    if (!task) return undefined;
    return { rule: "task", name: `task:${name}`, targets: task.targets, settings: task.settings ?? this.#defaults };
  }

  /** Names that resemble `name`, to help with a misspelling; at most 3. */
  similar(name: string): string[] {
    const wanted = name.toLowerCase();
    const scored: { name: string; score: number }[] = [];
    for (const candidate of this.names()) {
      const score = distance(wanted, candidate.toLowerCase(), 4);
      if (score <= 3) scored.push({ name: candidate, score });
    }
    return scored
      .sort((a, b) => a.score - b.score)
      .slice(0, 3)
      .map((one) => one.name);
  }

  /** Every name that is listed: routes first, then `provider/model`. */
  *names(): Generator<string> {
    yield* this.routes.keys();
    for (const provider of this.providers.values()) {
      for (const id of provider.modelIds) yield `${provider.name}/${id}`;
    }
  }
}

/** Edit distance of two words, or `limit` where it is at least that. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + cost));
    }
    row = next;
  }
  return Math.min(limit, row[b.length] ?? limit);
}
