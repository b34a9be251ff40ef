import { create, toBinary, toJsonString, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Client, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  ChatService,
  Delivery,
  ErrorReason,
  GatewayErrorSchema,
  ResolutionRule,
  ResponseFold,
  Role,
  RouteService,
  TraceSchema,
  textPart,
  type ChatRequestSchema,
  type Decision,
  type Failed,
} from "../src/contract/index.ts";
import { startGateway, type TestGateway } from "./support/gateway.ts";

// What Explain says of a request is what then becomes of it, and nothing is spent to say it.
const TEAM = "explain-team-key-0001";
const OTHER = "explain-other-key-0001";
const PROMPT = "canary-prompt-explain-51b7";

const YAML = `version: 1
sandbox: true
providers:
  east: { kind: openai-compatible, base_url: "http://127.0.0.1:1/v1", region: eu, price: { input: 1, output: 10 }, models: { m: { max_output_tokens: 1000 } } }
  west: { kind: openai-compatible, base_url: "http://127.0.0.1:1/v1", region: us, models: [m] }
routes:
  ladder: { targets: [sandbox/fault-500, west/m, sandbox/fault-503, sandbox/echo, sandbox/story] }
  pair: { targets: [sandbox/fault-503, west/m, sandbox/echo] }
  other: { targets: [sandbox/fault-500, west/m, sandbox/echo] }
  private: { targets: [west/m] }
  mixed: { targets: [west/m, sandbox/echo] }
keys:
  - { name: team, key: "${TEAM}" }
  - { name: other, key: "${OTHER}", policy: narrow }
policies:
  narrow: { allow_models: ["sandbox/*", "ladder"] }
`;

let gateway: TestGateway;
let transports: [name: string, transport: (key: string) => Transport][];

beforeAll(async () => {
  gateway = await startGateway({ yaml: YAML });
  const baseUrl = gateway.url;
  const withKey = (key: string) => [
    (next: (request: any) => Promise<any>) => (request: any) => {
      request.header.set("authorization", `Bearer ${key}`);
      return next(request);
    },
  ];
  transports = [
    ["connect", (key) => createConnectTransport({ baseUrl, httpVersion: "1.1", interceptors: withKey(key) })],
    ["grpc", (key) => createGrpcTransport({ baseUrl, interceptors: withKey(key) })],
    ["grpc-web", (key) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1", interceptors: withKey(key) })],
  ];
});

afterAll(() => gateway.close());

type Request = MessageInitShape<typeof ChatRequestSchema>;

function ask(model: string, more: Omit<Request, "model" | "messages"> = {}): Request {
  return { model, messages: [{ role: Role.USER, parts: [textPart(PROMPT)] }], ...more } as Request;
}

function routeClient(name = "connect", key = TEAM): Client<typeof RouteService> {
  return createClient(RouteService, transports.find(([one]) => one === name)![1](key));
}

function chatClient(key = TEAM): Client<typeof ChatService> {
  return createClient(ChatService, transports[0]![1](key));
}

async function explained(request: Request, key = TEAM): Promise<Decision> {
  return (await routeClient("connect", key).explain({ request })).decision!;
}

async function failureOf(call: Promise<unknown>): Promise<{ code: Code; reason: ErrorReason; field: string }> {
  const error = ConnectError.from(
    await call.then(
      () => new Error("it was answered"),
      (thrown: unknown) => thrown,
    ),
  );
  const detail = error.findDetails(GatewayErrorSchema)[0];
  return { code: error.code, reason: detail?.reason ?? ErrorReason.UNSPECIFIED, field: detail?.field ?? "" };
}

const rankedOf = ({ candidates }: Decision): string[] =>
  candidates.filter((one) => one.rank !== undefined).map((one) => one.name);

describe("Explain", () => {
  const inEurope: Request = ask("ladder", {
    routing: { constraints: { denyProviders: ["west"] }, maxAttempts: 5 },
    sampling: { maxOutputTokens: 100 },
  });

  test("says the order in which a request then goes, over every protocol, and calls nobody", async () => {
    const decisions: Decision[] = [];
    for (const [name] of transports) {
      decisions.push((await routeClient(name).explain({ request: inEurope })).decision!);
    }
    expect(gateway.sandbox.books.totals.attempts).toBe(0);
    const [decision, ...others] = decisions;
    for (const other of others) expect(other).toEqual(decision);
    const { response } = await chatClient().generate({ request: inEurope });
    const tried = response!.attempts.map(({ target }) => `${target!.provider}/${target!.model}`);
    expect(tried).toEqual(["sandbox/fault-500", "sandbox/fault-503", "sandbox/echo"]);
    expect(gateway.sandbox.books.attempts.map((one) => `sandbox/${one.model}`)).toEqual(tried);
    expect(rankedOf(decision!)).toEqual([...tried, "sandbox/story"]);
    expect(decision!.candidates.map((one) => one.rank)).toEqual([1, 2, 3, 4, undefined]);
    expect(decision!.candidates.at(-1)).toMatchObject({
      name: "west/m",
      exclusion: { rule: "routing.constraints.deny_providers" },
    });
    expect(decision).toMatchObject({
      request: { model: "ladder", maxOutputTokens: 100, candidates: 1, needs: [] },
      resolutionRule: ResolutionRule.ROUTE,
      strategy: "ordered",
      delivery: Delivery.COMMIT,
      maxAttempts: 5,
    });
    expect(toJsonString(TraceSchema, create(TraceSchema, { decision: decision! }))).not.toContain(PROMPT);
  });

  test("bounds the cost of each target by its prices, and says nothing where none is known", async () => {
    const { request, candidates } = await explained(
      ask("east/m", { routing: { fallbackModels: ["west/m"] }, sampling: { maxOutputTokens: 200 } }),
    );
    const input = BigInt(request!.inputTokensUpperBound);
    expect(input).toBeGreaterThan(BigInt(PROMPT.length));
    // A dollar and ten per million: 1,000 and 10,000 nano-USD per token.
    expect(candidates.map((one) => one.worstCostNanoUsd)).toEqual([input * 1000n + 200n * 10_000n, undefined]);
  });

  test.each<[string, ResolutionRule]>([
    ["echo", ResolutionRule.CATALOGUE],
    ["sandbox/tools", ResolutionRule.PROVIDER],
    ["ladder", ResolutionRule.ROUTE],
  ])("names the rule that resolved %s, and the needs of the request", async (model, rule) => {
    const tools = [{ kind: { case: "function", value: { name: "look_up" } } }] as const;
    const decision = await explained(ask(model, { tools: [...tools] }));
    expect(decision.resolutionRule).toBe(rule);
    expect(decision.request!.needs).toEqual(["tools"]);
  });

  test("answers also where no target may serve, with the error that the request itself gets", async () => {
    const request = ask("private", { routing: { constraints: { regions: ["eu"] } } });
    const decision = await explained(request);
    expect(decision.candidates).toMatchObject([{ name: "west/m", exclusion: { rule: "routing.constraints.regions" } }]);
    const { reason, field } = await failureOf(chatClient().generate({ request }));
    expect(decision.refusal).toMatchObject({ reason, field });
    expect(reason).toBe(ErrorReason.NO_ELIGIBLE_TARGET);
  });

  test.each<[string, Request]>([
    ["an unknown model", ask("sandbox/")],
    ["a model that the key may not use", ask("private")],
    ["no message", { model: "ladder", messages: [] }],
    ["a rule of the pipeline", ask("ladder", { rawParams: [{ provider: "west", json: "[]" }] })],
  ])("refuses %s with the error of the chat", async (_what, request) => {
    const [fromChat, fromExplain] = await Promise.all([
      failureOf(chatClient(OTHER).generate({ request })),
      failureOf(routeClient("connect", OTHER).explain({ request })),
    ]);
    expect(fromExplain).toEqual(fromChat);
    expect(fromExplain.reason).not.toBe(ErrorReason.UNSPECIFIED);
  });

  test("needs a key and a request", async () => {
    expect(
      await failureOf(routeClient("connect", "no-such-key-at-all").explain({ request: ask("ladder") })),
    ).toMatchObject({
      reason: ErrorReason.UNAUTHENTICATED,
    });
    expect(await failureOf(routeClient().explain({}))).toMatchObject({
      reason: ErrorReason.INVALID_REQUEST,
      field: "request",
    });
  });

  test("shows what the key's own policy excludes as such", async () => {
    const decision = await explained(ask("mixed"), OTHER);
    expect(decision.candidates.map((one) => [one.name, one.rank, one.exclusion?.rule])).toEqual([
      ["sandbox/echo", 1, undefined],
      ["west/m", undefined, "key.allow_models"],
    ]);
  });
});

describe("a trace", () => {
  test("comes with a reply that asks for it, whole and streamed, and never else", async () => {
    const chat = chatClient();
    const request = ask("pair", { routing: { constraints: { denyProviders: ["west"] } }, explain: true });
    const whole = (await chat.generate({ request })).response!;
    const fold = new ResponseFold();
    for await (const { event } of chat.generateStream({ request })) fold.add(event!);
    for (const { id, trace, attempts, origin } of [whole, fold.response()]) {
      expect(trace).toMatchObject({ requestId: id, served: { provider: origin!.provider, model: origin!.model } });
      expect(trace!.attempts).toEqual(attempts);
      expect(trace!.attempts.map((one) => one.reason)).toEqual([
        ErrorReason.PROVIDER_OVERLOADED,
        ErrorReason.UNSPECIFIED,
      ]);
      expect(rankedOf(trace!.decision!)).toEqual(
        trace!.attempts.map(({ target }) => `${target!.provider}/${target!.model}`),
      );
      // Stages follow each other: attempts start later and later, headers come before the end.
      const starts = trace!.attempts.map((one) => one.startedAfterMs);
      expect(starts).toEqual(starts.toSorted((a, b) => a - b));
      for (const one of trace!.attempts) expect(one.responseMs).toBeLessThanOrEqual(one.durationMs);
      expect(trace!.routedAfterUs).toBeGreaterThan(0);
    }
    const silent = (await chat.generate({ request: { ...request, explain: false } })).response!;
    expect(silent.trace).toBeUndefined();
  });

  test("comes with the failure of a stream that has begun", async () => {
    let failed: Failed | undefined;
    const stream = chatClient().generateStream({ request: ask("sandbox/fault-cut", { explain: true }) });
    const reading = (async () => {
      for await (const { event } of stream) if (event?.event.case === "failed") failed = event.event.value;
    })();
    const { reason } = await failureOf(reading);
    expect(failed?.trace).toMatchObject({ reason, attempts: [{ reason }] });
    expect(failed?.trace?.served).toBeUndefined();
  });

  test("can be fetched by the request's id, by its own key and the administrator only", async () => {
    const request = ask("pair", { routing: { constraints: { denyProviders: ["west"] } } });
    const { id } = (await chatClient().generate({ request })).response!;
    for (const [name] of transports) {
      const { trace } = await routeClient(name).getTrace({ requestId: id });
      expect(trace).toMatchObject({ requestId: id, served: { provider: "sandbox", model: "echo" }, reason: 0 });
      expect(Buffer.from(toBinary(TraceSchema, trace!)).toString("latin1")).not.toContain(PROMPT);
    }
    expect((await routeClient("grpc", gateway.adminKey).getTrace({ requestId: id })).trace?.requestId).toBe(id);
    const notFound = { code: Code.NotFound, reason: ErrorReason.NOT_FOUND, field: "request_id" };
    expect(await failureOf(routeClient("connect", OTHER).getTrace({ requestId: id }))).toEqual(notFound);
    expect(await failureOf(routeClient("grpc").getTrace({ requestId: "req_unknown" }))).toEqual(notFound);
    expect(await failureOf(routeClient().getTrace({ requestId: "" }))).toMatchObject({
      reason: ErrorReason.INVALID_REQUEST,
    });
  });

  test("tells why a request failed before it had targets, and why none was left", async () => {
    for (const [request, hasDecision] of [
      [ask("nobody/nothing"), false],
      [ask("private", { routing: { constraints: { regions: ["eu"] } } }), true],
    ] as const) {
      let requestId = "";
      const call = chatClient().generate(
        { request },
        { onHeader: (seen) => void (requestId = seen.get("x-request-id")!) },
      );
      const error = ConnectError.from(await call.catch((thrown: unknown) => thrown));
      const detail = error.findDetails(GatewayErrorSchema)[0]!;
      requestId ||= detail.requestId;
      const { trace } = await routeClient().getTrace({ requestId });
      expect(trace).toMatchObject({ reason: detail.reason, message: detail.message, attempts: [] });
      expect(trace!.decision !== undefined).toBe(hasDecision);
    }
  });

  test.each([false, true])("is parley.trace in the REST shim, stream: %s", async (stream) => {
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${TEAM}`, "content-type": "application/json" },
      body: JSON.stringify({
        model: "other",
        stream,
        messages: [{ role: "user", content: PROMPT }],
        parley: { explain: true, constraints: { deny_providers: ["west"] } },
      }),
    });
    const text = await answer.text();
    const body = stream
      ? text
          .split("\n")
          .findLast((line) => line.startsWith("data: {"))!
          .slice(6)
      : text;
    const { trace } = JSON.parse(body).parley;
    expect(trace).toMatchObject({
      request_id: answer.headers.get("x-request-id"),
      decision: {
        model: "other",
        resolution_rule: "route",
        strategy: "ordered",
        delivery: "commit",
        candidates: [
          { name: "sandbox/fault-500", rank: 1 },
          { name: "sandbox/echo", rank: 2 },
          { name: "west/m", exclusion: { rule: "routing.constraints.deny_providers" } },
        ],
      },
      served: { provider: "sandbox", model: "echo" },
    });
    expect(trace.attempts.map((one: { reason?: string }) => one.reason)).toEqual(["provider_error", undefined]);
    expect(JSON.stringify(trace)).not.toContain(PROMPT);
  });
});
