// Everything CI verifies besides the tests, the fast checks first: npm run check
// All of them run, so that one round shows every problem; the last lines name those that failed.
import { spawnSync } from "node:child_process";

interface Check {
  readonly title: string;
  readonly command: string;
  readonly args: readonly string[];
}

const checks: readonly Check[] = [
  { title: "Format of the sources (npm run format repairs it)", command: "oxfmt", args: ["--check", "."] },
  {
    title: "Format of the contract (npm run format repairs it)",
    command: "buf",
    args: ["format", "-d", "--exit-code", "proto"],
  },
  { title: "Lint of the contract", command: "buf", args: ["lint"] },
  { title: "Lint of the sources, types and import layers", command: "oxlint", args: ["--deny-warnings"] },
  { title: "Types", command: "tsc", args: ["-p", "."] },
  { title: "Unused files, exports and dependencies", command: "knip", args: [] },
  { title: "Generated code matches the contract", command: "node", args: ["tools/check-drift.ts"] },
  { title: "No breaking change of the contract", command: "node", args: ["tools/check-breaking.ts"] },
  { title: "The SDK builds and its package is sound", command: "npm", args: ["run", "--silent", "check", "-w", "sdk"] },
];

const failed: string[] = [];
for (const { title, command, args } of checks) {
  console.log(`\n=== ${title}\n    ${command} ${args.join(" ")}`);
  const startedAt = performance.now();
  const { status, error } = spawnSync(command, args, { stdio: "inherit" });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  if (error) console.error(`Cannot run ${command}: ${error.message}; run this through npm run check`);
  console.log(status === 0 ? `    passed in ${seconds} s` : `    FAILED after ${seconds} s`);
  if (status !== 0) failed.push(title);
}

console.log(
  failed.length === 0
    ? `\nAll ${checks.length} checks passed`
    : `\n${failed.length} of ${checks.length} checks failed:`,
);
for (const title of failed) console.log(`  - ${title}`);
process.exitCode = failed.length === 0 ? 0 : 1;
