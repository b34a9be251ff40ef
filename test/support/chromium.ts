import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const commandNames = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
const installTimeoutMs = 10 * 60_000;

let found: string | undefined;

/**
 * The absolute path of a Chromium for playwright-core's `executablePath` (launch it with `--no-sandbox` as root):
 * `PARLEY_CHROMIUM`, else one on the PATH, else, as root on Debian or Ubuntu, installed from the distribution (once, tens
 * of seconds). Throws one sentence that says what to install or set where none of these works.
 */
export function chromiumPath(): string {
  return (found ??= configured() ?? onPath() ?? installed());
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function configured(): string | undefined {
  const path = process.env["PARLEY_CHROMIUM"];
  if (!path) return undefined;
  if (!isExecutable(path)) {
    throw new Error(`Cannot use PARLEY_CHROMIUM: ${path} is not an executable file; set it to a Chromium or unset it`);
  }
  return path;
}

function onPath(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  return commandNames.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function installed(): string {
  const advice = "install Chromium (Debian and Ubuntu: apt-get install chromium) or set PARLEY_CHROMIUM to its path";
  const hasApt = spawnSync("apt-get", ["--version"], { stdio: "ignore" }).status === 0;
  if (process.platform !== "linux" || process.getuid?.() !== 0 || !hasApt) {
    throw new Error(`Cannot find a browser for the tests: no Chromium is on the PATH; ${advice}`);
  }
  runApt(["update", "-q"]);
  runApt(["install", "-y", "-q", "--no-install-recommends", "chromium"], advice);
  const path = onPath();
  if (!path) throw new Error(`Cannot find a browser for the tests: the package chromium has no command; ${advice}`);
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
    throw new Error(`Cannot install Chromium for the tests: apt-get answered "${lastLine}"; ${advice}`);
  }
}
