import type { Body, EncodeContext } from "./encode-context.ts";

// The advisory fields: sent where the target is known to take them, else left out with an adaptation.

const TIERS: ReadonlySet<string> = new Set(["flex", "standard", "priority"]);
const LABEL_KEY = /^[a-z][a-z0-9_-]{0,62}$/;
const LABEL_VALUE = /^[a-z0-9_-]{0,63}$/;

/** Writes the advisory fields of the request. */
export function encodeExtras(context: EncodeContext, body: Body): void {
  const { request, adaptations } = context;
  encodeServiceTier(context, body);
  encodeStore(context, body);
  encodeMetadata(context, body);
  const { caching } = request;
  if (caching?.key !== undefined) {
    adaptations.add("caching.key", caching.key, undefined, "the provider caches by itself, without keys");
  }
  if (caching?.ttlSeconds !== undefined) {
    const reason = "the provider keeps its caches as long as it likes, unless a cache resource is named in raw_params";
    adaptations.add("caching.ttl_seconds", caching.ttlSeconds, undefined, reason);
  }
  if (request.endUserId !== undefined) {
    adaptations.add("end_user_id", undefined, undefined, "the wire format has no id of the end user");
  }
  if (request.prediction.length > 0) {
    adaptations.add("prediction", undefined, undefined, "the wire format has no predictions");
  }
}

function encodeServiceTier({ request, rules, adaptations }: EncodeContext, body: Body): void {
  const { serviceTier: tier } = request;
  if (tier === undefined) return;
  const refusal = rules.refusal("service_tier");
  if (!refusal && rules.settings.service_tier && TIERS.has(tier)) {
    body.set("serviceTier", tier);
    return;
  }
  const reason =
    refusal?.reason ??
    (rules.settings.service_tier
      ? `the provider's tiers are ${[...TIERS].join(", ")}`
      : "the provider is not known to take tiers in this wire format");
  adaptations.add("service_tier", tier, undefined, reason, refusal?.quirkId);
}

function encodeStore({ request, rules, adaptations }: EncodeContext, body: Body): void {
  if (request.store === undefined) return;
  if (rules.settings.store && !rules.refusal("store")) body.set("store", request.store);
  else if (request.store) adaptations.add("store", true, undefined, "the provider is not known to keep answers");
}

function encodeMetadata({ request, rules, adaptations }: EncodeContext, body: Body): void {
  const entries = Object.entries(request.metadata);
  if (entries.length === 0) return;
  const refusal = rules.refusal("metadata");
  if (!rules.settings.labels || refusal) {
    const reason = refusal?.reason ?? "the provider is not known to keep metadata";
    adaptations.add("metadata", undefined, undefined, reason, refusal?.quirkId);
    return;
  }
  const fitting = entries.filter(([key, value]) => LABEL_KEY.test(key) && LABEL_VALUE.test(value));
  if (fitting.length > 0) body.set("labels", Object.fromEntries(fitting));
  if (fitting.length < entries.length) {
    const reason = "labels have keys and values of at most 63 lower-case letters, digits, underscores and hyphens";
    adaptations.add("metadata", undefined, undefined, reason);
  }
}
