import { expect, test } from "vitest";
import { Role } from "../src/contract/index.ts";
import { ParleyError } from "../src/errors/index.ts";
import { VirtualRuntime } from "../src/runtime/virtual.ts";
import { storyText } from "../src/sandbox/index.ts";
import { InProcessGateway, targetNamed } from "./support/in-process/pipeline.ts";
import { SandboxUpstream } from "./support/in-process/sandbox-upstream.ts";

// A wall clock that is put forward or back changes nothing about how long anything takes.

const HOUR_MS = 3_600_000;

class JumpingRuntime extends VirtualRuntime {
  wallOffsetMs = 0;

  override nowMs(): number {
    return super.nowMs() + this.wallOffsetMs;
  }
}

test.each([HOUR_MS, -HOUR_MS])(
  "requests that run while the clock jumps by %i ms are answered, and in their time",
  async (jumpMs) => {
    const runtime = new JumpingRuntime({ seed: 1 });
    const gateway = new InProcessGateway(runtime, new SandboxUpstream(runtime));
    const models = ["sandbox/fault-slow-first-token@wait_ms=9000", "sandbox-anthropic/story@delay_ms=100"];
    const asked = models.map((model) =>
      gateway.ask(
        { model, messages: [{ role: Role.USER, parts: [{ kind: { case: "text", value: { text: "A story" } } }] }] },
        true,
      ),
    );
    await runtime.advance(3_000);
    runtime.wallOffsetMs = jumpMs;
    await runtime.advance(3_000);
    runtime.wallOffsetMs = 0;
    await runtime.advance(6_000);
    const told = await Promise.all(asked);
    for (const one of told) expect(one).toMatchObject({ end: "completed", text: storyText, attempts: 1, defects: [] });
    expect(told[0]?.response?.attempts[0]).toMatchObject({ firstContentMs: 9_000, durationMs: 9_000 });
    expect(runtime.pendingTimers).toBe(0);
  },
);

test.each([HOUR_MS, -HOUR_MS])("what rests does so for its time although the clock jumps by %i ms", async (jumpMs) => {
  const runtime = new JumpingRuntime({ seed: 1 });
  const { health } = new InProcessGateway(runtime, new SandboxUpstream(runtime));
  const target = targetNamed("sandbox/story");
  const error = new ParleyError("PROVIDER_OVERLOADED", "Cannot answer", { retryDelayMs: 7_000 });
  const outcome = { error, durationMs: 1, firstContentMs: undefined, outputTokens: undefined, headroom: undefined };
  health.begin(target, "sandbox#1").end(outcome);
  runtime.wallOffsetMs = jumpMs;
  await runtime.advance(6_999);
  expect(health.unavailable(target)).toMatchObject({ rule: "cooling" });
  await runtime.advance(1);
  expect(health.unavailable(target)).toBeUndefined();
});
