import { describe, expect, test } from "vitest";
import { cpuTimeMs, residentBytes } from "./machine.ts";

function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

describe("cpuTimeMs", () => {
  test("grows by the time that a process works", () => {
    const [before, ownBefore] = [cpuTimeMs(process.pid), ownCpuMs()];
    while (ownCpuMs() - ownBefore < 100);
    const grown = cpuTimeMs(process.pid) - before;
    expect(grown).toBeGreaterThan(50);
    expect(grown).toBeLessThan(500);
  });
});

describe("residentBytes", () => {
  test("is near what the process says of itself", () => {
    const ratio = residentBytes(process.pid) / process.memoryUsage.rss();
    expect(ratio).toBeGreaterThan(0.8);
    expect(ratio).toBeLessThan(1.25);
  });
});
