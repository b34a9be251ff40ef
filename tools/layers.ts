// Who may import whom: the one table behind the linter (oxlint.config.ts) and test/architecture.test.ts.

/** How a layer may use another one: everything, its types only, or the one named file at the other's top. */
export type Access = "all" | "types" | `only ${string}`;

/** What a folder directly under src/ may import from its neighbours; what is not named is forbidden. */
export type Layer = Readonly<Record<string, Access>>;

const foundations: Layer = { contract: "all", errors: "all", observe: "all", runtime: "all" };

// Policy, routing and ledger see stores through their interfaces, so that a store can be exchanged behind them.
const domain: Layer = { ...foundations, catalog: "all", store: "types" };

/** The folders directly under src/; an unknown folder is an error, so that every new one gets its row here. */
export const layers: Readonly<Record<string, Layer>> = {
  runtime: {},
  contract: {},
  errors: { contract: "all", runtime: "all" },
  observe: { contract: "all", runtime: "all" },
  catalog: foundations,
  upstream: foundations,
  store: foundations,
  config: { ...foundations, catalog: "types" },
  dialects: { contract: "all", errors: "all", catalog: "types" },
  // The request and the clock pass through an adapter on their way to a pure codec: their types do, not their doing.
  providers: {
    dialects: "all",
    catalog: "all",
    errors: "all",
    upstream: "types",
    contract: "types",
    runtime: "types",
  },
  policy: domain,
  routing: domain,
  ledger: domain,
  pipeline: {
    ...foundations,
    policy: "all",
    routing: "all",
    ledger: "all",
    providers: "only adapter.ts",
    upstream: "all",
  },
  services: {
    contract: "all",
    errors: "all",
    policy: "all",
    routing: "all",
    ledger: "all",
    catalog: "all",
    store: "types",
    // Ports such as the clock are injected; naming their type is not using the real one.
    runtime: "types",
  },
  surfaces: {
    contract: "all",
    errors: "all",
    observe: "all",
    pipeline: "all",
    services: "all",
    dialects: "types",
    // A surface hands on who is calling, and never decides what they may do.
    policy: "types",
    runtime: "all",
  },
  // The other side of the wire: it shares the wire's types and the clock with the gateway, and nothing else.
  sandbox: { dialects: "types", runtime: "all" },
  cli: {},
};

/** Folders whose subfolders are equals and never import each other. */
export const siblingFolders: readonly string[] = ["dialects", "surfaces"];

/** Files and folders under src/ that put the parts together and therefore may import all of them. */
export const compositionRoots: readonly string[] = [
  "main.ts",
  "app.ts",
  "live-config.ts",
  "administration.ts",
  "open-fleet.ts",
  "open-money.ts",
  "open-ports.ts",
  "cli",
];

/** Top-level folders that no file of src/ may import, tests excepted. */
export const outsideFolders: readonly string[] = ["test", "sdk", "bench", "tools", "scripts"];
