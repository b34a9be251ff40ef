import { ParleyError } from "../../errors/index.ts";
import type { AuthHeaders, CallAuth, KeyAuth } from "./call-auth.ts";

/** Authorises with a key as it is. Throws `MISCONFIGURED` where one is required and missing. */
export function keyAuth(auth: KeyAuth, key: { reveal(): string } | undefined): CallAuth {
  return fixed(headersOf(auth, key));
}

/** Authorises with an access token that somebody else keeps fresh. */
export function bearerAuth(token: { reveal(): string }): CallAuth {
  return fixed({ authorization: `Bearer ${token.reveal()}` });
}

function headersOf(auth: KeyAuth, key: { reveal(): string } | undefined): AuthHeaders {
  if (auth.kind === "none") return {};
  if (!key) {
    if (!auth.required) return {};
    throw new ParleyError("MISCONFIGURED", "Cannot authorise calls to the provider: it has no api_key");
  }
  return auth.kind === "bearer" ? { authorization: `Bearer ${key.reveal()}` } : { [auth.name]: key.reveal() };
}

function fixed(headers: AuthHeaders): CallAuth {
  return { current: () => headers, fetch: () => Promise.resolve(headers), refused: () => undefined };
}
