/** What one replica tells the others: something should rest for a while, or, where `forMs` is 0, works again. */
export interface HealthNews {
  readonly subject: "target" | "credential";
  /** The target's name or the credential's id. */
  readonly name: string;
  readonly rule: "breaker" | "outlier" | "cooling" | "quarantine";
  readonly forMs: number;
}

/**
 * Carries news of health between replicas. Nothing waits for it, and losing some is harmless: each replica finds out by
 * itself, only later.
 */
export interface HealthExchange {
  /** Tells the other replicas, not the one that calls. */
  publish(news: HealthNews): void;
  /** Says who hears what the others tell. */
  subscribe(onNews: (news: HealthNews) => void): void;
}
