/** Headers that authorise a call; lower-case names. */
export type AuthHeaders = Readonly<Record<string, string>>;

/** Authorises calls with one credential. */
export interface CallAuth {
  /** What to send; undefined: it has to be fetched first. */
  current(): AuthHeaders | undefined;
  /** Fetches it: once for all who wait. Rejects with a typed error where it cannot be had. */
  fetch(): Promise<AuthHeaders>;
  /** The provider has refused what was sent: it is not sent again where another can be had. */
  refused(): void;
}

/** How a key of the configuration is sent: as a bearer token, as a header's value, or not at all. */
export type KeyAuth =
  | { readonly kind: "bearer"; readonly required: boolean }
  | { readonly kind: "header"; readonly name: string; readonly required: boolean }
  | { readonly kind: "none" };
