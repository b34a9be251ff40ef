import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter } from "node:path";

/** Variables that say where the tests find what they need. */
const OF_THE_TESTS = [
  "PARLEY_CHROMIUM",
  "PARLEY_CORPUS",
  "PARLEY_CRASH_ROUNDS",
  "PARLEY_CRASH_SEED",
  "PARLEY_MUTANT_SEED",
  "PARLEY_SPEC",
  "PARLEY_STORM_SEED",
  "PARLEY_TEST_DATABASE_URL",
  "PARLEY_TEST_REDIS_URL",
];

/**
 * Runs once before the suite. Whatever only some tests need (a browser) is found or installed by the helper that those
 * tests call, so that running one unit test stays instant; only what every worker shares belongs here.
 */
export default function setup(): void {
  // Child processes started by the tests (the gateway, buf, npm) must meet the bundled Node, however the suite was started.
  process.env["PATH"] = `${process.cwd()}/node_modules/.bin${delimiter}${process.env["PATH"] ?? ""}`;
  // A developer's own settings and provider keys must not reach a gateway under test.
  for (const name of Object.keys(process.env)) {
    const isOurs = name.startsWith("PARLEY_") && !OF_THE_TESTS.includes(name);
    const isProviderKey = name.endsWith("_API_KEY") || ["HF_TOKEN", "OLLAMA_HOST"].includes(name);
    if (isOurs || isProviderKey) delete process.env[name];
  }
  keepCompiledCode();
}

// Compiling the gateway is most of what a start of it costs. A process that is killed leaves nothing in the cache, hence
// one that ends by itself fills it, beside the first tests.
function keepCompiledCode(): void {
  const folder = `${process.cwd()}/node_modules/.cache/parley-tests`;
  const isFilled = existsSync(folder);
  process.env["NODE_COMPILE_CACHE"] = folder;
  if (!isFilled) spawn("node", ["src/main.ts", "--help"], { stdio: "ignore" }).unref();
}
