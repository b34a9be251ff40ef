import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { runSandbox } from "./main.ts";
import { call, chat } from "./test-client.ts";

test.each(["SIGTERM", "SIGINT"] as const)(
  "runSandbox prints its URL, serves, and ends on %s under a live stream",
  async (signal) => {
    const module = JSON.stringify(new URL("main.ts", import.meta.url).href);
    const child = spawn(process.execPath, [
      "--input-type=module",
      "-e",
      `(await import(${module})).runSandbox(["--port", "0"])`,
    ]);
    const exited = once(child, "exit");
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const url = /^Sandbox listens on (http:\/\/127\.0\.0\.1:\d+) .*\n$/.exec(line.toString())?.[1] ?? "";
    expect((await call(url, { body: chat("echo") })).status).toBe(200);
    const stalled = call(url, { body: chat("fault-stall", { stream: true }), onPart: () => child.kill(signal) });
    expect(await exited).toEqual([0, null]);
    expect((await stalled).whole).toBe(false);
  },
);

test.each([
  [["--port", "70000"], /--port is "70000"/],
  [["--port", "x"], /expected a whole number/],
  [["--colour", "red"], /--colour/],
])("runSandbox refuses %s", async (args, message) => {
  await expect(runSandbox(args)).rejects.toThrow(message);
});
