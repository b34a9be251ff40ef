import type { CacheBreakpoint } from "../../contract/index.ts";
import type { Adaptations } from "../adaptations.ts";
import type { WireObject } from "./encode-context.ts";
import type { TargetRules } from "./target-rules.ts";

const SHORT_SECONDS = 300;
const LONG_SECONDS = 3600;

interface Mark {
  readonly owner: WireObject;
  readonly field: string;
  readonly control: WireObject;
}

/** A lifetime as the wire has it: five minutes or an hour. */
export function cacheLifetime(ttlSeconds: number): { readonly word: "5m" | "1h"; readonly seconds: number } {
  if (ttlSeconds <= SHORT_SECONDS) return { word: "5m", seconds: SHORT_SECONDS };
  return { word: "1h", seconds: LONG_SECONDS };
}

/**
 * The cache marks of one request, added in the order of the prompt: tools, instructions, messages. The provider takes
 * only so many, and no long-lived one after a short-lived one.
 */
export class CacheMarks {
  readonly #rules: TargetRules;
  readonly #adaptations: Adaptations;
  readonly #marks: Mark[] = [];

  constructor(rules: TargetRules, adaptations: Adaptations) {
    this.#rules = rules;
    this.#adaptations = adaptations;
  }

  /** Marks a wire object. `field` is the path of the mark in the request. */
  add(owner: WireObject, breakpoint: CacheBreakpoint | undefined, field: string): void {
    if (!breakpoint) return;
    const refusal = this.#rules.refusal("caching", "prompt_cache");
    if (refusal || !this.#rules.settings.cache_marks) {
      const reason = refusal?.reason ?? "the provider is not known to take cache marks";
      this.#adaptations.addPart(field, undefined, reason, refusal?.quirkId);
      return;
    }
    const control: WireObject = { type: "ephemeral" };
    const { ttlSeconds } = breakpoint;
    if (ttlSeconds !== undefined) {
      const lifetime = cacheLifetime(ttlSeconds);
      control["ttl"] = lifetime.word;
      if (lifetime.seconds !== ttlSeconds) {
        const reason = "the provider keeps caches for fixed times; this one is nearest";
        this.#adaptations.addPart(`${field}.ttl_seconds`, lifetime.seconds, reason);
      }
    }
    this.#marks.push({ owner, field, control });
  }

  /** A part whose block takes no mark. */
  refuse(breakpoint: CacheBreakpoint | undefined, field: string): void {
    if (breakpoint) this.#adaptations.addPart(field, undefined, "the provider takes no cache marks on such blocks");
  }

  /** Writes the marks. `reserved` counts those that the provider places itself. */
  write(reserved: number): void {
    const room = Math.max(0, this.#rules.settings.max_cache_marks - reserved);
    // The later a mark, the longer the prefix that it caches.
    const surplus = this.#marks.length - room;
    let isShort = false;
    for (const [index, { owner, field, control }] of this.#marks.entries()) {
      if (index < surplus) {
        const reason = `the provider takes at most ${this.#rules.settings.max_cache_marks} cache marks; the last ones are kept`;
        this.#adaptations.addPart(field, undefined, reason);
        continue;
      }
      if (control["ttl"] === "1h" && isShort) {
        const reason = "the provider takes no long-lived cache mark after a short-lived one";
        this.#adaptations.addPart(`${field}.ttl_seconds`, SHORT_SECONDS, reason);
        control["ttl"] = "5m";
      }
      isShort ||= control["ttl"] !== "1h";
      owner["cache_control"] = control;
    }
  }
}
