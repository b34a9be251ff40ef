import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { realRuntime } from "../runtime/real.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { VirtualRuntime } from "../runtime/virtual.ts";
import { KNOWN } from "./known-names.fixture.ts";
import { loadConfig, type LoadedConfig } from "./load.ts";
import type { ConfigError } from "./problem.ts";
import { watchConfig, type ConfigWatcher } from "./watch.ts";

type Heard = { changed: LoadedConfig } | { refused: ConfigError } | { unwatchable: string };

let folder: string;
let file: string;
let watcher: ConfigWatcher | undefined;
let heard: Heard[];
let waiting: (() => void) | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parley-watch-"));
  file = join(folder, "parley.yaml");
  heard = [];
});

afterEach(() => {
  watcher?.close();
  watcher = undefined;
  rmSync(folder, { recursive: true, force: true });
});

function start(runtime: Runtime = realRuntime()): ConfigWatcher {
  const load = { argv: ["--config", file], env: {}, cwd: folder, known: KNOWN };
  const tell = (what: Heard): void => {
    heard.push(what);
    waiting?.();
  };
  watcher = watchConfig({
    running: loadConfig(load),
    load,
    runtime,
    onChange: (changed) => tell({ changed }),
    onRefused: (refused) => tell({ refused }),
    onUnwatchable: (unwatchable) => tell({ unwatchable }),
  });
  return watcher;
}

async function next(): Promise<Heard> {
  if (heard.length === 0) await new Promise<void>((resolve) => (waiting = resolve));
  waiting = undefined;
  const first = heard.shift();
  if (!first) throw new Error("nothing was heard");
  return first;
}

async function nextRoutes(): Promise<string[]> {
  const event = await next();
  if (!("changed" in event)) throw new Error(JSON.stringify(event));
  return event.changed.config.routes.map(({ name }) => name);
}

async function nextProblems(): Promise<string[]> {
  const event = await next();
  if (!("refused" in event)) throw new Error(JSON.stringify(event));
  return event.refused.problems.map(({ line, key, code }) => `${line} ${key} ${code}`);
}

const route = (name: string): string => `version: 1\nsandbox: true\nroutes:\n  ${name}: { targets: [sandbox/echo] }\n`;

describe("watchConfig", () => {
  test("tells of a change that was written into the file", async () => {
    writeFileSync(file, route("one"));
    start();
    writeFileSync(file, route("two"));
    expect(await nextRoutes()).toEqual(["two"]);
  });

  test("sees an editor that replaces the file, and the next one too", async () => {
    writeFileSync(file, route("one"));
    start();
    for (const name of ["two", "three"]) {
      writeFileSync(`${file}.tmp`, route(name));
      renameSync(`${file}.tmp`, file);
      expect(await nextRoutes()).toEqual([name]);
    }
  });

  test("waits for an editor that removes the file before it writes the new one", async () => {
    const runtime = new VirtualRuntime();
    writeFileSync(file, route("one"));
    start(runtime);
    renameSync(file, `${file}~`);
    await vi.waitFor(() => expect(runtime.pendingTimers).toBe(1));
    await runtime.advance(400);
    expect(heard).toEqual([]);
    writeFileSync(file, route("two"));
    await runtime.advance(200);
    expect(await nextRoutes()).toEqual(["two"]);
  });

  test("refuses a bad change as a whole, with its places, and takes the next good one", async () => {
    writeFileSync(file, route("one"));
    start();
    writeFileSync(file, `${route("two")}  three: { targets: [nowhere/x] }\nbugdet: 1\n`);
    expect(await nextProblems()).toEqual(["5 routes.three.targets[0] not_found", "6 bugdet unknown_key"]);
    writeFileSync(file, route("two"));
    expect(await nextRoutes()).toEqual(["two"]);
  });

  test("tells that the running configuration is good again after a refused change was taken back", async () => {
    writeFileSync(file, route("one"));
    start();
    writeFileSync(file, "version: 1\nnonsense\n");
    expect(await nextProblems()).toHaveLength(1);
    writeFileSync(file, route("one"));
    expect(await nextRoutes()).toEqual(["one"]);
  });

  test("refuses what only a restart can change, and says where it stands", async () => {
    writeFileSync(file, `${route("one")}server:\n  port: 1\n`);
    start();
    const tls = "tls: { cert: parley.yaml, key: parley.yaml }";
    writeFileSync(file, `${route("two")}server:\n  port: 2\n  data: elsewhere\n  ${tls}\n  host: localhost\n`);
    expect(await nextProblems()).toEqual([
      "9 server.host needs_restart",
      "6 server.port needs_restart",
      "7 server.data needs_restart",
      "8 server.tls needs_restart",
    ]);
  });

  test("takes over what a running gateway can change, and refuses a listener's limits with their line", async () => {
    const server = (total: string, request: string): string =>
      `${route("one")}server:\n  timeouts: { total: ${total} }\n  limits:\n    request: ${request}\n`;
    writeFileSync(file, server("1m", "1MiB"));
    start();
    writeFileSync(file, server("2m", "1MiB"));
    const event = await next();
    expect("changed" in event && event.changed.config.server.timeouts.totalMs).toBe(120_000);
    writeFileSync(file, server("2m", "2MiB"));
    expect(await nextProblems()).toEqual(["8 server.limits.request needs_restart"]);
  });

  test("keeps the running configuration when the file is gone", async () => {
    writeFileSync(file, route("one"));
    start();
    rmSync(file);
    expect(await nextProblems()).toEqual(["undefined --config not_found"]);
  });

  test("sees a secret file change", async () => {
    writeFileSync(join(folder, "key"), "first");
    writeFileSync(file, 'version: 1\nproviders: { a: { kind: acme, api_key: "${file:key}" } }\n');
    start();
    writeFileSync(join(folder, "key"), "second");
    const event = await next();
    expect("changed" in event && event.changed.config.providers[0]?.credentials[0]?.apiKey?.reveal()).toBe("second");
  });

  test("sees mounted configuration, which changes by swapping a link to a folder", async () => {
    for (const name of ["one", "two"]) {
      mkdirSync(join(folder, `..${name}`));
      writeFileSync(join(folder, `..${name}`, "parley.yaml"), route(name));
    }
    symlinkSync("..one", join(folder, "..data"));
    symlinkSync("..data/parley.yaml", file);
    start();
    symlinkSync("..two", join(folder, "..new"));
    renameSync(join(folder, "..new"), join(folder, "..data"));
    expect(await nextRoutes()).toEqual(["two"]);
  });

  test("reload reads at once, and says nothing where nothing changed", () => {
    writeFileSync(file, route("one"));
    const running = start();
    running.reload();
    expect(heard).toEqual([]);
    writeFileSync(file, route("two"));
    running.reload();
    expect(heard).toHaveLength(1);
    running.close();
    writeFileSync(file, route("three"));
    running.reload();
    expect(heard).toHaveLength(1);
  });
});
