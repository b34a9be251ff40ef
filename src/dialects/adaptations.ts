import { create } from "@bufbuild/protobuf";
import { AdaptationSchema, type Adaptation } from "../contract/index.ts";
import { shorten } from "../errors/index.ts";

const MAX_JSON_CHARS = 256;

/** Collects what is not passed on as asked for. What happens to many parts in the same way is told once. */
export class Adaptations {
  readonly #list: Adaptation[] = [];
  readonly #repeated = new Map<string, { readonly adaptation: Adaptation; count: number }>();

  /** One field. `requested` and `applied` are values; undefined: not shown, or left out. */
  add(field: string, requested: unknown, applied: unknown, reason: string, quirkId?: string): void {
    this.#list.push(adaptation(field, requested, applied, reason, quirkId));
  }

  /** One of possibly many parts that share a reason; its content is never shown. */
  addPart(field: string, applied: unknown, reason: string, quirkId?: string): void {
    const before = this.#repeated.get(reason);
    if (before) {
      before.count += 1;
      return;
    }
    const made = adaptation(field, undefined, applied, reason, quirkId);
    this.#list.push(made);
    this.#repeated.set(reason, { adaptation: made, count: 1 });
  }

  /** All of them, in the order of the request. */
  list(): readonly Adaptation[] {
    for (const [reason, { adaptation: made, count }] of this.#repeated) {
      if (count > 1) made.reason = `${reason} (in ${count} places, of which this is the first)`;
    }
    return this.#list;
  }
}

function adaptation(field: string, requested: unknown, applied: unknown, reason: string, quirkId?: string): Adaptation {
  return create(AdaptationSchema, {
    field,
    requestedJson: shownJson(requested),
    appliedJson: shownJson(applied),
    reason,
    ...(quirkId === undefined ? {} : { quirkId }),
  });
}

function shownJson(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "bigint" ? value.toString() : shorten(JSON.stringify(value), MAX_JSON_CHARS);
}
