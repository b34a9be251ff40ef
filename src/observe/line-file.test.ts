import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { VirtualRuntime } from "../runtime/virtual.ts";
import { openLineFile } from "./line-file.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parley-lines-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const never = (): void => {
  throw new Error("no line should be lost");
};

test("lines are written a moment later, and at the close; strangers cannot read them", async () => {
  const runtime = new VirtualRuntime();
  const path = join(folder, "lines");
  const file = openLineFile({ path, runtime, onError: never });
  file.add("one\n");
  expect(readFileSync(path, "utf8")).toBe("");
  await runtime.advance(1000);
  expect(readFileSync(path, "utf8")).toBe("one\n");
  file.add("two\n");
  file.close();
  expect(readFileSync(path, "utf8")).toBe("one\ntwo\n");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const again = openLineFile({ path, runtime, onError: never });
  again.add("three\n");
  again.close();
  expect(readFileSync(path, "utf8")).toBe("one\ntwo\nthree\n");
});

test("a file that has reached its bound makes way, and the one before it goes", () => {
  const path = join(folder, "lines");
  const write = (text: string): void => {
    const file = openLineFile({ path, runtime: new VirtualRuntime(), maxBytes: 4, onError: never });
    file.add(text);
    file.close();
  };
  for (const text of ["one\n", "two\n", "three\n"]) write(text);
  expect(readFileSync(path, "utf8")).toBe("three\n");
  expect(readFileSync(`${path}.1`, "utf8")).toBe("two\n");
});

test("lines that cannot be written are lost, and said once", () => {
  const runtime = new VirtualRuntime();
  const path = join(folder, "lines");
  let errors = 0;
  const file = openLineFile({ path, runtime, onError: () => (errors += 1) });
  rmSync(folder, { recursive: true });
  for (let round = 0; round < 2; round++) {
    file.add("one\n");
    file.close();
  }
  expect([errors, existsSync(path)]).toEqual([1, false]);
  expect(() => openLineFile({ path, runtime, onError: never })).toThrow("ENOENT");
});
