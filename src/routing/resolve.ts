import type { ChatRequest } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import { TASK_DECIDES, type ModelTable, type Resolution } from "./model-table.ts";

/**
 * What the names of a request stand for: its task or its model, then its fallbacks, in order. Throws `MODEL_NOT_FOUND`, or
 * `INVALID_REQUEST` for a task that does not exist or that stands beside a model of its own.
 */
export function resolveNames(request: ChatRequest, models: ModelTable): readonly Resolution[] {
  const { routing } = request;
  const task = routing?.task;
  const first = task === undefined ? resolve(request.model, "model", models) : resolveTask(task, request.model, models);
  if (!routing || routing.fallbackModels.length === 0) return [first];
  const fallbacks = routing.fallbackModels.map((name, index) =>
    resolve(name, `routing.fallback_models[${index}]`, models),
  );
  return [first, ...fallbacks];
}

/** What `name` stands for. Throws `MODEL_NOT_FOUND` with names that resemble it. */
export function resolve(name: string, field: string, models: ModelTable): Resolution {
  const resolution = models.resolve(name);
  if (resolution) return resolution;
  const similar = models.similar(name);
  const hint = similar.length > 0 ? `did you mean ${similar.join(" or ")}?` : "GET /v1/models lists what there is";
  throw new ParleyError(
    "MODEL_NOT_FOUND",
    `Cannot find the model ${JSON.stringify(name)}: no route, provider/model or catalogue id has this name; ${hint}`,
    { field },
  );
}

// Somebody who names a model wants that model: a task takes the place of a route, or of nothing.
function resolveTask(task: string, model: string, models: ModelTable): Resolution {
  const field = "routing.task";
  if (model !== TASK_DECIDES && !models.routes.has(model)) {
    throw new ParleyError(
      "INVALID_REQUEST",
      `Cannot route by ${field}: model names another target; send a route's name, or ${TASK_DECIDES}`,
      { field },
    );
  }
  const resolution = models.resolveTask(task);
  if (resolution) return resolution;
  const names = [...models.tasks.keys()].slice(0, 20);
  const there = names.length > 0 ? `there are ${names.join(", ")}` : "none is configured";
  throw new ParleyError("INVALID_REQUEST", `Cannot route by ${field}: no task has this name; ${there}`, { field });
}
