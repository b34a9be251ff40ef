import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readHotSpots } from "./hot-spots.ts";

function frame(functionName: string, url: string, lineNumber = 0) {
  return { functionName, url, lineNumber };
}

test("readHotSpots shares busy time among functions, places and callers, without idle time and the first half", () => {
  const folder = mkdtempSync(join(tmpdir(), "hot-spots-"));
  const file = join(folder, "a.cpuprofile");
  const nodes = [
    { id: 1, callFrame: frame("(idle)", "") },
    { id: 2, callFrame: frame("route", "file:///somewhere/src/pipeline/route.ts", 11), children: [3, 5] },
    { id: 3, callFrame: frame("dispatch", "file:///somewhere/node_modules/undici/lib/pool.js", 1) },
    { id: 4, callFrame: frame("dispatch", "file:///somewhere/node_modules/undici/lib/client.js", 1) },
    { id: 5, callFrame: frame("route", "file:///somewhere/src/pipeline/route.ts", 11) },
  ];
  const [firstHalf, secondHalf] = [
    [4, 4, 4, 4, 4],
    [1, 2, 3, 4, 5],
  ];
  const timeDeltas = [500, 500, 500, 500, 500, 900, 10, 40, 20, 10];
  writeFileSync(file, JSON.stringify({ nodes, samples: [...firstHalf, ...secondHalf], timeDeltas }));
  const { functions, places, whole } = readHotSpots(file, 10);
  rmSync(folder, { recursive: true });
  expect(functions).toEqual([
    { name: "dispatch undici/lib/pool.js:2", share: 0.5 },
    { name: "route src/pipeline/route.ts:12", share: 0.25 },
    { name: "dispatch undici/lib/client.js:2", share: 0.25 },
  ]);
  expect(places).toEqual([
    { name: "undici", share: 0.75 },
    { name: "src/pipeline", share: 0.25 },
  ]);
  expect(whole).toEqual([{ name: "route src/pipeline/route.ts:12", share: 0.75 }]);
});
