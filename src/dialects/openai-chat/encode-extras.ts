import type { ChatRequest } from "../../contract/index.ts";
import type { Adaptations } from "../adaptations.ts";
import type { Body, EncodeContext, WireObject } from "./encode-context.ts";

// The advisory fields: sent where the target is not known to refuse them, else left out with an adaptation.

/** Writes the advisory fields of the request. */
export function encodeExtras(context: EncodeContext, body: Body): void {
  const { request, rules } = context;
  encodeCaching(context, body);
  advise(context, body, "service_tier", "service_tier", request.serviceTier);
  advise(context, body, "end_user_id", rules.settings.end_user_field, request.endUserId);
  encodeStore(context, body);
  encodePrediction(context, body);
}

function advise(context: EncodeContext, body: Body, field: string, member: string, value: unknown): void {
  if (value === undefined) return;
  const refusal = context.rules.refusal(field);
  if (!refusal) body.set(member, value);
  else context.adaptations.add(field, value, undefined, refusal.reason, refusal.quirkId);
}

function encodeStore(context: EncodeContext, body: Body): void {
  const { request, rules, adaptations } = context;
  const { settings } = rules;
  if (request.store === true) advise(context, body, "store", "store", true);
  else if (settings.store_false) body.set("store", false);
  if (Object.keys(request.metadata).length === 0) return;
  if (settings.metadata_needs_store && request.store !== true) {
    const reason = "the provider takes metadata only with answers it stores; set store to true to send it";
    adaptations.add("metadata", undefined, undefined, reason, rules.quirkOf.get("metadata_needs_store"));
  } else advise(context, body, "metadata", "metadata", request.metadata);
}

function encodePrediction(context: EncodeContext, body: Body): void {
  const { request, rules, adaptations } = context;
  if (request.prediction.length === 0) return;
  const texts = predictedTexts(request);
  const refusal = rules.refusal("prediction");
  if (refusal || !texts) {
    const reason = refusal?.reason ?? "the wire format takes predictions of text only";
    adaptations.add("prediction", undefined, undefined, reason, refusal?.quirkId);
    return;
  }
  const content = texts.length === 1 ? texts[0] : texts.map((text) => ({ type: "text", text }));
  body.set("prediction", { type: "content", content });
}

function predictedTexts(request: ChatRequest): string[] | undefined {
  const texts: string[] = [];
  for (const { kind } of request.prediction) {
    if (kind.case !== "text") return undefined;
    texts.push(kind.value.text);
  }
  return texts;
}

function encodeCaching({ request, rules, adaptations }: EncodeContext, body: Body): void {
  const { caching } = request;
  if (!caching) return;
  const { settings } = rules;
  const refusal = rules.refusal("caching", "prompt_cache");
  const leaveOut = (field: string, value: unknown, why: string): void => {
    adaptations.add(field, value, undefined, refusal?.reason ?? why, refusal?.quirkId);
  };
  if (caching.key !== undefined) {
    if (refusal || !settings.cache_key)
      leaveOut("caching.key", caching.key, "the provider is not known to take cache keys");
    else body.set("prompt_cache_key", caching.key);
  }
  const { ttlSeconds } = caching;
  if (ttlSeconds === undefined) return;
  const hint = refusal ? undefined : lifetimeHint(settings.cache_ttl, ttlSeconds);
  if (!hint) {
    leaveOut("caching.ttl_seconds", ttlSeconds, "the provider cannot be asked for this lifetime");
    return;
  }
  body.set(hint.member, hint.value);
  if (hint.seconds !== ttlSeconds) {
    adaptations.add(
      "caching.ttl_seconds",
      ttlSeconds,
      hint.seconds,
      "the provider keeps caches for fixed times; this one is nearest",
    );
  }
}

interface LifetimeHint {
  readonly member: string;
  readonly value: string | WireObject;
  readonly seconds: number;
}

const FIVE_MINUTES_SECONDS = 300;
const HALF_HOUR_SECONDS = 1800;
const HOUR_SECONDS = 3600;

function lifetimeHint(style: string, ttlSeconds: number): LifetimeHint | undefined {
  // The one lifetime that a whole request may ask for; marks on parts have a second one.
  if (style === "options") {
    return { member: "prompt_cache_options", value: { ttl: "30m" }, seconds: HALF_HOUR_SECONDS };
  }
  // Retention has two steps: in memory for up to an hour, which is left to the provider, and a day.
  if (style === "retention" && ttlSeconds > HOUR_SECONDS) {
    return { member: "prompt_cache_retention", value: "24h", seconds: 24 * HOUR_SECONDS };
  }
  return undefined;
}

/** The lifetime of a cache mark as the wire has it: half an hour or twelve. */
export function cacheLifetime(ttlSeconds: number): { readonly word: "30m" | "12h"; readonly seconds: number } {
  if (ttlSeconds <= HALF_HOUR_SECONDS) return { word: "30m", seconds: HALF_HOUR_SECONDS };
  return { word: "12h", seconds: 12 * HOUR_SECONDS };
}

/** A cache mark of the other kind: for five minutes, which is the default, or an hour. */
export function cacheControl(ttlSeconds: number | undefined, field: string, adaptations: Adaptations): WireObject {
  if (ttlSeconds === undefined) return { type: "ephemeral" };
  const isLong = ttlSeconds > FIVE_MINUTES_SECONDS;
  const seconds = isLong ? HOUR_SECONDS : FIVE_MINUTES_SECONDS;
  if (seconds !== ttlSeconds) {
    const reason = "the provider keeps caches for fixed times; this one is nearest";
    adaptations.addPart(`${field}.ttl_seconds`, seconds, reason);
  }
  return { type: "ephemeral", ttl: isLong ? "1h" : "5m" };
}
