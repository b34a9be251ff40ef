import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { accessSync, chownSync, constants, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";

const READY_WITHIN_MS = 60_000;
const POLL_MS = 10;

/** A real PostgreSQL of its own, for tests that kill it. */
export interface PostgresServer extends AsyncDisposable {
  /** Address of its database, as `PARLEY_DATABASE_URL` takes it. */
  readonly url: string;
  /** Ends it as a power cut of its process would: no connection is told. */
  kill(): Promise<void>;
  /** Stops all of its processes for a while, as a frozen machine would, and lets them go on. */
  freeze(): void;
  thaw(): void;
  /** Starts it again on the same files and the same port. */
  restart(): Promise<void>;
}

/** A place in a PostgreSQL that only one test uses. */
export interface TestDatabase extends AsyncDisposable {
  /** As `PARLEY_DATABASE_URL` takes it. */
  readonly url: string;
}

/**
 * A schema of its own in the PostgreSQL of this run: `PARLEY_TEST_DATABASE_URL`, else a server that the first test starts
 * and that ends with the run. Rejects with one sentence where there is none and none can be installed.
 */
export async function testDatabase(): Promise<TestDatabase> {
  const base = process.env["PARLEY_TEST_DATABASE_URL"] || (await sharedServer());
  const schema = `test_${process.pid}_${process.hrtime.bigint().toString(36)}`;
  await runSql(base, `create schema ${schema}`);
  const url = new URL(base);
  url.searchParams.set("options", `-csearch_path=${schema}`);
  return {
    url: url.href,
    [Symbol.asyncDispose]: () => runSql(base, `drop schema ${schema} cascade`),
  };
}

/** Starts a PostgreSQL that only this test uses. */
export async function startPostgres(): Promise<PostgresServer> {
  const folder = makeCluster();
  const port = await freePort();
  let child = await startServer(folder, port);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    signalAll(child, signal);
    await exited;
  };
  return {
    url: urlOf(port),
    kill() {
      // Each connection has a process in a group of its own, which would answer once more; one that is stopped makes no more.
      child.kill("SIGSTOP");
      if (child.pid !== undefined) spawnSync("pkill", ["-KILL", "-P", String(child.pid)]);
      return end("SIGKILL");
    },
    freeze: () => signalAll(child, "SIGSTOP"),
    thaw: () => signalAll(child, "SIGCONT"),
    async restart() {
      // What was killed leaves its lock; nothing uses the files any more.
      rmSync(join(folder, "data", "postmaster.pid"), { force: true });
      child = await startServer(folder, port);
    },
    async [Symbol.asyncDispose]() {
      await end("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function runSql(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

/** The process whose end is the run's end: the parent of the workers. */
const runPid = process.ppid;

/** The server that all workers of a run share; whoever comes first starts it. */
async function sharedServer(): Promise<string> {
  const place = join(tmpdir(), `parley-postgres-${runPid}`);
  const told = `${place}.url`;
  try {
    mkdirSync(place);
  } catch {
    return await until(() => (existsSync(told) ? readFileSync(told, "utf8") : undefined));
  }
  try {
    const folder = makeCluster();
    const port = await freePort();
    const server = await startServer(folder, port, { outlivesWorker: true });
    endWithRun([place, told, folder], server.pid!);
    writeFileSync(`${told}.part`, urlOf(port));
    renameSync(`${told}.part`, told);
    return urlOf(port);
  } catch (error) {
    rmSync(place, { recursive: true, force: true });
    throw error;
  }
}

// A shell that watches the run: a killed run, too, leaves nothing behind.
function endWithRun(paths: readonly string[], serverPid: number): void {
  const script = 'run=$1; server=$2; shift 2; while kill -0 $run; do sleep 0.3; done; kill -9 -$server; rm -rf "$@"';
  const args = ["-c", script, "sh", String(runPid), String(serverPid), ...paths];
  spawn("sh", args, { detached: true, stdio: "ignore" }).unref();
}

const urlOf = (port: number): string => `postgresql://parley@127.0.0.1:${port}/postgres`;

/** A new cluster in a folder of its own. PostgreSQL does not run as root, so root hands it to another user. */
function makeCluster(): string {
  const folder = mkdtempSync(join(tmpdir(), "parley-postgres-"));
  const { uid } = serverUser();
  if (uid !== undefined) chownSync(folder, uid, serverUser().gid ?? uid);
  const args = [
    "-D",
    join(folder, "data"),
    "-U",
    "parley",
    "-A",
    "trust",
    "--no-sync",
    "--no-instructions",
    "-E",
    "UTF8",
  ];
  const { status, stderr } = spawnSync(command("initdb"), [...args, "--locale=C"], {
    ...serverUser(),
    cwd: folder,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`Cannot start PostgreSQL for the tests: initdb failed\n${stderr}`);
  return folder;
}

const SETTINGS = ["fsync=off", "full_page_writes=off", "max_connections=100", "shared_buffers=16MB", "jit=off"];

async function startServer(folder: string, port: number, { outlivesWorker = false } = {}): Promise<ChildProcess> {
  const settings = [`port=${port}`, "listen_addresses=127.0.0.1", `unix_socket_directories=${folder}`, ...SETTINGS];
  const child = spawn(command("postgres"), ["-D", join(folder, "data"), ...settings.flatMap((one) => ["-c", one])], {
    ...serverUser(),
    cwd: folder,
    stdio: "ignore",
    // A group of its own, which ends as a whole.
    detached: true,
  });
  if (outlivesWorker) child.unref();
  else running.add(child);
  await until(async () => {
    if (child.exitCode !== null) throw new Error("Cannot start PostgreSQL for the tests: it ended at once");
    return await runSql(urlOf(port), "select 1").then(
      () => true,
      () => undefined,
    );
  });
  return child;
}

// What a test has started ends with its process.
const running = new Set<ChildProcess>();
process.once("exit", () => running.forEach((child) => signalAll(child, "SIGKILL")));

// Its helpers are in its group; frozen or killed alone, the first of them would be noticed by the others.
function signalAll(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // Already gone.
  }
}

async function until<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const giveUpAtMs = performance.now() + READY_WITHIN_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > giveUpAtMs) throw new Error("Cannot start PostgreSQL for the tests: it is not ready");
    await pause(POLL_MS);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

let user: { readonly uid?: number; readonly gid?: number } | undefined;

function serverUser(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  return (user ??= { uid: idOf("-u"), gid: idOf("-g") });
}

function idOf(flag: "-u" | "-g"): number {
  for (const name of ["postgres", "nobody"]) {
    const { status, stdout } = spawnSync("id", [flag, name], { encoding: "utf8" });
    if (status === 0) return Number(stdout);
  }
  throw new Error("Cannot start PostgreSQL for the tests: there is no user postgres or nobody to run it as");
}

let folderOfCommands: string | undefined;

/** The path of one of PostgreSQL's programs: on the PATH, where Debian keeps them, or installed. */
function command(name: "initdb" | "postgres"): string {
  folderOfCommands ??= foundFolder() ?? installed();
  return join(folderOfCommands, name);
}

function foundFolder(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  return [...folders, ...versions.map((version) => join(debian, version, "bin"))].find((folder) =>
    ["initdb", "postgres"].every((name) => isExecutable(join(folder, name))),
  );
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
  const advice =
    "install PostgreSQL (Debian and Ubuntu: apt-get install postgresql) or set PARLEY_TEST_DATABASE_URL to an empty database";
  const hasApt = spawnSync("apt-get", ["--version"], { stdio: "ignore" }).status === 0;
  if (process.platform !== "linux" || process.getuid?.() !== 0 || !hasApt) {
    throw new Error(`Cannot find PostgreSQL for the tests: it is not on the PATH; ${advice}`);
  }
  for (const args of [
    ["update", "-q"],
    ["install", "-y", "-q", "--no-install-recommends", "postgresql"],
  ]) {
    spawnSync("apt-get", ["-o", "DPkg::Lock::Timeout=300", ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      stdio: "ignore",
    });
  }
  const folder = foundFolder();
  if (folder === undefined) throw new Error(`Cannot install PostgreSQL for the tests: apt-get failed; ${advice}`);
  return folder;
}
