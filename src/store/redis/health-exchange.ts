import type { HealthExchange, HealthNews } from "../health-exchange.ts";
import type { RedisBus } from "./bus.ts";

const SUBJECTS: readonly string[] = ["target", "credential"] satisfies HealthNews["subject"][];
const RULES: readonly string[] = ["breaker", "outlier", "cooling", "quarantine"] satisfies HealthNews["rule"][];
// A rest that another replica imposes never lasts longer than what one imposes by itself.
const MAX_REST_MS = 600_000;

/** News of health over the channels of the shared store. */
export function createRedisHealthExchange(bus: RedisBus): HealthExchange {
  return {
    publish: (news) => bus.publish("health", JSON.stringify(news)),
    subscribe(onNews) {
      bus.subscribe("health", (text) => {
        const news = readNews(text);
        if (news) onNews(news);
      });
    },
  };
}

// A replica of another version may say what this one does not know: it is not heard then.
function readNews(text: string): HealthNews | undefined {
  try {
    const { subject, name, rule, forMs } = JSON.parse(text) as Record<string, unknown>;
    if (typeof name !== "string" || typeof forMs !== "number" || !Number.isFinite(forMs)) return undefined;
    if (!SUBJECTS.includes(subject as string) || !RULES.includes(rule as string)) return undefined;
    return { subject, name, rule, forMs: Math.min(Math.max(forMs, 0), MAX_REST_MS) } as HealthNews;
  } catch {
    return undefined;
  }
}
