// Compares the contract with the newest tag contract-v*: npm run breaking
// Works in a shallow clone and outside of git, where there is nothing to compare with: it says so and succeeds.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const contractPaths = ["buf.yaml", "proto", "third_party"];

function newestTag(): string | undefined {
  const args = ["tag", "--list", "contract-v*", "--sort=-version:refname"];
  const { status, stdout } = spawnSync("git", args, { encoding: "utf8" });
  return status === 0 ? stdout.split("\n")[0]?.trim() || undefined : undefined;
}

function compareWith(tag: string): number {
  const folder = mkdtempSync(join(tmpdir(), "parley-breaking-"));
  try {
    const archive = join(folder, "contract.tar");
    const before = join(folder, "before");
    mkdirSync(before);
    execFileSync("git", ["archive", "--output", archive, tag, ...contractPaths]);
    execFileSync("tar", ["-xf", archive, "-C", before]);
    console.log(`Comparing with ${tag}`);
    return spawnSync("buf", ["breaking", "--against", before], { stdio: "inherit" }).status ?? 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const tag = newestTag();
if (tag === undefined) console.log("Did not run: there is no tag contract-v* to compare with");
else process.exitCode = compareWith(tag);
