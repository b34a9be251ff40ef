import { expect, test } from "vitest";
import { Role } from "../src/contract/index.ts";
import { ParleyError } from "../src/errors/index.ts";
import type { ProbeSettings } from "../src/pipeline/parts.ts";
import { DEFAULT_ROUTE_SETTINGS } from "../src/routing/route-settings.ts";
import { VirtualRuntime } from "../src/runtime/virtual.ts";
import { InProcessGateway, targetNamed } from "./support/in-process/pipeline.ts";
import { SandboxUpstream } from "./support/in-process/sandbox-upstream.ts";

// What has rested is tried out by calls of the gateway's own, in virtual time.

const CHAT: ProbeSettings = { everyMs: 30_000, kind: "chat", model: undefined };
const unreachable = new ParleyError("PROVIDER_UNREACHABLE", "Cannot reach the provider");
const refused = new ParleyError("PROVIDER_CREDENTIAL", "Cannot use the credential");

function setUp(name: string, settings: ProbeSettings | undefined, upstreamOf = (one: SandboxUpstream) => one) {
  const runtime = new VirtualRuntime({ seed: 5 });
  const upstream = upstreamOf(new SandboxUpstream(runtime));
  const targets = [name, "sandbox-anthropic/story"].map(targetNamed);
  const gateway = new InProcessGateway(
    runtime,
    upstream,
    [{ name: "route", targets, settings: DEFAULT_ROUTE_SETTINGS }],
    undefined,
    new Map(settings ? [["sandbox", settings]] : []),
  );
  const target = targets[0]!;
  const fails = (error: ParleyError, times: number): void => {
    const outcome = { error, durationMs: 1, firstContentMs: undefined, outputTokens: undefined, headroom: undefined };
    for (let count = 0; count < times; count++) gateway.health.begin(target, "sandbox#1").end(outcome);
  };
  const ask = async (): Promise<string | undefined> => {
    const parts = [{ kind: { case: "text" as const, value: { text: "Tell me a story" } } }];
    const asked = gateway.ask({ model: "route", messages: [{ role: Role.USER, parts }] }, true);
    await runtime.advance(0);
    return (await asked).response?.origin?.provider;
  };
  const probes = () => gateway.records.filter((one) => one.kind === "forwarded" && one.shadow === true);
  return { runtime, upstream, gateway, target, fails, ask, probes };
}

test("a target that has rested is tried out with a few tokens that no key pays for, while callers go elsewhere", async () => {
  const { runtime, gateway, target, fails, ask, probes, upstream } = setUp("sandbox/story", CHAT);
  const stop = gateway.startProbes();
  fails(unreachable, 5);
  await runtime.advance(1_000);
  // Its rest is over, and still no caller has to be the probe.
  expect(gateway.health.unavailable(target)).toMatchObject({ onlyBesideOthers: true });
  expect(await ask()).toBe("sandbox-anthropic");
  expect(probes()).toEqual([]);
  await runtime.advance(750);
  expect(probes()).toMatchObject([
    { keyId: "", provider: "sandbox", surface: "probe", stream: false, hold: undefined },
  ]);
  expect(upstream.books.attempts.filter(({ format }) => format === "openai-chat")).toMatchObject([{ tokensSent: 16 }]);
  expect(gateway.health.unavailable(target)).toBeUndefined();
  // What it takes to say a few tokens is no figure to compare callers' requests with.
  expect(gateway.health.statistics(target, { stream: false, batch: false }).firstContentMs).toBeUndefined();
  await runtime.advance(10_000);
  expect(await ask()).toBe("sandbox");
  expect(probes().length).toBe(1);
  stop();
  expect(runtime.pendingTimers).toBe(0);
});

test("without probes a caller's request is the probe", async () => {
  const { runtime, gateway, fails, ask, probes } = setUp("sandbox/story", undefined);
  const stop = gateway.startProbes();
  fails(unreachable, 5);
  await runtime.advance(1_000);
  expect(await ask()).toBe("sandbox");
  expect(probes()).toEqual([]);
  stop();
});

test("what goes on failing is tried out not more often than configured, and not at regular times", async () => {
  const { runtime, gateway, fails, probes } = setUp("sandbox/fault-500", CHAT);
  const stop = gateway.startProbes();
  fails(unreachable, 5);
  await runtime.advance(600_000);
  const times = probes().map((one) => (one.kind === "forwarded" ? one.forwardedAtMs : 0));
  expect(times.length).toBeGreaterThan(12);
  const gaps = times.slice(1).map((at, index) => at - times[index]!);
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(22_500);
  expect(new Set(gaps).size).toBeGreaterThan(gaps.length / 2);
  stop();
});

test("where a probe tells nothing callers may try again after a while", async () => {
  const { runtime, gateway, target, fails } = setUp("sandbox/fault-400", CHAT);
  const stop = gateway.startProbes();
  fails(unreachable, 5);
  await runtime.advance(2_000);
  expect(gateway.health.unavailable(target)).toMatchObject({ onlyBesideOthers: true });
  await runtime.advance(50_000);
  expect(gateway.health.unavailable(target)).toBeUndefined();
  stop();
});

/** The sandbox, which also lists models where it is in order. */
class ListingUpstream extends SandboxUpstream {
  readonly listed: string[] = [];
  status = 200;

  override dispatch(...[request, handler]: Parameters<SandboxUpstream["dispatch"]>) {
    if (request.method !== "GET") return super.dispatch(request, handler);
    this.listed.push(`${request.path} ${request.headers["authorization"] ?? ""}`);
    queueMicrotask(() => {
      handler.onHeaders(this.status, { "content-type": "application/json" });
      handler.onData(Buffer.from('{"object":"list","data":[]}'));
      handler.onEnd();
    });
    return { pause: () => undefined, resume: () => undefined, abort: () => undefined };
  }
}

test("a credential that has rested is tried out, too: by the list of models, which costs nothing and is in no books", async () => {
  const runtime = new VirtualRuntime({ seed: 5 });
  const upstream = new ListingUpstream(runtime);
  const listing: ProbeSettings = { everyMs: 30_000, kind: "models", model: "story" };
  const gateway = new InProcessGateway(runtime, upstream, [], undefined, new Map([["sandbox", listing]]));
  const outcome = {
    error: refused,
    durationMs: 1,
    firstContentMs: undefined,
    outputTokens: undefined,
    headroom: undefined,
  };
  gateway.health.begin(targetNamed("sandbox/story"), "sandbox#1").end(outcome);
  const stop = gateway.startProbes();
  upstream.status = 401;
  await runtime.advance(61_000);
  expect(upstream.listed).toEqual(["/v1/models Bearer sandbox"]);
  expect(gateway.health.credentialUnavailable("sandbox#1")).toMatchObject({ rule: "quarantine" });
  upstream.status = 200;
  await runtime.advance(120_000);
  expect(upstream.listed.length).toBe(2);
  expect(gateway.health.credentialUnavailable("sandbox#1")).toBeUndefined();
  expect(gateway.records).toEqual([]);
  stop();
  expect(runtime.pendingTimers).toBe(0);
});
