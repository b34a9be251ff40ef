import { inspect } from "node:util";
import { redact } from "../errors/index.ts";
import { describe, expect, test } from "vitest";
import { Delivery, Priority, Support } from "../contract/index.ts";
import { KNOWN } from "./known-names.fixture.ts";
import { loadConfig, type LoadedConfig, type LoadOptions } from "./load.ts";
import { ConfigError, formatConfigError, type ConfigProblem } from "./problem.ts";

const missing = (path: string): never => {
  throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
};

function load(files: Record<string, string>, options: Partial<LoadOptions> = {}): LoadedConfig {
  return loadConfig({
    argv: [],
    env: {},
    cwd: "/srv",
    known: KNOWN,
    readFile: (path) => files[path] ?? missing(path),
    ...options,
  });
}

function loadYaml(text: string, options: Partial<LoadOptions> = {}): LoadedConfig {
  return load({ "/srv/parley.yaml": text }, options);
}

function problemsOf(run: () => unknown): readonly ConfigProblem[] {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error("expected a ConfigError");
}

const HOUSE = `version: 1
providers:
  house:
    kind: generic
    base_url: http://127.0.0.1:8000/v1/
`;

describe("loadConfig", () => {
  test("reads a whole file into the configuration that the app builds from", () => {
    const text = `version: 1
server: { port: 9000, open: [metrics], cors_origins: ["https://app.example.com"], limits: { request: 4MiB },
          timeouts: { total: 90s, connect: 250ms }, drain: { accept: 0s }, durability: full, data: state }
sandbox: true
providers:
  acme: { kind: acme, credentials: [{ api_key: "\${KEY_A}" }, { api_key: "\${file:secrets/b}" }], api: chat }
  house:
    kind: generic
    base_url: "http://127.0.0.1:8000/v1/"
    models: { small: { id: vendor/small-7b, context_tokens: 8192, price: { input: 0.25, output: "1.000000001" } } }
    region: eu
    data_policy: { retention: none, training: false }
    price: 0
    capabilities: { prefill: true, tools: emulated, seed: ignored }
    deterministic: true
routes:
  fast: { targets: [acme/any-model, { target: house/small }], strategy: ordered, delivery: commit }
defaults: { delivery: commit }
keys:
  - { name: ci, key: "\${CI_KEY}", policy: narrow }
policies:
  narrow: { allow_models: ["fast", "acme/*"], allow_raw_params: false }
  wide:
    permit: { reasoning: false, raw_params: [top_k], cost_tier: standard, max_output_tokens: 4096, required_tags: [team] }
    rates: [{ requests: 600, per: minute }, { tokens: "200000", per: hour, models: ["acme/*"] }, { concurrency: 20 }]
`;
    const { config, file, reads } = load(
      { "/srv/etc/parley.yaml": text, "/srv/etc/secrets/b": "secret-b\n" },
      { argv: ["--config", "etc/parley.yaml"], env: { KEY_A: "secret-a", CI_KEY: "0123456789abcdef" } },
    );
    expect(file).toBe("/srv/etc/parley.yaml");
    expect([...reads.keys()]).toEqual(["/srv/etc/parley.yaml", "/srv/etc/secrets/b"]);
    expect(config.server).toMatchObject({ host: "127.0.0.1", port: 9000, dataDir: "/srv/etc/state" });
    expect(config.server).toMatchObject({
      open: ["metrics"],
      durability: "full",
      drain: { acceptMs: 0, graceMs: 600_000 },
    });
    expect(config.server.limits).toMatchObject({ requestBytes: 4 * 1024 ** 2, jsonDepth: 64 });
    expect(config.server.timeouts).toMatchObject({ totalMs: 90_000, connectMs: 250, progressMs: 15_000 });
    const [acme, house] = config.providers;
    expect(acme).toMatchObject({ name: "acme", kind: "acme", baseUrl: undefined, models: undefined, api: "chat" });
    expect(acme?.credentials.map(({ id, apiKey }) => [id, apiKey?.reveal()])).toEqual([
      ["acme#1", "secret-a"],
      ["acme#2", "secret-b"],
    ]);
    expect(house).toMatchObject({ baseUrl: "http://127.0.0.1:8000/v1", credentials: [] });
    expect(house?.facts).toMatchObject({
      region: "eu",
      deterministic: true,
      dataPolicy: { retains: false, trains: false },
    });
    expect(house?.facts.prices?.entries.every((entry) => entry.nanoUsd === 0)).toBe(true);
    expect(house?.facts.capabilities).toEqual({
      prefill: Support.NATIVE,
      tools: Support.EMULATED,
      seed: Support.IGNORED,
    });
    expect(house?.models).toEqual([
      {
        publicId: "small",
        nativeId: "vendor/small-7b",
        facts: {
          contextTokens: 8192,
          prices: {
            version: "config",
            entries: [
              { unit: "input", nanoUsd: 250_000_000 },
              { unit: "output", nanoUsd: 1_000_000_001 },
            ],
          },
        },
      },
    ]);
    const targets = [
      { target: "acme/any-model", weight: 1, quality: undefined, canaryPercent: undefined },
      { target: "house/small", weight: 1, quality: undefined, canaryPercent: undefined },
    ];
    expect(config.routes).toMatchObject([
      { name: "fast", targets, strategy: "ordered", delivery: Delivery.COMMIT, priority: Priority.INTERACTIVE },
    ]);
    expect(config.keys).toMatchObject([{ name: "ci", role: "chat", policy: "narrow" }]);
    expect(config.policies).toMatchObject([
      {
        name: "narrow",
        allowModels: ["fast", "acme/*"],
        denyModels: [],
        constraints: undefined,
        permit: { rawParams: false, reasoning: true, maxOutputTokens: undefined, requiredTags: [] },
        rates: [],
        content: [],
        budgets: [],
        onLowBudget: "refuse",
        whenExceeded: undefined,
      },
      {
        name: "wide",
        allowModels: ["*"],
        permit: {
          reasoning: false,
          rawParams: ["top_k"],
          costTier: "standard",
          maxOutputTokens: 4096,
          requiredTags: ["team"],
        },
        rates: [
          { kind: "requests", limit: 600, windowMs: 60_000, models: undefined },
          { kind: "tokens", limit: 200_000, windowMs: 3_600_000, models: ["acme/*"] },
          { kind: "concurrency", limit: 20, windowMs: 0, models: undefined },
        ],
      },
    ]);
    expect(config.sandbox).toBe(true);
  });

  test("lets a flag win over the environment, which wins over the file", () => {
    const text = `${HOUSE}server: { host: 10.0.0.1, port: 1, data: d }\n`;
    const env = { PARLEY_PORT: "2", PARLEY_HOST: "10.0.0.2", PARLEY_DATA: "" };
    const { server } = loadYaml(text, { env, argv: ["--port", "3"] }).config;
    expect(server).toMatchObject({ host: "10.0.0.2", port: 3, dataDir: "/srv/d" });
  });

  test("takes the address of a PostgreSQL from the environment, and shows nothing of it", () => {
    const env = { PARLEY_DATABASE_URL: "postgresql://parley:s%2Fecret-word@db:5432/parley" };
    const { config } = loadYaml(HOUSE, { env });
    expect(config.databaseUrl?.reveal()).toBe(env.PARLEY_DATABASE_URL);
    expect(JSON.stringify(config)).not.toContain("ecret-word");
    expect(redact("password s/ecret-word")).toBe("password [redacted]");
    expect(() => loadYaml(HOUSE, { env: { PARLEY_DATABASE_URL: "mysql://u:hidden-word@db" } })).toThrow(
      /^(?!.*hidden-word)[^]*PARLEY_DATABASE_URL[^]*expected the address of a PostgreSQL/,
    );
  });

  test("keeps default models apart from any and from a list", () => {
    const models = (value: string) => loadYaml(`${HOUSE}${value}`).config.providers[0]?.models;
    expect(models("")).toBeUndefined();
    expect(models("    models: any\n")).toBe("any");
    expect(models("    models: [a/b, c]\n")).toEqual([
      { publicId: "a/b", nativeId: "a/b", facts: {} },
      { publicId: "c", nativeId: "c", facts: {} },
    ]);
  });

  test("fills placeholders within text, keeps $${ as it is, and does not look at what they bring in", () => {
    const text = `version: 1
providers:
  house: { kind: generic, base_url: "http://\${HOST}:80/$\${x}", api_key: "\${KEY}" }
`;
    const { config } = loadYaml(text, { env: { HOST: "h", KEY: "a${HOST}" } });
    expect(config.providers[0]?.baseUrl).toBe("http://h:80/${x}");
    expect(config.providers[0]?.credentials[0]?.apiKey?.reveal()).toBe("a${HOST}");
  });

  test("takes numbers and booleans from the environment too", () => {
    const text = 'version: 1\nsandbox: "${ON}"\nserver: { port: "${PORT}", limits: { headers: "${SIZE}" } }\n';
    const { config } = loadYaml(text, { env: { ON: "true", PORT: "81", SIZE: "8KiB" } });
    expect([config.sandbox, config.server.port, config.server.limits.headerBytes]).toEqual([true, 81, 8192]);
  });

  test("makes PARLEY_ADMIN_KEY an administrator's key before those of the file", () => {
    const text = 'version: 1\nsandbox: true\nkeys: [{ name: ci, key: "0123456789abcdef" }]\n';
    const { config } = loadYaml(text, { env: { PARLEY_ADMIN_KEY: "pass phrase of mine" } });
    expect(config.keys.map(({ name, role }) => [name, role])).toEqual([
      ["PARLEY_ADMIN_KEY", "admin"],
      ["ci", "chat"],
    ]);
    expect(config.keys[0]?.key?.reveal()).toBe("pass phrase of mine");
  });

  test("names an open door of an address that others can reach", () => {
    const text = "version: 1\nsandbox: true\nserver: { open: [metrics] }\n";
    expect(loadYaml(text).notices).toEqual([]);
    expect(loadYaml(text, { argv: ["--host", "0.0.0.0"] }).notices).toEqual([
      "server.open lets anyone who reaches 0.0.0.0 see metrics without a key",
    ]);
  });

  test("tells that a file without providers can answer nothing", () => {
    expect(loadYaml("version: 1\n").notices).toEqual([
      "the configuration has no provider and no sandbox: every model is unknown",
    ]);
  });

  test("tells of an environment variable that looks like a misspelt setting", () => {
    expect(load({}, { env: { PARLEY_PROT: "1", PARLEY_CORPUS: "x", PARLEY_API_KEY: "x" } }).notices).toEqual([
      "PARLEY_PROT is set, but is no setting; did you mean PARLEY_PORT?",
    ]);
  });

  test("tells a missing file only where somebody named it", () => {
    expect(load({}).file).toBeUndefined();
    const [problem] = problemsOf(() => load({}, { env: { PARLEY_CONFIG: "x.yaml" } }));
    expect(problem).toMatchObject({ code: "not_found", key: "PARLEY_CONFIG", line: undefined });
    expect(problem?.message).toBe("the configuration file /srv/x.yaml cannot be read: it does not exist");
    const denied = (): never => {
      throw Object.assign(new Error("EACCES"), { code: "EACCES" });
    };
    expect(problemsOf(() => load({}, { readFile: denied }))[0]).toMatchObject({ code: "unreadable" });
  });

  test("gives administration an address of its own, the flag's or the file's, and not the main one", () => {
    const adminOf = (argv: string[], text = "version: 1\n") => loadYaml(text, { argv }).config.server.admin;
    expect(adminOf([])).toBeUndefined();
    expect(adminOf(["--admin-port", "1"])).toEqual({ host: "127.0.0.1", port: 1 });
    const file = "version: 1\nserver: { admin_host: 10.0.0.1, admin_port: 9 }\n";
    expect(adminOf([], file)).toEqual({ host: "10.0.0.1", port: 9 });
    expect(adminOf(["--admin-host", "::1", "--admin-port", "0"], file)).toEqual({ host: "::1", port: 0 });
    expect(problemsOf(() => adminOf(["--admin-port", "8080"]))[0]).toMatchObject({ code: "conflict" });
    expect(problemsOf(() => adminOf(["--admin-host", "h"]))[0]).toMatchObject({ key: "--admin-port", code: "missing" });
  });

  test("takes the address of a Redis only beside a PostgreSQL, and shows none of its password", () => {
    const env = {
      PARLEY_DATABASE_URL: "postgresql://db/parley",
      PARLEY_REDIS_URL: "rediss://parley:hidden-word@cache:6380/1",
    };
    const { config } = load({}, { env });
    expect(config.redisUrl?.reveal()).toBe(env.PARLEY_REDIS_URL);
    expect(JSON.stringify(config)).not.toContain("hidden-word");
    expect(problemsOf(() => load({}, { env: { PARLEY_REDIS_URL: "redis://cache" } }))).toMatchObject([
      { code: "conflict", key: "PARLEY_REDIS_URL", message: expect.stringContaining("PARLEY_DATABASE_URL") },
    ]);
    const wrong = problemsOf(() => load({}, { env: { ...env, PARLEY_REDIS_URL: "http://u:hidden-word@cache" } }));
    expect(wrong).toMatchObject([{ code: "invalid_value", key: "PARLEY_REDIS_URL" }]);
    expect(JSON.stringify(wrong)).not.toContain("hidden-word");
  });

  test("says what an isolated replica does, refuse unless told otherwise", () => {
    expect(loadYaml(HOUSE).config.fleet).toEqual({ whenIsolated: "refuse" });
    expect(loadYaml(`${HOUSE}\nfleet: { when_isolated: continue }\n`).config.fleet.whenIsolated).toBe("continue");
  });

  test("tells problems of the environment and of the file together", () => {
    const keys = problemsOf(() =>
      loadYaml("version: 2\n", { env: { PARLEY_PORT: "99999", PARLEY_ADMIN_KEY: "short" } }),
    );
    expect(keys.map(({ key }) => key)).toEqual(["PARLEY_PORT", "PARLEY_ADMIN_KEY", "version"]);
  });

  test("never shows a secret, whether it is right, wrong, in the wrong place or merely printed", () => {
    const secret = "very-secret-value-of-mine";
    const env = { S: secret, PARLEY_ADMIN_KEY: `${secret}\u00e9` };
    const text = `version: 1
providers:
  "a": { kind: "\${S}", base_url: "\${S}", api_key: "\${S} ", api: "\${S}", region: ["\${S}"], apikey: ${secret} }
routes:
  r: { targets: ["\${S}", "\${S}/x", "x\${S}"], strategy: "\${S}" }
keys:
  - { name: "\${S}", key: ${secret}\u00e9, policy: "\${S}", role: "\${S}" }
server: { port: "\${S}", durability: "\${S}", tls: { cert: "\${S}", key: ${secret} } }
`;
    const problems = problemsOf(() => loadYaml(text, { env }));
    expect(problems.length).toBeGreaterThan(12);
    expect(formatConfigError(new ConfigError(problems))).not.toContain(secret);
    const good = `version: 1\nproviders: { a: { kind: acme, api_key: "\${S}" } }\n`;
    const loaded = loadYaml(good, { env: { S: secret } });
    const { config } = loaded;
    expect(`${JSON.stringify(loaded)}${inspect(loaded, { depth: 9, showHidden: true })}`).not.toContain(secret);
    expect(String(config.providers[0]?.credentials[0]?.apiKey)).toBe("[secret]");
  });
});

describe("zero-config", () => {
  test("makes a provider of each kind whose variables are set, and tells of those that cannot make one", () => {
    const env = { ACME_TOKEN: "sk-abc", ACME_API_KEY: "", GENERIC_LISTEN: "0.0.0.0", GENERIC_KEY: "k" };
    const { config, notices } = load({}, { env });
    expect(config.providers).toMatchObject([{ name: "acme", kind: "acme", baseUrl: undefined, models: undefined }]);
    expect(config.providers[0]?.credentials[0]?.apiKey?.reveal()).toBe("sk-abc");
    expect(notices).toEqual([
      "GENERIC_LISTEN is set, but Parley does not read it: configure a provider of kind generic in a file",
    ]);
    expect(load({}, { env: { GENERIC_LISTEN: "" } }).notices).toEqual([]);
  });

  test("takes the first variable that is set, and an address where a kind needs one", () => {
    const env = { ACME_API_KEY: "first", ACME_TOKEN: "second", GENERIC_HOST: "http://h:1/v1/" };
    const [acme, generic] = load({}, { env }).config.providers;
    expect(acme?.credentials[0]?.apiKey?.reveal()).toBe("first");
    expect(generic).toMatchObject({ name: "generic", baseUrl: "http://h:1/v1", credentials: [] });
  });

  test("completes an address in a loose form, and refuses what is none", () => {
    const { config } = load({}, { env: { GENERIC_AT: "0.0.0.0" } });
    expect(config.providers).toMatchObject([{ name: "generic", baseUrl: "http://127.0.0.1:7070/v1", credentials: [] }]);
    expect(problemsOf(() => load({}, { env: { GENERIC_AT: "unix:///run/s" } }))).toMatchObject([
      { code: "invalid_value", key: "GENERIC_AT" },
    ]);
  });

  test("runs the sandbox with the route to watch a rescue with", () => {
    const { config } = load({});
    expect(config).toMatchObject({ sandbox: true, source: "zero-config", keys: [], policies: [] });
    expect(config.routes).toMatchObject([
      {
        name: "failover-demo",
        targets: [
          { target: "sandbox/fault-503", weight: 1 },
          { target: "sandbox/story", weight: 1 },
        ],
        strategy: "ordered",
      },
    ]);
  });

  test.each([
    ["127.0.0.1", ["metrics", "reflection"]],
    ["127.9.9.9", ["metrics", "reflection"]],
    ["localhost", ["metrics", "reflection"]],
    ["::1", ["metrics", "reflection"]],
    ["0.0.0.0", []],
    ["::", []],
    ["192.168.0.2", []],
    ["127.0.0.1.example.com", []],
  ])("on %s opens the doors %j", (host, open) => {
    expect(load({}, { argv: ["--host", host] }).config.server.open).toEqual(open);
  });

  test("refuses a key that no header can carry and an address that is none, and shows neither", () => {
    const problems = problemsOf(() => load({}, { env: { ACME_API_KEY: "sk-abc\nx", GENERIC_HOST: "http://u:pw@h" } }));
    expect(problems.map(({ code, key }) => [code, key])).toEqual([
      ["invalid_value", "ACME_API_KEY"],
      ["invalid_value", "GENERIC_HOST"],
    ]);
    expect(JSON.stringify(problems)).not.toMatch(/sk-abc|pw/);
  });
});
