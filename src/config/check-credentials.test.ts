import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { KNOWN } from "./known-names.fixture.ts";
import type { KnownNames } from "./known-names.ts";
import { loadConfig, type LoadedConfig } from "./load.ts";
import { ConfigError } from "./problem.ts";

const PEM = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .privateKey.export({ type: "pkcs8", format: "pem" })
  .toString();

const SERVICE_ACCOUNT = {
  type: "service_account",
  project_id: "from-the-file",
  private_key_id: "k1",
  private_key: PEM,
  client_email: "robot@example.com",
  token_uri: "https://oauth2.example.com/token",
};

// A kind whose addresses hold the project and a version.
const CLOUD: KnownNames = {
  ...KNOWN,
  kinds: KNOWN.kinds.map((kind) => ({
    ...kind,
    parameters: [
      { name: "project", required: true },
      { name: "api_version", required: false },
    ],
  })),
};

function load(provider: string, files: Readonly<Record<string, string>> = {}, env = {}): LoadedConfig {
  const text = `version: 1\nproviders:\n  cloud: { kind: acme, ${provider} }\n`;
  const all: Readonly<Record<string, string>> = { "/srv/parley.yaml": text, ...files };
  const readFile = (path: string): string => {
    const found = all[path];
    if (found !== undefined) return found;
    throw Object.assign(new Error("not found"), { code: "ENOENT" });
  };
  return loadConfig({ argv: [], env, cwd: "/srv", known: CLOUD, readFile });
}

function problems(provider: string, files?: Readonly<Record<string, string>>): string[] {
  try {
    load(provider, files);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ key, message }) => `${key}: ${message}`);
    throw error;
  }
  return [];
}

describe("credentials", () => {
  test("a key file of a service account is read, and tells the project", () => {
    const { config } = load('key_file: "${file:key.json}"', { "/srv/key.json": JSON.stringify(SERVICE_ACCOUNT) });
    const [cloud] = config.providers;
    expect(cloud?.parameters).toEqual({ project: "from-the-file" });
    expect(cloud?.credentials).toMatchObject([
      {
        id: "cloud#1",
        grant: {
          kind: "signed_assertion",
          tokenUrl: "https://oauth2.example.com/token",
          issuer: "robot@example.com",
          keyId: "k1",
        },
      },
    ]);
    expect(JSON.stringify(config)).not.toContain("PRIVATE KEY");
  });

  test("application-default credentials are found by the variable that names their file", () => {
    const consent = { type: "authorized_user", client_id: "id", client_secret: "secret-1", refresh_token: "consent-1" };
    const { config, reads } = load(
      'project: mine, key_file: "${file:$GOOGLE_APPLICATION_CREDENTIALS}"',
      { "/home/me/adc.json": JSON.stringify(consent) },
      { GOOGLE_APPLICATION_CREDENTIALS: "/home/me/adc.json" },
    );
    expect(reads.has("/home/me/adc.json")).toBe(true);
    expect(config.providers[0]).toMatchObject({
      parameters: { project: "mine" },
      credentials: [{ grant: { kind: "refresh_token", clientId: "id" } }],
    });
  });

  test("a pool may mix forms", () => {
    const client = "{ client: { tenant_id: t, client_id: c, client_secret: s } }";
    const { config } = load(`project: p, credentials: [{ access_token: a }, ${client}]`);
    expect(config.providers[0]?.credentials).toMatchObject([
      { id: "cloud#1" },
      { id: "cloud#2", grant: { kind: "client_credentials", tenantId: "t", tokenUrl: undefined } },
    ]);
  });

  const key = (change: object): Readonly<Record<string, string>> => ({
    "/srv/k": JSON.stringify({ ...SERVICE_ACCOUNT, ...change }),
  });
  const file = 'key_file: "${file:k}"';
  test.each<[provider: string, files: Readonly<Record<string, string>>, told: string]>([
    ["project: p", {}, "is missing: the kind acme needs a credential"],
    ["project: p, api_key: a, access_token: b", {}, "expected either api_key or access_token, not both"],
    ["project: p, api_key: a, credentials: [{ api_key: b }]", {}, "expected either api_key or credentials, not both"],
    ["project: p, credentials: [{ access_token: a }, { access_token: a }]", {}, "the pool has this credential twice"],
    ["project: p, credentials: [{}]", {}, "is missing"],
    ["api_key: a", {}, "is missing: the addresses of the kind acme hold it"],
    ["project: p, location: eu, api_key: a", {}, "the addresses of the kind acme do not hold it"],
    ['project: "a/b", api_key: a', {}, "expected a word of letters, digits"],
    [file, key({ project_id: undefined }), "is missing: the addresses of the kind acme hold it"],
    [file, key({ type: "external_account" }), "type is service_account or authorized_user"],
    [file, key({ private_key: "", client_email: 7 }), "expected a key file with client_email and private_key"],
    [file, key({ token_uri: "http://example.com/token" }), "token_uri begins with https://"],
    [file, { "/srv/k": "no json" }, "expected the JSON text of a key file"],
    [
      'project: p, client: { tenant_id: t, client_id: c, client_secret: s, token_url: "http://example.com" }',
      {},
      "expected a URL that begins with https://",
    ],
  ])("%s is refused, with its place", (provider, files, told) => {
    const found = problems(provider, files);
    expect(found.length).toBeGreaterThan(0);
    expect(found.join("\n")).toContain(told);
    expect(found.join("\n")).not.toMatch(/PRIVATE KEY|robot@/);
  });

  test("a form that a kind does not take is refused", () => {
    const text =
      'version: 1\nproviders:\n  house: { kind: generic, base_url: "http://127.0.0.1:9", access_token: a }\n';
    const read = () => loadConfig({ argv: [], env: {}, cwd: "/srv", known: KNOWN, readFile: () => text });
    expect(read).toThrow(/the kind generic does not take it: expected api_key/);
  });
});
