import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { knownNames, startApp, type App } from "../../src/app.ts";
import { loadConfig } from "../../src/config/load.ts";
import { redact } from "../../src/errors/index.ts";
import { createLog } from "../../src/observe/log.ts";
import { realRuntime } from "../../src/runtime/real.ts";
import type { Sandbox } from "../../src/sandbox/index.ts";

/** A whole gateway on a free port of this process, with the sandbox behind it. */
export interface TestGateway {
  readonly url: string;
  readonly port: number;
  readonly app: App;
  readonly sandbox: Sandbox;
  readonly adminKey: string;
  readonly localKey: string;
  readonly dataDir: string;
  /** What the gateway has logged. */
  readonly logText: () => string;
  close(): Promise<void>;
}

/** How a test's gateway differs from zero-config. */
export interface TestGatewayOptions {
  /** A configuration file's text; `sandbox: true` has to be in it. */
  readonly yaml?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Further flags. */
  readonly argv?: readonly string[];
}

/** Starts a gateway through the same steps as `npm start`, short of the process. */
export async function startGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const folder = mkdtempSync(join(tmpdir(), "parley-test-"));
  const dataDir = join(folder, "data");
  const argv = ["--port", "0", "--data", dataDir, ...(options.argv ?? [])];
  if (options.yaml !== undefined) {
    writeFileSync(join(folder, "parley.yaml"), options.yaml);
    argv.push("--config", join(folder, "parley.yaml"));
  }
  const runtime = realRuntime();
  let lines = "";
  const log = createLog({ runtime, redact, level: "debug", flushMs: 1, write: (text) => void (lines += text) });
  const loaded = loadConfig({ argv, env: options.env ?? {}, cwd: folder, known: knownNames() });
  const app = await startApp({ loaded, runtime, log, version: "test" });
  const { sandbox } = app;
  if (!sandbox) throw new Error("Cannot test without the sandbox: the configuration switches it off");
  const keyOf = (name: string): string => {
    const file = app.keyFiles.find((one) => one.name === name);
    return file ? readFileSync(file.path, "utf8").trim() : "";
  };
  return {
    url: `http://127.0.0.1:${app.port}`,
    port: app.port,
    app,
    sandbox,
    adminKey: keyOf("admin"),
    localKey: keyOf("local"),
    dataDir,
    logText() {
      log.flush();
      return lines;
    },
    async close() {
      await app.close();
      log.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
