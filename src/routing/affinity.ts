import { hash } from "node:crypto";
import { Role, Support, type ChatRequest } from "../contract/index.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Target } from "./target.ts";

/** A conversation as affinity knows it: a digest, from which nothing can be read back. */
export interface ConversationKey {
  readonly slot: number;
  readonly digest: string;
  /** How long its prompt cache is worth something, in milliseconds. */
  readonly lastsMs: number;
}

const SLOTS = 8_192;
const MAX_HASHED_CHARS = 16_384;

/** Below so many tokens no provider caches a prompt. */
const LEAST_CACHED_TOKENS = 1_024;

/**
 * Remembers which target last answered a conversation, as long as its prompt cache pays. Its memory is bounded: a fixed
 * number of places, of which two conversations may meet in one; then the later one has it. It holds digests, never content.
 */
export class Affinity {
  readonly #runtime: Runtime;
  // Plain arrays that are filled once: a map that changes with every request would keep its old tables alive.
  readonly #digests = new Array<string>(SLOTS).fill("");
  readonly #targets = new Array<string>(SLOTS).fill("");
  readonly #untilMs = new Float64Array(SLOTS);

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** The name of the target that holds the conversation's cache; undefined: none that is known. */
  recall(key: ConversationKey): string | undefined {
    const { slot, digest } = key;
    if (this.#digests[slot] !== digest || this.#untilMs[slot]! <= this.#runtime.monotonicMs()) return undefined;
    return this.#targets[slot];
  }

  /** A target has answered the conversation. One that caches no prompts is not worth staying with. */
  note(key: ConversationKey, target: Target): void {
    if (target.facts.capabilities.prompt_cache !== Support.NATIVE) return;
    const { slot } = key;
    this.#digests[slot] = key.digest;
    this.#targets[slot] = target.name;
    this.#untilMs[slot] = this.#runtime.monotonicMs() + key.lastsMs;
  }
}

/**
 * The key of a request's conversation: the tenant and what the caller says (`caching.key`), else how the conversation
 * begins, which its later turns repeat. Undefined: too short for any provider to cache.
 */
export function conversationKey(
  request: ChatRequest,
  tenant: string,
  affinityMs: number,
  inputTokens: number,
): ConversationKey | undefined {
  const named = request.caching?.key;
  if (named === undefined && inputTokens < LEAST_CACHED_TOKENS) return undefined;
  const text = JSON.stringify([tenant, request.model, named ?? null, named === undefined ? beginning(request) : null]);
  const digest = hash("sha256", text, "hex");
  const ttlMs = (request.caching?.ttlSeconds ?? 0) * 1_000;
  return { slot: Number.parseInt(digest.slice(0, 8), 16) % SLOTS, digest, lastsMs: Math.max(affinityMs, ttlMs) };
}

/** Everything up to the first user message, shortened: instructions, tools and the opening question. */
function beginning(request: ChatRequest): string {
  const texts = request.tools.map(({ kind }) => (kind.case === "function" ? kind.value.name : ""));
  for (const { role, parts } of request.messages) {
    for (const { kind } of parts) if (kind.case === "text") texts.push(kind.value.text.slice(0, MAX_HASHED_CHARS));
    if (role === Role.USER) break;
  }
  return texts.join("\n").slice(0, MAX_HASHED_CHARS);
}
