import { parseArgs } from "node:util";
import { realRuntime } from "../runtime/real.ts";
import { startSandbox } from "./sandbox.ts";

const USAGE = "npm start -- sandbox [--port N] [--host H]";

/**
 * Runs the sandbox on its own until SIGTERM or SIGINT. `args` are those after `sandbox`. Prints one line with its URL.
 * Throws an `Error` for arguments that it cannot use.
 */
export async function runSandbox(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: "string", default: "0" },
      host: { type: "string", default: "127.0.0.1" },
    },
  });
  const sandbox = await startSandbox({
    runtime: realRuntime(),
    host: values.host,
    port: wholeNumber("--port", values.port, 65_535),
  });
  process.stdout.write(`Sandbox listens on ${sandbox.url} (models: ${sandbox.url}/sandbox/models)\n`);
  await new Promise<void>((resolve) => {
    process.once("SIGTERM", () => resolve());
    process.once("SIGINT", () => resolve());
  });
  await sandbox.close();
}

function wholeNumber(flag: string, text: string, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value <= max) return value;
  throw new Error(
    `Cannot start the sandbox: ${flag} is "${text}", expected a whole number up to ${max}. Usage: ${USAGE}`,
  );
}
