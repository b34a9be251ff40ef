import { text } from "node:stream/consumers";
import { runCli } from "./run.ts";

// A reader that has seen enough, such as head, is no failure of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  readStdin: () => text(process.stdin),
  // The whole gateway hangs on its composition root: only the commands that need names wait for it.
  known: async () => (await import("../app.ts")).knownNames(),
});
