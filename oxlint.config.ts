import { defineConfig, type OxlintOverride } from "oxlint";
import { compositionRoots, layers, outsideFolders } from "./tools/layers.ts";

const useRuntime = "take time, timers, randomness and ids from src/runtime, so that tests run on virtual time";

interface ImportPattern {
  regex: string;
  message: string;
  allowTypeImports?: boolean;
}

const realTimeImports = [
  ...["timers", "timers/promises", "perf_hooks"].flatMap((name) => [
    { name, message: useRuntime },
    { name: `node:${name}`, message: useRuntime },
  ]),
  {
    name: "node:crypto",
    importNames: ["randomBytes", "randomFill", "randomFillSync", "randomInt", "randomUUID", "webcrypto"],
    message: useRuntime,
  },
];

const realTimeProperties = [
  { object: "Date", property: "now", message: useRuntime },
  { object: "Math", property: "random", message: useRuntime },
  { object: "AbortSignal", property: "timeout", message: useRuntime },
  { object: "process", property: "hrtime", message: useRuntime },
  ...["randomUUID", "getRandomValues", "randomBytes", "randomInt"].map((property) => ({
    object: "crypto",
    property,
    message: useRuntime,
  })),
  ...["setTimeout", "setInterval", "setImmediate", "performance"].map((property) => ({
    object: "globalThis",
    property,
    message: useRuntime,
  })),
];

const realTimeGlobals = ["setTimeout", "setInterval", "setImmediate", "performance"].map((name) => ({
  name,
  message: useRuntime,
}));

// Every file of src sees these two; a file's last matching override replaces the whole rule, hence one list per folder.
const everywhereInSource: ImportPattern[] = [
  {
    regex: `^(\\.\\./)+(${outsideFolders.join("|")})(/|$)`,
    message: "src never imports what stands beside it (tools/layers.ts)",
  },
  {
    regex: "^(\\.\\./)+contract/gen(/|$)",
    message: "generated code is imported through src/contract only",
  },
];

function layerPatterns(folder: string): ImportPattern[] {
  const allowed = layers[folder] ?? {};
  const message = `${folder} may import only: ${Object.keys(allowed).join(", ") || "nothing of ours"} (tools/layers.ts)`;
  const others = [...Object.keys(layers), "app\\.ts", "main\\.ts"].filter((other) => other !== folder);
  const forbidden = others.filter((other) => !allowed[other]);
  const typesOnly = others.filter((other) => allowed[other] === "types");
  const patterns: ImportPattern[] = [{ regex: `^(\\.\\./)+(${forbidden.join("|")})(/|$)`, message }];
  if (typesOnly.length > 0) {
    const regex = `^(\\.\\./)+(${typesOnly.join("|")})(/|$)`;
    patterns.push({ regex, message: `${message}; of ${typesOnly.join(", ")} types only`, allowTypeImports: true });
  }
  return patterns;
}

function restrictImports(files: string, paths: typeof realTimeImports, patterns: ImportPattern[]): OxlintOverride {
  return {
    files: [files],
    excludeFiles: ["**/*.test.ts"],
    rules: { "no-restricted-imports": ["error", { paths, patterns }] },
  };
}

const layerOverrides = Object.keys(layers)
  .filter((folder) => !compositionRoots.includes(folder))
  .map((folder) =>
    restrictImports(`src/${folder}/**/*.ts`, folder === "runtime" ? [] : realTimeImports, [
      ...(folder === "contract" ? everywhereInSource.slice(0, 1) : everywhereInSource),
      ...layerPatterns(folder),
    ]),
  );

export default defineConfig({
  plugins: ["typescript", "import", "unicorn", "oxc", "node", "promise", "vitest"],
  options: { typeAware: true },
  categories: { correctness: "error" },
  ignorePatterns: ["src/contract/gen/**", "sdk/src/gen/**", "**/dist/**", "third_party/**", "coverage/**"],
  rules: {
    eqeqeq: "error",
    "prefer-const": "error",
    "no-var": "error",
    "no-shadow": "error",
    "import/no-cycle": "error",
    "import/no-self-import": "error",
    "typescript/no-explicit-any": "error",
    "typescript/no-floating-promises": "error",
    "typescript/no-misused-promises": "error",
    "typescript/no-import-type-side-effects": "error",
    "typescript/consistent-type-imports": "error",
    "typescript/only-throw-error": "error",
    "typescript/return-await": ["error", "error-handling-correctness-only"],
    "vitest/no-focused-tests": "error",
    // Buffers on the hot path are allocated at their final length.
    "unicorn/no-new-array": "off",
  },
  overrides: [
    {
      files: ["src/**/*.ts", "sdk/src/**/*.ts"],
      excludeFiles: ["**/*.test.ts"],
      rules: {
        "max-lines-per-function": ["error", { max: 70, skipComments: true, skipBlankLines: true }],
        "typescript/no-unsafe-argument": "error",
        "typescript/no-unsafe-assignment": "error",
        "typescript/no-unsafe-call": "error",
        "typescript/no-unsafe-member-access": "error",
        "typescript/no-unsafe-return": "error",
      },
    },
    {
      files: ["src/**/*.ts"],
      excludeFiles: ["**/*.test.ts", "src/runtime/**"],
      rules: {
        "no-restricted-globals": ["error", ...realTimeGlobals],
        "no-restricted-properties": ["error", ...realTimeProperties],
      },
    },
    restrictImports("src/**/*.ts", realTimeImports, everywhereInSource),
    ...layerOverrides,
    {
      // A codec is pure: whatever it needs from outside arrives as an argument.
      files: ["src/dialects/**/*.ts"],
      excludeFiles: ["**/*.test.ts"],
      rules: {
        "no-restricted-globals": ["error", ...realTimeGlobals, "fetch", "process", "console"],
      },
    },
    {
      // Stories read answers of any shape, and assert through helpers that the linter cannot see through.
      files: ["test/**/*.ts", "**/*.test.ts"],
      rules: {
        "typescript/no-explicit-any": "off",
        "vitest/expect-expect": "off",
        "vitest/no-standalone-expect": "off",
        "vitest/no-disabled-tests": "off",
        "vitest/valid-title": "off",
      },
    },
    restrictImports(
      "sdk/src/**/*.ts",
      [],
      [{ regex: "^(\\.\\./)+(src|test|tools|bench)/", message: "the SDK is published on its own: sdk/src only" }],
    ),
  ],
});
