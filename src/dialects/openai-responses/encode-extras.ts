import type { Body, EncodeContext, WireObject } from "./encode-context.ts";

// The advisory fields: sent where the target is not known to refuse them, else left out with an adaptation.

/** Writes the advisory fields of the request, and whether the provider may keep the answer. */
export function encodeExtras(context: EncodeContext, body: Body): void {
  const { request } = context;
  encodeCaching(context, body);
  advise(context, body, "service_tier", "service_tier", request.serviceTier);
  encodeEndUser(context, body);
  if (Object.keys(request.metadata).length > 0) advise(context, body, "metadata", "metadata", request.metadata);
  encodeStore(context, body);
  if (request.prediction.length > 0) {
    const reason = "the wire format has no predictions";
    context.adaptations.add("prediction", undefined, undefined, reason);
  }
}

function advise(context: EncodeContext, body: Body, field: string, member: string, value: unknown): void {
  if (value === undefined) return;
  const refusal = context.rules.refusal(field);
  if (!refusal) body.set(member, value);
  else context.adaptations.add(field, value, undefined, refusal.reason, refusal.quirkId);
}

function encodeEndUser(context: EncodeContext, body: Body): void {
  const { request, rules, adaptations } = context;
  const { max_end_user_chars: most, end_user_field: member } = rules.settings;
  const id = request.endUserId;
  if (id === undefined || id.length <= most) advise(context, body, "end_user_id", member, id);
  else {
    const reason = `the provider takes at most ${most} characters`;
    adaptations.add("end_user_id", id, undefined, reason, rules.quirkOf.get("max_end_user_chars"));
  }
}

// Unsaid, the format keeps every answer; nothing is kept that was not asked for.
function encodeStore({ request, rules, adaptations }: EncodeContext, body: Body): void {
  const refusal = request.store === true ? rules.refusal("store") : undefined;
  if (request.store === true && !refusal) {
    body.set("store", true);
    return;
  }
  if (rules.settings.store_false) body.set("store", false);
  if (refusal)
    adaptations.add("store", true, rules.settings.store_false ? false : undefined, refusal.reason, refusal.quirkId);
}

function encodeCaching(context: EncodeContext, body: Body): void {
  const { request, rules, adaptations } = context;
  const { caching } = request;
  if (!caching) return;
  const { settings } = rules;
  const refusal = rules.refusal("caching", "prompt_cache");
  const leaveOut = (field: string, value: unknown, why: string): void => {
    adaptations.add(field, value, undefined, refusal?.reason ?? why, refusal?.quirkId);
  };
  if (caching.key !== undefined) {
    if (refusal || !settings.cache_key) {
      leaveOut("caching.key", caching.key, "the provider is not known to take cache keys");
    } else body.set("prompt_cache_key", caching.key);
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
    const reason = "the provider keeps caches for fixed times; this one is nearest";
    adaptations.add("caching.ttl_seconds", ttlSeconds, hint.seconds, reason);
  }
}

interface LifetimeHint {
  readonly member: string;
  readonly value: string | WireObject;
  readonly seconds: number;
}

const HALF_HOUR_SECONDS = 1800;
const HOUR_SECONDS = 3600;

function lifetimeHint(style: string, ttlSeconds: number): LifetimeHint | undefined {
  if (style === "options") {
    const { word, seconds } = cacheLifetime(ttlSeconds);
    return { member: "prompt_cache_options", value: { ttl: word }, seconds };
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
