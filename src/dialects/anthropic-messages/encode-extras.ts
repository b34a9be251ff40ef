import { FAST_BETA } from "./betas.ts";
import { cacheLifetime } from "./cache-marks.ts";
import type { Body, EncodeContext } from "./encode-context.ts";

// The advisory fields: sent where the target is not known to refuse them, else left out with an adaptation.

/** Writes the advisory fields of the request. */
export function encodeExtras(context: EncodeContext, body: Body): void {
  const { request, rules, adaptations } = context;
  encodeCaching(context, body);
  encodeTier(context, body);
  if (request.endUserId !== undefined) {
    const refusal = rules.refusal("end_user_id");
    if (!refusal) body.set("metadata", { user_id: request.endUserId });
    else adaptations.add("end_user_id", request.endUserId, undefined, refusal.reason, refusal.quirkId);
  }
  if (rules.settings.inference_geo !== "") body.set("inference_geo", rules.settings.inference_geo);
  if (request.store === true) {
    adaptations.add("store", true, undefined, "the wire format cannot keep answers for later");
  }
  if (Object.keys(request.metadata).length > 0) {
    adaptations.add("metadata", undefined, undefined, "the wire format has no metadata but the end user's id");
  }
  if (request.prediction.length > 0) {
    adaptations.add("prediction", undefined, undefined, "the wire format has no predictions");
  }
}

/** How many cache marks the provider places itself. */
export function reservedMarks(body: Body): number {
  return body.has("cache_control") ? 1 : 0;
}

function encodeCaching({ request, rules, adaptations }: EncodeContext, body: Body): void {
  const { caching } = request;
  if (!caching) return;
  const { key, ttlSeconds } = caching;
  if (key !== undefined) {
    adaptations.add("caching.key", key, undefined, "the provider finds caches by their content and takes no keys");
    if (ttlSeconds === undefined) return;
  }
  const refusal = rules.refusal("caching", "prompt_cache");
  if (refusal || !rules.settings.automatic_caching) {
    const reason = refusal?.reason ?? "the provider caches marked parts only";
    adaptations.add(
      ttlSeconds === undefined ? "caching" : "caching.ttl_seconds",
      ttlSeconds,
      undefined,
      reason,
      refusal?.quirkId,
    );
    return;
  }
  const lifetime = ttlSeconds === undefined ? undefined : cacheLifetime(ttlSeconds);
  body.set("cache_control", { type: "ephemeral", ttl: lifetime?.word });
  if (lifetime && lifetime.seconds !== ttlSeconds) {
    const reason = "the provider keeps caches for fixed times; this one is nearest";
    adaptations.add("caching.ttl_seconds", ttlSeconds, lifetime.seconds, reason);
  }
}

// The wire's tiers choose what capacity may be used: any that the account has, or the standard one only.
const TIERS: Readonly<Record<string, string>> = {
  auto: "auto",
  standard_only: "standard_only",
  standard: "standard_only",
  default: "standard_only",
  priority: "auto",
};

function encodeTier({ request, rules, adaptations, betas }: EncodeContext, body: Body): void {
  const { serviceTier: asked } = request;
  if (asked === undefined) return;
  const refusal = rules.refusal("service_tier");
  if (!refusal && asked === "fast" && rules.settings.fast_speed) {
    body.set("speed", "fast");
    betas.add(FAST_BETA);
    return;
  }
  const tier = Object.hasOwn(TIERS, asked) && rules.settings.service_tier && !refusal ? TIERS[asked] : undefined;
  if (tier !== undefined) body.set("service_tier", tier);
  if (tier === asked) return;
  const reason = refusal?.reason ?? "the provider's tiers are auto and standard_only";
  adaptations.add("service_tier", asked, tier, reason, refusal?.quirkId);
}
