import type { Runtime, Timer } from "../runtime/runtime.ts";
import type { Metrics } from "./metrics.ts";

const LAG_SAMPLE_MS = 500;

/** What the process itself tells: memory, processor time, uptime, event-loop lag. The returned function stops sampling. */
export function registerProcessMetrics(metrics: Metrics, runtime: Runtime): () => void {
  const startedMs = runtime.monotonicMs();
  const gauge = (name: string, help: string, value: () => number): void => metrics.read("gauge", name, help, value);
  gauge("process_resident_memory_bytes", "Resident memory in bytes.", () => process.memoryUsage.rss());
  gauge("process_heap_used_bytes", "Used JavaScript heap in bytes.", () => process.memoryUsage().heapUsed);
  gauge("process_external_memory_bytes", "Memory outside the heap, buffers included, in bytes.", () => {
    const { external, arrayBuffers } = process.memoryUsage();
    return external + arrayBuffers;
  });
  gauge("process_uptime_seconds", "Seconds since start.", () => (runtime.monotonicMs() - startedMs) / 1000);
  metrics.read("counter", "process_cpu_seconds_total", "Processor time in seconds.", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000_000;
  });
  const lag = sampleLag(runtime);
  gauge("process_event_loop_lag_max_seconds", "Longest event-loop lag since the last scrape, in seconds.", lag.read);
  return lag.stop;
}

/** Samples how late timers run; `read` tells the longest delay since it was called last, in seconds. */
function sampleLag(runtime: Runtime): { read: () => number; stop: () => void } {
  let maxMs = 0;
  let timer: Timer | undefined;
  const sample = (): void => {
    const setAtMs = runtime.monotonicMs();
    timer = runtime.setTimer(LAG_SAMPLE_MS, () => {
      maxMs = Math.max(maxMs, runtime.monotonicMs() - setAtMs - LAG_SAMPLE_MS);
      sample();
    });
  };
  sample();
  const read = (): number => {
    const seconds = maxMs / 1000;
    maxMs = 0;
    return seconds;
  };
  return { read, stop: () => timer?.cancel() };
}
