import { create } from "@bufbuild/protobuf";
import { AdaptationSchema, type Adaptation } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";

const MAX_ADAPTATIONS = 32;

/** Collects what content rules have changed, for the caller: fields and names of rules, never what stood there. */
export class ContentReport {
  readonly #masked = new Map<string, Set<string>>();
  readonly #dropped = new Map<string, string>();
  #told = 0;

  /** Whether anything was changed. */
  get changed(): boolean {
    return this.#masked.size > 0 || this.#dropped.size > 0;
  }

  /** Rules have masked something in a field. */
  masked(field: string, rules: Iterable<string>): void {
    const names = this.#masked.get(field) ?? new Set();
    for (const rule of rules) names.add(rule);
    this.#masked.set(field, names);
  }

  /** A field was left out, because of what was masked beside it. */
  dropped(field: string, why: string): void {
    this.#dropped.set(field, why);
  }

  /** What was changed since it was last asked for, one for each field. */
  adaptations(): Adaptation[] {
    const all = [
      ...Array.from(this.#masked, ([field, rules]) => {
        const names = [...rules].map((name) => `"${name}"`).join(", ");
        return [field, `CONTENT_MASKED: the content policy's ${rules.size > 1 ? "rules" : "rule"} ${names} masked it`];
      }),
      ...Array.from(this.#dropped, ([field, why]) => [field, `CONTENT_MASKED: ${why}`]),
    ].slice(this.#told);
    this.#told += all.length;
    const shown = all.slice(0, MAX_ADAPTATIONS).map(([field = "", reason = ""]) => adaptation(field, reason));
    const more = all.length - shown.length;
    if (more > 0) shown.push(adaptation("", `CONTENT_MASKED: the content policy changed ${more} more fields`));
    return shown;
  }
}

function adaptation(field: string, reason: string): Adaptation {
  return create(AdaptationSchema, { field, reason });
}

/** The refusal of what a rule blocks; `why` tells where its hook could not be asked. */
export function contentBlocked(direction: "input" | "output", rule: string, field: string, why?: string): ParleyError {
  const what = direction === "input" ? "the request" : "the answer";
  const reason = why === undefined ? `the content rule "${rule}" blocks ${field}` : `the content rule "${rule}" ${why}`;
  return new ParleyError("CONTENT_BLOCKED", `Cannot pass ${what} on: ${reason}`, { field });
}
