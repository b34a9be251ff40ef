import { Role } from "../../../src/contract/index.ts";
import { VirtualRuntime } from "../../../src/runtime/virtual.ts";
import type { UpstreamCall, UpstreamClient, UpstreamHandler, UpstreamRequest } from "../../../src/upstream/upstream.ts";
import { InProcessGateway } from "./pipeline.ts";
import { SandboxUpstream } from "./sandbox-upstream.ts";

// Many requests at one gateway in virtual time, and what reaches the providers of them.

/** What is sent. */
export interface StormOptions {
  readonly requests: number;
  readonly perSecond: number;
  readonly seed: number;
  /** Where requests go, in order. */
  readonly targets: readonly string[];
}

/** What came of it; times in milliseconds from the start. */
export interface StormReport {
  /** When each request began, whether it was answered, and why not. */
  readonly requests: readonly { readonly atMs: number; readonly end: string }[];
  /** When each call beyond a request's first one went out. */
  readonly extraAtMs: readonly number[];
  /** Calls that went out, by target. */
  readonly calls: Readonly<Record<string, number>>;
  readonly defects: readonly string[];
}

/** Sends requests at random moments, that many a second, until each has ended. */
export async function playStorm({ requests, perSecond, seed, targets }: StormOptions): Promise<StormReport> {
  const runtime = new VirtualRuntime({ seed });
  const upstream = new CountedUpstream(runtime);
  const gateway = new InProcessGateway(runtime, upstream);
  const [model = "", ...fallbackModels] = targets;
  const ended: { atMs: number; end: string }[] = [];
  const defects: string[] = [];
  const ask = async (number: number): Promise<void> => {
    const atMs = runtime.monotonicMs();
    const text = `Tell me a story, #${number}#`;
    const told = await gateway.ask(
      {
        model,
        messages: [{ role: Role.USER, parts: [{ kind: { case: "text", value: { text } } }] }],
        routing: { fallbackModels: [...fallbackModels] },
      },
      true,
    );
    ended.push({ atMs, end: told.end });
    if (defects.length < 20) defects.push(...told.defects);
  };
  let sent = 0;
  const running = new Promise<void>((resolve, reject) => {
    const next = (): void => {
      ask(sent++).then(() => ended.length === requests && resolve(), reject);
      // Independent arrivals: the time between two of them is exponential.
      if (sent < requests) runtime.setTimer((-Math.log(1 - runtime.random()) * 1_000) / perSecond, next);
    };
    next();
  });
  await runtime.advance((requests / perSecond) * 1_500 + 60_000);
  await running;
  if (runtime.pendingTimers > 0) defects.push(`${runtime.pendingTimers} timers are left behind`);
  return { requests: ended, extraAtMs: upstream.extraAtMs, calls: upstream.calls, defects };
}

/** Whether any ten seconds have seen more extra attempts than 15 % of their requests and 10: by how many at most. */
export function mostBeyondPromise({ requests, extraAtMs }: StormReport): number {
  const began = requests.map(({ atMs }) => atMs).sort((a, b) => a - b);
  const extras = [...extraAtMs].sort((a, b) => a - b);
  let most = -Infinity;
  let firstExtra = 0;
  let firstRequest = 0;
  let lastRequest = 0;
  for (const [index, atMs] of extras.entries()) {
    while (extras[firstExtra]! <= atMs - 10_000) firstExtra += 1;
    while (firstRequest < began.length && began[firstRequest]! <= atMs - 10_000) firstRequest += 1;
    while (lastRequest < began.length && began[lastRequest]! <= atMs) lastRequest += 1;
    most = Math.max(most, index - firstExtra + 1 - 10 - 0.15 * (lastRequest - firstRequest));
  }
  return most;
}

/** The share of the requests that were answered, of those that began in a span of time. */
export function answeredShare({ requests }: StormReport, fromMs = -Infinity, toMs = Infinity): number {
  const counted = requests.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
  return counted.filter(({ end }) => end === "completed").length / counted.length;
}

class CountedUpstream implements UpstreamClient {
  readonly extraAtMs: number[] = [];
  readonly calls: Record<string, number> = {};
  readonly #runtime: VirtualRuntime;
  readonly #sandbox: SandboxUpstream;
  readonly #seen = new Set<string>();

  constructor(runtime: VirtualRuntime) {
    this.#runtime = runtime;
    this.#sandbox = new SandboxUpstream(runtime);
  }

  dispatch(request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall {
    const number = /#(\d+)#/.exec(request.body)?.[1] ?? "";
    if (this.#seen.has(number)) this.extraAtMs.push(this.#runtime.monotonicMs());
    this.#seen.add(number);
    const { path } = request;
    this.calls[path] = (this.calls[path] ?? 0) + 1;
    return this.#sandbox.dispatch(request, handler);
  }

  close(): Promise<void> {
    return this.#sandbox.close();
  }
}
