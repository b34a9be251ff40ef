// Generates everything that is committed as generated once more, elsewhere, and compares: npm run gen:check
// The working tree stays untouched, so the check means the same before and after a commit.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

const templates = ["buf.gen.yaml", "buf.gen.sdk.yaml"];
const generatedFolders = ["src/contract/gen", "sdk/src/gen", "third_party/protovalidate/buf"];

function listFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

function differences(folder: string, freshRoot: string): string[] {
  const fresh = join(freshRoot, folder);
  const names = new Set([...listFiles(folder), ...listFiles(fresh)]);
  return [...names].toSorted().flatMap((name) => {
    const [committed, expected] = [join(folder, name), join(fresh, name)];
    if (!existsSync(expected)) return [`${committed} is no longer generated`];
    if (!existsSync(committed)) return [`${committed} is missing`];
    return readFileSync(committed).equals(readFileSync(expected)) ? [] : [`${committed} differs`];
  });
}

const freshRoot = mkdtempSync(join(tmpdir(), "parley-drift-"));
try {
  execFileSync("node", ["tools/export-validate-proto.ts", freshRoot], { stdio: ["ignore", "ignore", "inherit"] });
  for (const template of templates) {
    execFileSync("buf", ["generate", "--template", template, "--output", freshRoot], { stdio: "inherit" });
  }
  const found = generatedFolders.flatMap((folder) => differences(folder, freshRoot));
  for (const line of found) console.error(line);
  if (found.length > 0) {
    console.error(`${found.length} generated files do not match their source; run npm run gen and commit the result`);
    process.exitCode = 1;
  }
} finally {
  rmSync(freshRoot, { recursive: true, force: true });
}
