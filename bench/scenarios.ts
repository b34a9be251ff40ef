import { startGrpcLoad } from "./load/grpc-load.ts";
import { startHttp1Load } from "./load/http1-load.ts";
import type { Load } from "./load/load.ts";
import { contentChunks, eventsPerStream, firstText, paceMs, streamedText, unaryText } from "./mock-upstream.ts";
import {
  authorization,
  connectBinaryRequest,
  connectJsonRequest,
  connectStreamRequest,
  envelope,
  http1Bytes,
  restRequest,
  type BenchRequest,
} from "./requests.ts";

/** Who is asked: the mock itself, the yardstick, or the gateway. */
export type TargetName = "direct" | "reference" | "parley";

/** Names for `--only`, in the order in which they run. */
export const scenarioNames = [
  ...(["unary", "stream", "paced", "latency"] as const),
  ...(["connect-json", "connect-binary", "connect-stream", "grpc"] as const),
];
export type ScenarioName = (typeof scenarioNames)[number];

/** One kind of load, put on each of its targets in turn. */
export interface Scenario {
  readonly name: ScenarioName;
  readonly title: string;
  readonly targets: readonly TargetName[];
  /** What CPU time is divided by: a request, or one of the events that the mock sends per stream. */
  readonly unit: "request" | "event";
  readonly unitsPerAnswer: number;
  readonly callers: number;
  /** How many times longer than the others its slices are. */
  readonly sliceFactor: number;
  readonly request: BenchRequest;
  /** Text that a whole answer holds, for the check before anything is measured. */
  readonly expected: string;
  start(port: number): Load;
}

const streamMs = contentChunks * paceMs;
const everyone: readonly TargetName[] = ["direct", "reference", "parley"];

interface Shape {
  readonly targets?: readonly TargetName[];
  readonly callers?: number;
  readonly sliceFactor?: number;
  readonly staggerMs?: number;
  readonly ending?: string;
}

function unaryScenario(name: ScenarioName, title: string, request: BenchRequest, shape: Shape): Scenario {
  const { targets = everyone, callers = 16, sliceFactor = 1 } = shape;
  const bytes = http1Bytes(request);
  const common = { name, title, targets, callers, sliceFactor, request, expected: unaryText };
  return {
    ...common,
    unit: "request",
    unitsPerAnswer: 1,
    start: (port) =>
      startHttp1Load({ port, callers, staggerMs: 0, request: bytes, firstToken: undefined, ending: undefined }),
  };
}

function streamScenario(name: ScenarioName, title: string, request: BenchRequest, shape: Shape): Scenario {
  const { targets = everyone, callers = 32, sliceFactor = 1, staggerMs = 0, ending = "[DONE]" } = shape;
  const load = { callers, staggerMs, request: http1Bytes(request) };
  const marks = { firstToken: Buffer.from(firstText), ending: Buffer.from(ending) };
  const common = { name, title, targets, callers, sliceFactor, request, expected: streamedText };
  return {
    ...common,
    unit: "event",
    unitsPerAnswer: eventsPerStream,
    start: (port) => startHttp1Load({ port, ...load, ...marks }),
  };
}

function grpcScenario(title: string, request: BenchRequest, callers: number): Scenario {
  const call = { path: request.path, authorization, message: envelope(request.body) };
  return {
    name: "grpc",
    title,
    targets: ["parley"],
    unit: "request",
    unitsPerAnswer: 1,
    callers,
    sliceFactor: 1,
    request,
    expected: unaryText,
    start: (port) => startGrpcLoad({ port, callers, staggerMs: 0, ...call }),
  };
}

const model = "mock/bench";
const pacedModel = "mock/bench-paced";
const parleyOnly = { targets: ["parley"] } as const;

/** All kinds of load, in the order in which they run within a round. */
export const scenarios: readonly Scenario[] = [
  unaryScenario("unary", "REST unary, 16 callers", restRequest(model, false), {}),
  streamScenario("stream", "REST streams, no pause between events, 32 callers", restRequest(model, true), {}),
  streamScenario("paced", `REST streams, ${paceMs} ms between events, 20 callers`, restRequest(pacedModel, true), {
    callers: 20,
    sliceFactor: 2,
    staggerMs: streamMs,
  }),
  unaryScenario("latency", "REST unary, one caller", restRequest(model, false), { callers: 1, sliceFactor: 0.5 }),
  unaryScenario("connect-json", "Connect unary over HTTP/1.1, JSON, 16 callers", connectJsonRequest(model), parleyOnly),
  unaryScenario(
    "connect-binary",
    "Connect unary over HTTP/1.1, binary, 16 callers",
    connectBinaryRequest(model),
    parleyOnly,
  ),
  streamScenario(
    "connect-stream",
    "Connect streams over HTTP/1.1, binary, no pause between events, 32 callers",
    connectStreamRequest(model),
    { ...parleyOnly, ending: "{}" },
  ),
  grpcScenario("gRPC unary over HTTP/2, 16 callers on one connection", connectBinaryRequest(model), 16),
];
