import { createPrivateKey, sign, type KeyObject } from "node:crypto";
import { ParleyError } from "../../errors/index.ts";
import type { UpstreamRequest } from "../upstream.ts";

/** What an access token is got for, in the words of the OAuth grant that gets it. */
export type TokenGrant =
  /** An assertion that is signed with a key: RFC 7523. */
  | {
      readonly kind: "signed_assertion";
      readonly tokenUrl: string;
      readonly issuer: string;
      /** PKCS #8 or PKCS #1, PEM; an RSA key. */
      readonly privateKey: { reveal(): string };
      readonly keyId: string | undefined;
      readonly scope: string;
    }
  /** A person's consent of earlier: RFC 6749, 6. */
  | {
      readonly kind: "refresh_token";
      readonly tokenUrl: string;
      readonly clientId: string;
      readonly clientSecret: { reveal(): string };
      readonly refreshToken: { reveal(): string };
    }
  /** The client's own name and secret: RFC 6749, 4.4. */
  | {
      readonly kind: "client_credentials";
      readonly tokenUrl: string;
      readonly clientId: string;
      readonly clientSecret: { reveal(): string };
      readonly scope: string;
    };

const ASSERTION_LIFE_SECONDS = 3600;

/** Makes the request that asks for a token at a moment. Throws `MISCONFIGURED` where the key is none that can sign. */
export function tokenRequests(grant: TokenGrant): (nowMs: number) => UpstreamRequest {
  const { origin, pathname, search } = new URL(grant.tokenUrl);
  const fields = fieldsOf(grant);
  return (nowMs) => ({
    origin,
    path: pathname + search,
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      accept: "application/json",
      "accept-encoding": "identity",
      "user-agent": "parley",
    },
    body: new URLSearchParams(fields(nowMs)).toString(),
  });
}

function fieldsOf(grant: TokenGrant): (nowMs: number) => Record<string, string> {
  if (grant.kind === "signed_assertion") {
    const key = signingKey(grant.privateKey.reveal());
    return (nowMs) => ({
      grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
      assertion: signedAssertion(grant, key, nowMs),
    });
  }
  const client = { client_id: grant.clientId, client_secret: grant.clientSecret.reveal() };
  if (grant.kind === "refresh_token") {
    const refreshToken = grant.refreshToken.reveal();
    return () => ({ ...client, grant_type: "refresh_token", refresh_token: refreshToken });
  }
  return () => ({ ...client, grant_type: "client_credentials", scope: grant.scope });
}

// What node:crypto says of a key that it cannot read may quote it: it is not passed on.
function signingKey(pem: string): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(pem);
  } catch {
    key = undefined;
  }
  if (key?.asymmetricKeyType === "rsa") return key;
  throw new ParleyError("MISCONFIGURED", "Cannot sign for access tokens: the private key of key_file is no RSA key");
}

function signedAssertion(
  { issuer, tokenUrl, scope, keyId }: Extract<TokenGrant, { kind: "signed_assertion" }>,
  key: KeyObject,
  nowMs: number,
): string {
  const issuedAt = Math.floor(nowMs / 1000);
  const header = { alg: "RS256", typ: "JWT", ...(keyId === undefined ? {} : { kid: keyId }) };
  const claims = {
    iss: issuer,
    sub: issuer,
    aud: tokenUrl,
    scope,
    iat: issuedAt,
    exp: issuedAt + ASSERTION_LIFE_SECONDS,
  };
  const signed = `${base64url(header)}.${base64url(claims)}`;
  return `${signed}.${sign("RSA-SHA256", Buffer.from(signed), key).toString("base64url")}`;
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
