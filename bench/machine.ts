import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { cpus, loadavg } from "node:os";

/** Which core does what. */
export interface Pinning {
  /** The load driver and the mock upstream. */
  readonly driverCore: number;
  /** The reference and the gateway, of which only one works at a time. */
  readonly targetCore: number;
}

function allowedCores(): number[] {
  const list = /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
  return list.split(",").flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/** Pins this process to one core and names another for the targets; undefined where there is no taskset or one core. */
function pinDriver(): Pinning | undefined {
  if (process.platform !== "linux" || spawnSync("taskset", ["-V"]).status !== 0) return undefined;
  const [driverCore, targetCore] = allowedCores();
  if (driverCore === undefined || targetCore === undefined) return undefined;
  const pinned = spawnSync("taskset", ["-acp", String(driverCore), String(process.pid)]);
  return pinned.status === 0 ? { driverCore, targetCore } : undefined;
}

/** CPU time that all threads of a process have used so far, in milliseconds. */
export function cpuTimeMs(pid: number): number {
  return process.platform === "linux" ? (schedulerTimeMs(pid) ?? tickTimeMs(pid)) : psTimeMs(pid);
}

/** To the nanosecond, where the kernel keeps such books. A thread that ended is missing; targets end none under load. */
function schedulerTimeMs(pid: number): number | undefined {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const times = threads.map((thread) =>
      Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]),
    );
    const sum = times.reduce((total, time) => total + time, 0);
    return sum > 0 ? sum / 1e6 : undefined;
  } catch {
    return undefined;
  }
}

/** User and system time in clock ticks of 10 ms. The name in parentheses may hold spaces, hence the last parenthesis. */
function tickTimeMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function psTimeMs(pid: number): number {
  const text = execFileSync("ps", ["-o", "time=", "-p", String(pid)], { encoding: "utf8" }).trim();
  const [days, clock] = text.includes("-") ? text.split("-") : ["0", text];
  const seconds = (clock ?? "").split(":").reduce((total, part) => total * 60 + Number(part), 0);
  return (Number(days) * 86_400 + seconds) * 1_000;
}

/** Resident memory of a process, in bytes. */
export function residentBytes(pid: number): number {
  if (process.platform !== "linux") {
    return Number(execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" })) * 1024;
  }
  return Number(/VmRSS:\s*(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
}

/** What the figures were taken on. */
export interface Machine {
  readonly node: string;
  readonly platform: string;
  readonly processor: string;
  readonly cores: number;
  /** Average number of running processes over the last minute before the run: others at work make figures noisy. */
  readonly loadBefore: number;
  readonly pinning: Pinning | undefined;
}

/** Describes this machine; pins the driver on the way. */
export function describeMachine(): Machine {
  const processor = cpus()[0]?.model.trim() ?? "unknown";
  const loadBefore = Math.round((loadavg()[0] ?? 0) * 100) / 100;
  const platform = `${process.platform} ${process.arch}`;
  return { node: process.version, platform, processor, cores: cpus().length, loadBefore, pinning: pinDriver() };
}
