import type { Bank, Bucket, Draw, Grant, SpendSource } from "./bank.ts";

// Beyond so many accounts those are forgotten of which nothing is granted: their books can be asked for again.
const MAX_IDLE_ACCOUNTS = 50_000;

/**
 * The bank of a process that is alone: it grants at once all that the books have not spent. What they have is asked for
 * when an account is first used.
 */
export class LocalBank implements Bank {
  readonly #source: SpendSource;
  /** By account and bucket: what was spent before, and what is granted now. */
  readonly #granted = new Map<string, Map<number, number>>();
  readonly #loading = new Map<string, Promise<void>>();

  constructor(source: SpendSource) {
    this.#source = source;
  }

  draw(draw: Draw): Grant | Promise<Grant> {
    const granted = this.#granted.get(draw.account);
    if (granted) return grant(draw, granted);
    let loading = this.#loading.get(draw.account);
    if (!loading) this.#loading.set(draw.account, (loading = this.#load(draw)));
    return loading.then(() => this.draw(draw));
  }

  giveBack({ account, bucket }: Bucket, nanoUsd: number): void {
    this.#add(account, bucket, -nanoUsd);
  }

  owe({ account, bucket }: Bucket, nanoUsd: number): void {
    this.#add(account, bucket, nanoUsd);
  }

  // There is nobody else who could want something.
  onWanted(): void {}

  #add(account: string, bucket: number, nanoUsd: number): void {
    const granted = this.#granted.get(account);
    const before = granted?.get(bucket);
    if (granted && before !== undefined) granted.set(bucket, before + nanoUsd);
  }

  async #load({ account, window }: Draw): Promise<void> {
    try {
      const spent = await this.#source.spent(account, window);
      if (this.#granted.size >= MAX_IDLE_ACCOUNTS) this.#forgetIdle();
      this.#granted.set(account, new Map(spent));
    } finally {
      this.#loading.delete(account);
    }
  }

  #forgetIdle(): void {
    for (const [account, granted] of this.#granted) {
      if ([...granted.values()].every((nanoUsd) => nanoUsd === 0)) this.#granted.delete(account);
    }
  }
}

function grant({ bucket, window, limitNanoUsd, leastNanoUsd }: Draw, granted: Map<number, number>): Grant {
  const [oldest = 0] = window;
  for (const one of granted.keys()) if (one < oldest) granted.delete(one);
  let left = limitNanoUsd;
  for (const one of window) left -= granted.get(one) ?? 0;
  if (left < leastNanoUsd || left <= 0) return { grantedNanoUsd: 0, leftNanoUsd: Math.max(0, left) };
  granted.set(bucket, (granted.get(bucket) ?? 0) + left);
  return { grantedNanoUsd: left, leftNanoUsd: 0 };
}
