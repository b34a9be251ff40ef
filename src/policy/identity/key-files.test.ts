import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { realRuntime } from "../../runtime/real.ts";
import { ensureKeyFiles, readKeyFile } from "./key-files.ts";
import { isMadeKey } from "./key-format.ts";

const runtime = realRuntime();
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parley-keys-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe("ensureKeyFiles", () => {
  test("makes both keys once, readable by their owner alone, in a folder of its own", () => {
    const dataDir = join(folder, "new", "data");
    const files = ensureKeyFiles(dataDir, runtime, { needsAdmin: true });
    expect(files).toMatchObject([
      { name: "admin", role: "admin", isNew: true, path: join(dataDir, "admin.key"), policy: undefined },
      { name: "local", role: "chat", isNew: true, path: join(dataDir, "local.key"), policy: undefined },
    ]);
    expect([modeOf(dataDir), ...files.map(({ path }) => modeOf(path))]).toEqual(["700", "600", "600"]);
    for (const { path, key } of files) {
      expect(isMadeKey(key.reveal())).toBe(true);
      expect(readFileSync(path, "utf8")).toBe(`${key.reveal()}\n`);
    }
    expect(readdirSync(dataDir).toSorted()).toEqual(["admin.key", "local.key"]);
    const again = ensureKeyFiles(dataDir, runtime, { needsAdmin: true });
    expect(again.map(({ isNew, key }) => [isNew, key.reveal()])).toEqual(files.map(({ key }) => [false, key.reveal()]));
  });

  test("makes no administrator's key where it comes from elsewhere", () => {
    expect(ensureKeyFiles(folder, runtime, { needsAdmin: false }).map(({ name }) => name)).toEqual(["local"]);
    expect(readdirSync(folder)).toEqual(["local.key"]);
  });

  test.each([0o640, 0o604, 0o666])("refuses a key file of mode %o, and leaves it as it is", (mode) => {
    const [file] = ensureKeyFiles(folder, runtime, { needsAdmin: false });
    const path = file?.path ?? "";
    chmodSync(path, mode);
    expect(() => ensureKeyFiles(folder, runtime, { needsAdmin: false })).toThrow(
      `Cannot use the key file ${path}: its mode is 0${mode.toString(8)}, so that others can read it; chmod 600 it`,
    );
    expect(readFileSync(path, "utf8").trim()).toBe(file?.key.reveal());
  });

  test("refuses a key file that holds no key, without showing what it holds", () => {
    const path = join(folder, "local.key");
    for (const text of ["", "something-else-that-is-secret", "x".repeat(100_000)]) {
      writeFileSync(path, text, { mode: 0o600 });
      expect(() => readKeyFile(path)).toThrow(/it holds no key; remove it, and the next start makes a new one$/);
    }
  });

  test("says why a key file cannot be made or read", () => {
    writeFileSync(join(folder, "file"), "");
    expect(() => readKeyFile(join(folder, "none.key"))).toThrow(`Cannot read the key file ${folder}/none.key: ENOENT`);
    expect(() => ensureKeyFiles(join(folder, "file"), runtime, { needsAdmin: false })).toThrow(
      `Cannot make the data folder ${folder}/file: EEXIST`,
    );
  });
});
