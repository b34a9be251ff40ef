import { readFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { startApp, knownNames, type App } from "./app.ts";
import { bannerLines } from "./config/banner.ts";
import { helpText, readFlags } from "./config/flags.ts";
import { loadConfig, type LoadOptions, type LoadedConfig } from "./config/load.ts";
import { ConfigError, formatConfigError } from "./config/problem.ts";
import { watchConfig } from "./config/watch.ts";
import { ParleyError, redact } from "./errors/index.ts";
import { createLog } from "./observe/log.ts";
import { readTestVariables } from "./runtime/crash-point.ts";
import { realRuntime } from "./runtime/real.ts";
import { runSandbox } from "./sandbox/main.ts";

const projectDir = dirname(dirname(fileURLToPath(import.meta.url)));
const runtime = realRuntime();
const log = createLog({ runtime, redact, write: (lines) => void writeSync(2, lines) });

/** A signal within this time of the first one is the same: npm passes on what a terminal or a group kill sends anyway. */
const SAME_SIGNAL_MS = 1_000;

// Errors are answers here, made for every caller that leaves and every call that Connect ends: the place where one began
// is all that is logged, and a whole stack costs a fifth of a Connect call.
Error.stackTraceLimit = 1;

/** Reads the configuration, builds the gateway, listens, and drains when told to. */
async function main(argv: readonly string[]): Promise<void> {
  const flags = readFlags(argv);
  if (flags.command === "help") return void process.stdout.write(`${helpText()}\n`);
  if (flags.command === "sandbox") return runSandbox(argv.filter((word) => word !== "sandbox"));
  const load: LoadOptions = { argv, env: process.env, cwd: process.cwd(), known: knownNames() };
  const loaded = loadConfig(load);
  const tests = readTestVariables(process.env);
  const app = await startApp({ loaded, runtime, log, version: versionOf(projectDir), ...tests });
  printBanner(app, loaded);
  const watcher = watchConfig({
    running: loaded,
    load,
    runtime,
    onChange: (next) => reload(app, next),
    onRefused: (error) =>
      log.error(`the changed configuration is refused, the running one stays\n${formatConfigError(error)}`),
    onUnwatchable: (message) => log.warn(message),
  });
  process.on("SIGHUP", () => watcher.reload());
  await untilTold(app);
  watcher.close();
  log.close();
}

function reload(app: App, next: LoadedConfig): void {
  try {
    app.reload(next);
    log.info("the changed configuration is in force; running requests end under the one they began with");
  } catch (error) {
    log.error(`the changed configuration is refused, the running one stays: ${ParleyError.from(error).message}`);
  }
}

/** Resolves when the gateway has drained after SIGTERM or SIGINT; a second signal ends streams typed. */
function untilTold(app: App): Promise<void> {
  return new Promise((resolve) => {
    let firstAtMs: number | undefined;
    const onSignal = (signal: string): void => {
      if (firstAtMs !== undefined && runtime.monotonicMs() - firstAtMs < SAME_SIGNAL_MS) return;
      log.info(firstAtMs === undefined ? "draining" : "draining at once", { signal });
      firstAtMs ??= runtime.monotonicMs();
      void app.drain().then(resolve);
    };
    process.on("SIGTERM", () => onSignal("SIGTERM"));
    process.on("SIGINT", () => onSignal("SIGINT"));
  });
}

function printBanner(app: App, loaded: LoadedConfig): void {
  const lines = bannerLines({
    config: loaded.config,
    address: app,
    projectDir,
    keyFiles: app.keyFiles.map((file) => ({
      name: file.name,
      path: file.path,
      newKey: file.isNew ? file.key.reveal() : undefined,
    })),
    notices: loaded.notices,
    isTerminal: process.stdout.isTTY,
  });
  process.stdout.write(`${lines.join("\n")}\n`);
}

function versionOf(folder: string): string {
  const manifest: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return typeof manifest === "object" && manifest !== null && "version" in manifest
    ? String(manifest.version)
    : "unknown";
}

main(process.argv.slice(2)).catch((error: unknown) => {
  log.close();
  const text =
    error instanceof ConfigError
      ? formatConfigError(error)
      : error instanceof ParleyError
        ? error.message
        : String(error);
  process.stderr.write(`${redact(text)}\n`);
  process.exitCode = 1;
});
