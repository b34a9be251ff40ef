import { create } from "@bufbuild/protobuf";
import { ListBudgetsResponseSchema } from "../contract/admin.ts";
import {
  AdaptationSchema,
  AttemptSchema,
  CostSchema,
  DecisionSchema,
  BlockWriter,
  candidateFinished,
  completed,
  FailedSchema,
  FinishReason,
  keptAlive,
  ModelSchema,
  StreamEventSchema,
  TraceSchema,
  started,
  textPart,
  type StreamEvent,
} from "../contract/index.ts";
import { ParleyError, toGatewayError, type ReasonName } from "../errors/index.ts";
import type { ChatCall, ChatOutcome, EventSink } from "../pipeline/call.ts";
import { CALLER } from "../pipeline/caller.fixture.ts";
import type { Principal } from "../policy/principal.ts";
import type { Gateway } from "./gateway.ts";

// A gateway behind the surfaces' port for tests: what it answers is chosen by the request's model.

/** The one key that it knows. */
export const TEST_KEY = "a-key-of-the-tests";

const everything: Principal = { ...CALLER, keyId: "key_test" };

/** Answers by script and keeps the calls it got. */
export class TestGateway implements Gateway {
  readonly calls: ChatCall[] = [];
  /** Events written while the sink asked for a pause: none, if the sink's promise holds. */
  pauses = 0;
  drains = 0;
  #ids = 0;

  readonly models: Gateway["models"] = {
    list: (_principal, { pageSize, pageToken, provider }) => {
      if (pageToken === "bad")
        throw new ParleyError("INVALID_REQUEST", "Cannot list models: the page token is unknown");
      const names = ["fast", "sandbox/echo"].filter((name) => name.startsWith(provider)).slice(0, pageSize);
      return { models: names.map((name) => create(ModelSchema, { name })), nextPageToken: "" };
    },
    get: (_principal, name) => {
      if (name === "nothing") throw new ParleyError("MODEL_NOT_FOUND", "Cannot find the model", { field: "name" });
      return create(ModelSchema, { name });
    },
  };

  readonly budgets: Gateway["budgets"] = {
    list: () => Promise.resolve(create(ListBudgetsResponseSchema)),
    async *watch() {},
  };

  readonly usage: Gateway["usage"] = {
    query: () => Promise.resolve({}),
    attempts: () => Promise.resolve({}),
    export: () => (async function* () {})(),
    compensate: () => Promise.resolve({}),
  };
  readonly explain: Gateway["explain"] = {
    explain: (_principal, { model }) => create(DecisionSchema, { request: { model }, strategy: "ordered" }),
    trace: (_principal, requestId) => create(TraceSchema, { requestId }),
  };

  newRequestId(): string {
    return `req_${++this.#ids}`;
  }

  newErrorId(): string {
    return `err_${++this.#ids}`;
  }

  // Read when the methods are registered, and never called.
  readonly admin = {} as Gateway["admin"];

  authenticate({ key }: Parameters<Gateway["authenticate"]>[0]): Principal {
    if (key === TEST_KEY) return everything;
    throw new ParleyError("UNAUTHENTICATED", "Cannot let you in: the key is not known");
  }

  async chat(call: ChatCall, sink: EventSink): Promise<ChatOutcome> {
    this.calls.push(call);
    const [kind, argument] = call.request.model.split(":");
    switch (kind) {
      case "fail":
        return this.#fail(
          call,
          sink,
          new ParleyError(argument as ReasonName, "Cannot do it", { retryDelayMs: 1500 }),
          false,
        );
      case "fail-after":
        sink.write([...opening(call), ...textEvents("par")]);
        return this.#fail(call, sink, new ParleyError(argument as ReasonName, "Cannot go on"), true);
      case "wait":
        sink.write([...opening(call), ...textEvents("beginning")]);
        await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
        return this.#fail(call, sink, new ParleyError("CANCELLED", "The caller left"), true);
      case "flood":
        return this.#flood(call, sink, Number(argument));
      case "defect":
        throw new TypeError("a secret inside");
      case "alive":
        sink.write([keptAlive()]);
        break;
    }
    await Promise.resolve();
    sink.write([...opening(call), ...answer("Hello, "), ...closing()]);
    return { kind: "completed" };
  }

  async #flood(call: ChatCall, sink: EventSink, count: number): Promise<ChatOutcome> {
    const blocks = new BlockWriter();
    let block = 0;
    const piece = "x".repeat(4096);
    sink.write(opening(call));
    const begin: StreamEvent[] = [];
    block = blocks.open(begin, 0, textPart(""));
    sink.write(begin);
    for (let index = 0; index < count && !call.signal.aborted; index++) {
      const events: StreamEvent[] = [];
      blocks.append(events, 0, block, { case: "text", value: piece });
      if (sink.write(events)) continue;
      this.pauses += 1;
      await new Promise<void>((resolve) => {
        sink.onDrain = resolve;
        call.signal.addEventListener("abort", () => resolve());
      });
      this.drains += 1;
    }
    const end: StreamEvent[] = [];
    blocks.closeAll(end);
    sink.write([...end, ...closing()]);
    return { kind: "completed" };
  }

  #fail(call: ChatCall, sink: EventSink, error: ParleyError, delivered: boolean): ChatOutcome {
    const gatewayError = toGatewayError(error, {
      requestId: call.requestId,
      errorId: this.newErrorId(),
      contentDelivered: delivered,
      attempts: [],
    });
    if (delivered) {
      const value = create(FailedSchema, { error: gatewayError });
      sink.write([create(StreamEventSchema, { event: { case: "failed", value } })]);
    }
    return { kind: "failed", error, gatewayError, delivered };
  }
}

function opening(call: ChatCall): StreamEvent[] {
  const origin = { provider: "sandbox", model: "echo", dialect: "openai-chat", region: "eu" };
  return [started({ id: call.requestId, origin, adaptations: [create(AdaptationSchema, { field: "sampling.seed" })] })];
}

function textEvents(text: string): StreamEvent[] {
  const out: StreamEvent[] = [];
  const blocks = new BlockWriter();
  blocks.append(out, 0, blocks.open(out, 0, textPart("")), { case: "text", value: text });
  return out;
}

function answer(text: string): StreamEvent[] {
  const out: StreamEvent[] = [];
  const blocks = new BlockWriter();
  const block = blocks.open(out, 0, textPart(""));
  blocks.append(out, 0, block, { case: "text", value: text });
  blocks.append(out, 0, block, { case: "text", value: "wörld" });
  blocks.closeAll(out);
  return out;
}

function closing(): StreamEvent[] {
  return [
    candidateFinished(0, FinishReason.STOP, "stop"),
    completed({
      cost: create(CostSchema, { nanoUsd: 420_000n }),
      attempts: [create(AttemptSchema), create(AttemptSchema)],
    }),
  ];
}
