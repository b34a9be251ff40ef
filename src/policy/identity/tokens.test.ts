import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type JWTPayload } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { ParleyError, reasonName } from "../../errors/index.ts";
import { VirtualRuntime } from "../../runtime/virtual.ts";
import { policySource } from "./compile-principal.ts";
import { IssuerKeys } from "./issuer-keys.ts";
import { isToken, Tokens, type Issuer } from "./tokens.ts";

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;
let pair: Pair;
let other: Pair;
const source = policySource(
  [{ name: "narrow", allowModels: ["fast"] }],
  [{ name: "acme", policy: "narrow", projects: [{ name: "search", policy: undefined }] }],
);

beforeAll(async () => {
  [pair, other] = await Promise.all([generateKeyPair("ES256"), generateKeyPair("ES256")]);
});

const jwksOf = async (...keys: [Pair, string][]) => ({
  keys: await Promise.all(
    keys.map(async ([{ publicKey }, kid]) => ({ ...(await exportJWK(publicKey)), kid, alg: "ES256" })),
  ),
});

async function setUp(over: Partial<Issuer> = {}) {
  const runtime = new VirtualRuntime();
  const nowSeconds = (): number => Math.floor(runtime.nowMs() / 1000);
  const state = { jwks: (await jwksOf([pair, "k1"])) as unknown, fetches: 0, away: false };
  const keys = new IssuerKeys(
    {
      fetch: async () => {
        state.fetches += 1;
        if (state.away) throw new Error("away");
        return state.jwks;
      },
    },
    runtime,
  );
  const issuer: Issuer = {
    name: "corp",
    issuer: "https://login.example.com",
    audience: "parley",
    algorithms: ["ES256"],
    clockSkewMs: 30_000,
    keys,
    claims: { organisation: "org" },
    fixed: { role: "chat", organisation: undefined, project: undefined, policy: undefined },
    ...over,
  };
  const tokens = new Tokens(runtime, source);
  tokens.use([issuer], source);
  const claims = (more: Record<string, unknown> = {}): JWTPayload => ({
    iss: "https://login.example.com",
    aud: "parley",
    sub: "somebody@example.com",
    exp: nowSeconds() + 300,
    org: "acme",
    ...more,
  });
  const sign = (more: Record<string, unknown> = {}, by: Pair = pair, kid = "k1"): Promise<string> =>
    new SignJWT(claims(more)).setProtectedHeader({ alg: "ES256", kid }).sign(by.privateKey);
  const end = async (text: string): Promise<string> => {
    try {
      return (await tokens.authenticate(text)).keyId;
    } catch (thrown) {
      if (thrown instanceof ParleyError) return `${reasonName(thrown.reason)}: ${thrown.message}`;
      throw thrown;
    }
  };
  return { runtime, state, tokens, claims, sign, end, nowSeconds, issuer };
}

describe("tokens", () => {
  test("are verified once, and known by their digest until their end", async () => {
    const { tokens, sign, end, runtime, state } = await setUp();
    const text = await sign();
    expect(isToken(text)).toBe(true);
    const first = tokens.authenticate(text);
    expect(first).toBeInstanceOf(Promise);
    const holder = await first;
    expect(holder).toMatchObject({ name: "somebody@example.com", role: "chat", organisation: "acme" });
    expect(holder.keyId).toMatch(/^token:corp:[0-9a-f]{16}$/);
    expect(["fast", "slow"].filter(holder.allowsModel)).toEqual(["fast"]);
    expect(tokens.authenticate(text)).toBe(holder);
    expect([state.fetches, tokens.rights(holder.keyId)?.organisation]).toEqual([1, "acme"]);
    await runtime.advance(330_001);
    expect(await end(text)).toBe("UNAUTHENTICATED: Cannot authenticate: the token has expired");
  });

  test("are refused for what they say, whoever signed them", async () => {
    const { sign, end, nowSeconds } = await setUp();
    const refused: [Record<string, unknown>, RegExp][] = [
      [{ aud: "other" }, /claim aud/],
      [{ iss: "https://evil.example.com" }, /issuer is not one/],
      [{ exp: nowSeconds() - 31 }, /has expired/],
      [{ nbf: nowSeconds() + 60 }, /claim nbf/],
      [{ sub: undefined }, /claim sub/],
      [{ exp: undefined }, /claim exp/],
      [{ org: undefined }, /claim org, which says its organisation, is missing/],
      [{ org: ["acme"] }, /claim org/],
      [{ org: "none" }, /the configuration has not/],
    ];
    for (const [more, why] of refused) {
      expect(await end(await sign(more))).toMatch(why);
      expect(await end(await sign(more))).toMatch(/^UNAUTHENTICATED: /);
    }
    expect(await end(await sign({ nbf: nowSeconds() + 20, exp: nowSeconds() - 20 }))).toMatch(/^token:corp:/);
  });

  test("are refused for how they are signed", async () => {
    const { claims, sign, end } = await setUp();
    const stranger = await sign({}, other);
    const secret = new TextEncoder().encode(JSON.stringify(await exportJWK(pair.publicKey)));
    const symmetric = await new SignJWT(claims()).setProtectedHeader({ alg: "HS256", kid: "k1" }).sign(secret);
    const none = new UnsecuredJWT(claims()).encode();
    const good = await sign();
    const [head = "", body = "", signature = ""] = good.split(".");
    const altered = Buffer.from(JSON.stringify(claims({ org: "acme", admin: true }))).toString("base64url");
    const unsigned = Buffer.from('{"alg":"none"}').toString("base64url");
    for (const text of [stranger, symmetric, `${head}.${altered}.${signature}`, `${unsigned}.${body}.${signature}`]) {
      expect(await end(text)).toMatch(/^UNAUTHENTICATED: Cannot authenticate: the token/);
    }
    expect(isToken(none)).toBe(false);
  });

  test("never make an administrator by a claim, nor a role that there is not", async () => {
    const { sign, end } = await setUp({ claims: { role: "job" } });
    for (const job of ["admin", "chef", "constructor"])
      expect(await end(await sign({ job }))).toMatch(/role is none that a token may have/);
    expect(await end(await sign({ job: "viewer" }))).toMatch(/^token:corp:/);
  });

  test("of new keys are known when their issuer has turned them, and strangers do not make it be asked often", async () => {
    const { sign, end, state, runtime } = await setUp();
    expect(await end(await sign())).toMatch(/^token:/);
    await runtime.advance(31_000);
    state.jwks = await jwksOf([other, "k2"]);
    expect(await end(await sign({ jti: "1" }, other, "k2"))).toMatch(/^token:/);
    expect(state.fetches).toBe(2);
    for (let times = 0; times < 20; times++)
      expect(await end(await sign({ jti: `x${times}` }, pair, `none-${times}`))).toMatch(/^UNAUTHENTICATED/);
    expect(state.fetches).toBe(2);
  });

  test("go on while the issuer is away, for a day, and no longer", async () => {
    const { sign, end, state, runtime } = await setUp();
    expect(await end(await sign())).toMatch(/^token:/);
    state.away = true;
    await runtime.advance(23 * 3_600_000);
    expect(await end(await sign({ jti: "late" }))).toMatch(/^token:/);
    await runtime.advance(2 * 3_600_000);
    expect(await end(await sign({ jti: "too late" }))).toMatch(
      /^GATEWAY_OVERLOADED: .*keys of the token's issuer cannot be had/,
    );
    state.away = false;
    await runtime.advance(31_000);
    expect(await end(await sign({ jti: "back" }))).toMatch(/^token:/);
  });

  test("are verified anew after a reload", async () => {
    const { sign, end, tokens } = await setUp();
    const text = await sign();
    expect(await end(text)).toMatch(/^token:/);
    tokens.use([], source);
    expect(await end(text)).toMatch(/issuer is not one/);
  });
});
