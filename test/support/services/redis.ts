import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { Redis } from "ioredis";
import { TestProcess } from "../process.ts";

const commandNames = ["valkey-server", "redis-server"];
const installTimeoutMs = 10 * 60_000;
// A node of a cluster speaks with the others on a port this much higher.
const busPortOffset = 10_000;

let found: string | undefined;

/** A Redis server that a test has started and may hurt. It ends with the test. */
export interface TestRedis extends AsyncDisposable {
  readonly port: number;
  /** For example `redis://127.0.0.1:40001`. */
  readonly url: string;
  readonly process: TestProcess;
}

/** Three Redis servers that share all slots. */
export interface TestRedisCluster extends AsyncDisposable {
  /** For example `redis+cluster://127.0.0.1:40001,127.0.0.1:40002`. */
  readonly url: string;
  readonly nodes: readonly TestRedis[];
}

/**
 * The address of a Redis for tests that do not hurt it and keep to keys of their own: `PARLEY_TEST_REDIS_URL`, else a
 * server of this worker's, started when it is first asked for.
 */
export async function sharedRedisUrl(): Promise<string> {
  const configured = process.env["PARLEY_TEST_REDIS_URL"];
  if (configured) return configured;
  shared ??= startRedis().then((server) => endWithWorker(server));
  return (await shared).url;
}

let shared: Promise<TestRedis> | undefined;

// A shell that watches the worker: one that is killed, too, leaves nothing behind.
function endWithWorker(server: TestRedis): TestRedis {
  const script = "while kill -0 $1; do sleep 0.3; done; kill -9 $2";
  const args = ["-c", script, "sh", String(process.pid), String(server.process.pid)];
  spawn("sh", args, { detached: true, stdio: "ignore" }).unref();
  return server;
}

/** Starts a Redis server that keeps nothing on disk: on a port of the caller's choice, or on a free one. */
export async function startRedis(options: { port?: number; args?: readonly string[] } = {}): Promise<TestRedis> {
  const port = options.port ?? (await freePort());
  const folder = mkdtempSync(join(tmpdir(), "parley-redis-"));
  const own = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder];
  const child = new TestProcess(redisServerPath(), [...own, ...(options.args ?? [])]);
  await child.until(/Ready to accept connections/);
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    process: child,
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Starts three servers as one cluster, and waits until each of them knows that all slots are served. */
export async function startRedisCluster(): Promise<TestRedisCluster> {
  const args = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
  const nodes = await Promise.all([0, 1, 2].map(() => startRedis({ args })));
  const clients = nodes.map(({ port }) => new Redis(port, "127.0.0.1"));
  const slots = [
    [0, 5_460],
    [5_461, 10_922],
    [10_923, 16_383],
  ] as const;
  try {
    await Promise.all(
      clients.map(async (client, index) => {
        await client.cluster("ADDSLOTSRANGE", ...slots[index]!);
        await client.cluster("SET-CONFIG-EPOCH", index + 1);
      }),
    );
    for (const { port } of nodes.slice(1)) await clients[0]!.cluster("MEET", "127.0.0.1", port);
    // Nodes gossip at their own pace and tell nobody when they are done: asking is the only way to know.
    await Promise.all(clients.map((client) => untilClusterIsWhole(client)));
  } finally {
    for (const client of clients) client.disconnect();
  }
  return {
    url: `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`,
    nodes,
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
    },
  };
}

async function untilClusterIsWhole(client: Redis): Promise<void> {
  for (;;) {
    const info = await client.cluster("INFO");
    if (/cluster_state:ok/.test(info) && /cluster_known_nodes:3/.test(info)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/**
 * The path of a Redis or Valkey server: one on the PATH, else, as root on Debian or Ubuntu, installed from the
 * distribution (once, some seconds). Throws one sentence that says what to install or set where neither works.
 */
function redisServerPath(): string {
  return (found ??= onPath() ?? installed());
}

function onPath(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  return commandNames.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function installed(): string {
  const advice = "install Redis (Debian and Ubuntu: apt-get install redis-server) or put redis-server on the PATH";
  const hasApt = spawnSync("apt-get", ["--version"], { stdio: "ignore" }).status === 0;
  if (process.platform !== "linux" || process.getuid?.() !== 0 || !hasApt) {
    throw new Error(`Cannot find a Redis for the tests: no redis-server is on the PATH; ${advice}`);
  }
  runApt(["update", "-q"]);
  runApt(["install", "-y", "-q", "--no-install-recommends", "redis-server"], advice);
  const path = onPath();
  if (!path) throw new Error(`Cannot find a Redis for the tests: the package has no command; ${advice}`);
  return path;
}

// Other test files may be installing at the same moment: apt waits for the lock instead of failing.
function runApt(args: string[], advice?: string): void {
  const result = spawnSync("apt-get", ["-o", "DPkg::Lock::Timeout=300", ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    encoding: "utf8",
    timeout: installTimeoutMs,
  });
  // A failed update is no reason to stop: the lists at hand may do, and the install says so if not.
  if (result.status !== 0 && advice !== undefined) {
    const lastLine = result.stderr?.trim().split("\n").at(-1) ?? result.error?.message;
    throw new Error(`Cannot install Redis for the tests: apt-get answered "${lastLine}"; ${advice}`);
  }
}

/** A free port of loopback whose bus port is free as well. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = await canListen(0);
    if (port && port + busPortOffset < 65_536 && (await canListen(port + busPortOffset))) return port;
  }
}

function canListen(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? address?.port : undefined));
    });
  });
}
