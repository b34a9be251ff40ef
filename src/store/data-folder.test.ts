import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { VirtualRuntime } from "../runtime/virtual.ts";
import { openDataFolder } from "./data-folder.ts";

let parent: string;
let path: string;
const runtime = new VirtualRuntime();

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "parley-data-"));
  path = join(parent, "data");
});

afterEach(() => rmSync(parent, { recursive: true, force: true }));

/** A process that holds the folder until it is killed; resolves with its pid once it holds it. */
async function holdInAnotherProcess(folder: string) {
  const code = `
    const { openDataFolder } = await import(${JSON.stringify(new URL("./data-folder.ts", import.meta.url).href)});
    const held = openDataFolder(${JSON.stringify(folder)}, { nowMs: () => 0, randomHex: () => "ab" });
    console.log("epoch " + held.claimEpoch());
    setInterval(() => {}, 1_000);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { child, line: line.toString().trim() };
}

describe("openDataFolder", () => {
  test("makes the folder and its files for nobody else", () => {
    const folder = openDataFolder(path, runtime);
    expect(folder.path).toBe(path);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(statSync(join(path, "lock.sqlite")).mode & 0o777).toBe(0o600);
    expect(statSync(join(path, "holder.json")).mode & 0o777).toBe(0o600);
    folder.close();
  });

  test("gives epochs that grow over restarts and stay above what the caller has seen", () => {
    const first = openDataFolder(path, runtime);
    expect([first.claimEpoch(), first.claimEpoch()]).toEqual([1, 2]);
    first.close();
    const second = openDataFolder(path, runtime);
    expect([second.claimEpoch(), second.claimEpoch(40), second.claimEpoch(7)]).toEqual([3, 41, 42]);
    second.close();
    rmSync(join(path, "lock.sqlite"));
    const third = openDataFolder(path, runtime);
    expect(third.claimEpoch(42)).toBe(43);
    third.close();
  });

  test("has a name that it keeps, and no other folder has", () => {
    const first = openDataFolder(path, runtime);
    const other = openDataFolder(join(parent, "other"), runtime);
    first.close();
    other.close();
    const second = openDataFolder(path, runtime);
    expect(second.replicaId).toBe(first.replicaId);
    expect(first.replicaId).toMatch(/^[0-9a-f]{16}$/);
    expect(other.replicaId).not.toBe(first.replicaId);
    second.close();
  });

  test("is refused a second time within one process, and given again after close", () => {
    const first = openDataFolder(path, runtime);
    expect(() => openDataFolder(path, runtime)).toThrow(
      `Cannot open the data folder ${path}: process ${process.pid} (since `,
    );
    // The refusal must not have loosened the lock.
    expect(() => openDataFolder(path, runtime)).toThrow("uses it; stop that process");
    first.close();
    first.close();
    expect(existsSync(join(path, "holder.json"))).toBe(false);
    openDataFolder(path, runtime).close();
  });

  test("names the process that holds the folder, and takes it over once that process was killed", async () => {
    const { child, line } = await holdInAnotherProcess(path);
    expect(line).toBe("epoch 1");
    expect(() => openDataFolder(path, runtime)).toThrow(
      `Cannot open the data folder ${path}: process ${child.pid} (since 1970-01-01T00:00:00.000Z) uses it; ` +
        "stop that process or choose another folder with --data",
    );
    child.kill("SIGKILL");
    await once(child, "exit");
    const folder = openDataFolder(path, runtime);
    expect(folder.claimEpoch()).toBe(2);
    folder.close();
  });

  test("refuses another process while this one holds the folder", async () => {
    const folder = openDataFolder(path, runtime);
    folder.claimEpoch();
    const code = `
      const { openDataFolder } = await import(${JSON.stringify(new URL("./data-folder.ts", import.meta.url).href)});
      try { openDataFolder(${JSON.stringify(path)}, { nowMs: () => 0, randomHex: () => "ab" }); console.log("opened"); }
      catch (error) { console.log(error.message); }
    `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    expect(line.toString()).toContain(`process ${process.pid} (since`);
    await once(child, "exit");
    folder.close();
  });

  test("says what is wrong with a path that is no folder and with a damaged lock file", () => {
    writeFileSync(path, "not a folder");
    expect(() => openDataFolder(path, runtime)).toThrow(/it cannot be written \(EEXIST\); choose another with --data/);
    rmSync(path);
    openDataFolder(path, runtime).close();
    writeFileSync(join(path, "lock.sqlite"), "this is not a database, whatever it says ".repeat(100));
    expect(() => openDataFolder(path, runtime)).toThrow("its lock.sqlite is damaged; delete that file");
  });
});
