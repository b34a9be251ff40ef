import { describe, expect, test } from "vitest";
import { VirtualRuntime } from "../runtime/virtual.ts";
import { Metrics } from "./metrics.ts";
import { registerProcessMetrics } from "./process-metrics.ts";

describe("Metrics", () => {
  test("renders counters, gauges and histograms as Prometheus text", () => {
    const metrics = new Metrics();
    const requests = metrics.counter("requests_total", "Requests,\nby end.", ["surface", "result"]);
    requests.add(1, "connect", "completed");
    requests.add(2, "connect", "completed");
    requests.add(1, "openai", 'odd "\\\n');
    const running = metrics.gauge("running", "Running.", []);
    running.add(3);
    running.add(-1);
    const seconds = metrics.histogram("seconds", "Seconds.", ["kind"], [0.1, 1]);
    for (const value of [0.05, 0.1, 0.5, 7]) seconds.observe(value, "stream");
    expect(metrics.render()).toBe(
      [
        "# HELP requests_total Requests,\\nby end.",
        "# TYPE requests_total counter",
        'requests_total{surface="connect",result="completed"} 3',
        'requests_total{surface="openai",result="odd \\"\\\\\\n"} 1',
        "# HELP running Running.",
        "# TYPE running gauge",
        "running 2",
        "# HELP seconds Seconds.",
        "# TYPE seconds histogram",
        'seconds_bucket{kind="stream",le="0.1"} 2',
        'seconds_bucket{kind="stream",le="1"} 3',
        'seconds_bucket{kind="stream",le="+Inf"} 4',
        'seconds_sum{kind="stream"} 7.65',
        'seconds_count{kind="stream"} 4',
        "",
      ].join("\n"),
    );
  });

  test("bounds the series of a metric: the rest is counted together", () => {
    const metrics = new Metrics({ maxSeries: 2 });
    const counter = metrics.counter("names_total", "Names.", ["name", "kind"]);
    const histogram = metrics.histogram("sizes", "Sizes.", ["name"], [1]);
    for (let index = 0; index < 5; index++) {
      counter.add(1, `name${index}`, "x");
      histogram.observe(1, `name${index}`);
    }
    counter.add(1, "name0", "x");
    const text = metrics.render();
    expect(text).toContain('names_total{name="name0",kind="x"} 2\n');
    expect(text).toContain('names_total{name="overflow",kind="overflow"} 3\n');
    expect(text).not.toContain("name2");
    expect(text).toContain('sizes_count{name="overflow"} 3\n');
  });

  test("reads what is only known on scrape, and refuses bad and taken names", () => {
    const metrics = new Metrics();
    let value = 1;
    metrics.read("gauge", "now", "Now.", () => value);
    value = 2;
    expect(metrics.render()).toContain("\nnow 2\n");
    expect(() => metrics.counter("now", "Again.", [])).toThrow(/its name is taken/);
    expect(() => metrics.counter("Not-Good", "Bad.", [])).toThrow(/not snake_case/);
  });
});

test("registerProcessMetrics tells memory, uptime and the longest event-loop lag since the last scrape", async () => {
  const metrics = new Metrics();
  const runtime = new VirtualRuntime();
  registerProcessMetrics(metrics, runtime);
  await runtime.advance(2000);
  const text = metrics.render();
  expect(text).toMatch(/\nprocess_resident_memory_bytes \d{7,}\n/);
  expect(text).toContain("\nprocess_uptime_seconds 2\n");
  expect(text).toContain("\nprocess_event_loop_lag_max_seconds 0\n");
});
