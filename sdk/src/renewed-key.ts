/** A key that lives shortly, as a backend mints it: `MintBrowserKeyResponse` in JSON has this shape. */
export interface ShortLivedKey {
  readonly text: string;
  /** When its time is over: a date, or one in ISO 8601. */
  readonly expiresAt: Date | string;
}

/** A key is renewed when less than this is left of it, so that no call begins with one that is about to end. */
const SPARE_MS = 30_000;

/**
 * An `apiKey` for `createParley` that asks your backend for a key when there is none, or the one there is about to end.
 * Calls at once share one question; where it fails, they fail, and the next call asks again.
 */
export function renewedKey(ask: () => Promise<ShortLivedKey>): () => Promise<string> {
  let current: Promise<ShortLivedKey> | undefined;
  let untilMs = 0;
  const renew = async (): Promise<ShortLivedKey> => {
    try {
      const key = await ask();
      untilMs = new Date(key.expiresAt).getTime();
      return key;
    } catch (thrown) {
      current = undefined;
      throw thrown;
    }
  };
  return async () => {
    if (current && untilMs !== 0 && untilMs - Date.now() < SPARE_MS) current = undefined;
    if (!current) {
      untilMs = 0;
      current = renew();
    }
    return (await current).text;
  };
}
