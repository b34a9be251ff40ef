import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Pinning } from "./machine.ts";
import { administratorKey } from "./requests.ts";

/** A running process that answers requests. */
export interface Target {
  readonly pid: number;
  readonly port: number;
  /** Asks it to end, and kills it if it has not after 15 s. */
  stop(): Promise<void>;
}

const startTimeoutMs = 20_000;
const stopTimeoutMs = 15_000;
const pollMs = 50;
const pathOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

const living = new Set<ChildProcess>();
const folders = new Set<string>();
process.on("exit", () => {
  for (const child of living) child.kill("SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

interface Command {
  readonly core: number | undefined;
  readonly args: readonly string[];
  readonly env?: Record<string, string>;
  /** File descriptor for what it prints; undefined: read by us. */
  readonly output?: number;
}

/** Only what a program needs: keys of real providers in our environment stay out of reach. */
function bareEnvironment(): Record<string, string> {
  const { PATH = "", HOME = "" } = process.env;
  return { PATH, HOME };
}

function startNode({ core, args, env, output }: Command): ChildProcess {
  const command = core === undefined ? [] : ["taskset", "-c", String(core)];
  const [program = "", ...rest] = [...command, process.execPath, ...args];
  const child = spawn(program, rest, {
    stdio: ["pipe", output ?? "pipe", output ?? "inherit"],
    env: { ...bareEnvironment(), ...env },
  });
  living.add(child);
  child.on("exit", () => living.delete(child));
  return child;
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  const giveUp = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs);
  child.kill("SIGTERM");
  await exited;
  clearTimeout(giveUp);
}

function targetOf(child: ChildProcess, port: number, cleanUp: () => void = () => undefined): Target {
  return {
    pid: child.pid ?? 0,
    port,
    async stop() {
      await stopChild(child);
      cleanUp();
    },
  };
}

/** Starts one of our own servers, which prints its port. */
async function startOwn(core: number | undefined, file: string, ...args: string[]): Promise<Target> {
  const child = startNode({ core, args: [pathOf(file), ...args] });
  const failed = once(child, "exit").then(([code]) => {
    throw new Error(`Cannot start ${file}: it ended with exit code ${code}`);
  });
  const [line] = (await Promise.race([once(child.stdout!, "data"), failed])) as [Buffer];
  failed.catch(() => undefined);
  return targetOf(child, (JSON.parse(String(line)) as { port: number }).port);
}

/** Starts the mock upstream beside the driver. */
export function startMock(pinning: Pinning | undefined): Promise<Target> {
  return startOwn(pinning?.driverCore, "./mock-upstream.ts");
}

/** Starts the reference proxy in front of the mock. */
export function startReference(pinning: Pinning | undefined, upstreamPort: number): Promise<Target> {
  return startOwn(pinning?.targetCore, "./reference-proxy.ts", `http://127.0.0.1:${upstreamPort}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function configuration(upstreamPort: number): string {
  return `version: 1
providers:
  mock:
    kind: openai-compatible
    base_url: "http://127.0.0.1:${upstreamPort}/v1"
    api_key: bench
    models: any
    price: 0
`;
}

async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
  } catch {
    return false;
  }
}

/** Starts the gateway as a user would, with a folder of its own and the mock as its only provider. */
export async function startParley(
  pinning: Pinning | undefined,
  upstreamPort: number,
  profileFolder: string | undefined,
): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), "parley-bench-"));
  folders.add(folder);
  const [config, log] = [join(folder, "parley.yaml"), join(folder, "output.log")];
  writeFileSync(config, configuration(upstreamPort));
  const port = await freePort();
  const flags = ["--config", config, "--data", join(folder, "data"), "--host", "127.0.0.1", "--port", String(port)];
  const profiler = profileFolder === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileFolder}`];
  const output = openSync(log, "w");
  const args = [...profiler, pathOf("../src/main.ts"), ...flags];
  const child = startNode({ core: pinning?.targetCore, args, env: { PARLEY_ADMIN_KEY: administratorKey }, output });
  closeSync(output);
  const cleanUp = (): void => rmSync(folder, { recursive: true, force: true });
  for (let waitedMs = 0; !(await isReady(port)); waitedMs += pollMs) {
    if (child.exitCode !== null || waitedMs > startTimeoutMs) {
      const printed = readFileSync(log, "utf8").slice(-2_000);
      await stopChild(child);
      cleanUp();
      throw new Error(`Cannot start the gateway: it was not ready after ${waitedMs} ms. It printed:\n${printed}`);
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  return targetOf(child, port, cleanUp);
}
