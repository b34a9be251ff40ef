import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  FinishReason,
  BlockWriter,
  candidateFinished,
  textPart,
  toolCallPart,
  type Part,
} from "../../contract/index.ts";
import { ParleyError, type ReasonName } from "../../errors/index.ts";
import type { ChatCall, ChatOutcome, EventSink } from "../../pipeline/call.ts";
import { realRuntime } from "../../runtime/real.ts";
import { startedEvent, completedEvent, answerWith, failWith, breakWith } from "./answers.fixture.ts";
import { KEY, ScriptedGateway, lastRequest, serveSurface, type ServedSurface } from "./test-support.ts";

// OpenAI's own client against this surface, unchanged but for its base URL and key.

const runtime = realRuntime();

function clientOf({ url }: ServedSurface, options: { apiKey?: string; maxRetries?: number } = {}): OpenAI {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey: KEY, maxRetries: 0, ...options });
}

const MESSAGES = [{ role: "user", content: "hi" }] as const;

function ask(content = "hi"): { model: string; messages: { role: "user"; content: string }[] } {
  return { model: "house/qwen/qwen3", messages: [{ role: "user", content }] };
}

/** Streams parts: text and arguments in pieces of three characters, one write per piece. */
function stream(
  call: ChatCall,
  sink: EventSink,
  parts: readonly Part[],
  finish: FinishReason = FinishReason.STOP,
): ChatOutcome {
  sink.write([startedEvent(call.requestId)]);
  const writer = new BlockWriter();
  for (const part of parts) {
    const events: Parameters<EventSink["write"]>[0] = [];
    const { kind } = part;
    if (kind.case === "text") {
      const block = writer.open(events, 0, textPart(""));
      for (const piece of kind.value.text.match(/.{1,3}/gsu) ?? [])
        writer.append(events, 0, block, { case: "text", value: piece });
      writer.close(events, 0, block);
    } else if (kind.case === "toolCall") {
      const block = writer.open(events, 0, toolCallPart(kind.value.callId, kind.value.name, ""));
      for (const piece of (kind.value.input.value ?? "").match(/.{1,3}/gsu) ?? []) {
        writer.append(events, 0, block, { case: "argumentsJson", value: piece });
      }
      writer.close(events, 0, block);
    }
    for (const event of events) sink.write([event]);
  }
  sink.write([candidateFinished(0, finish, "native")]);
  sink.write([completedEvent()]);
  return { kind: "completed" };
}

function answering(parts: readonly Part[], finish?: FinishReason): ScriptedGateway {
  return new ScriptedGateway((call, sink) =>
    call.stream ? stream(call, sink, parts, finish) : answerWith(call, sink, parts, finish),
  );
}

describe("the openai client", () => {
  test("chats", async () => {
    await using served = await serveSurface(runtime, answering([textPart("Hello there")]));
    const completion = await clientOf(served).chat.completions.create(ask());
    expect(completion.choices[0]?.message.content).toBe("Hello there");
    expect(completion.usage?.total_tokens).toBe(25);
    expect(completion._request_id).toBe("req_1");
  });

  test("streams, with usage", async () => {
    await using served = await serveSurface(runtime, answering([textPart("Hello there")]));
    const chunks = await clientOf(served).chat.completions.create({
      ...ask(),
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let total: number | undefined;
    for await (const chunk of chunks) {
      text += chunk.choices[0]?.delta.content ?? "";
      total = chunk.usage?.total_tokens ?? total;
    }
    expect([text, total]).toEqual(["Hello there", 25]);
  });

  test("collects a stream through its helper", async () => {
    const parts = [
      textPart("Let me see"),
      toolCallPart("c1", "f", '{"city":"Rome"}'),
      toolCallPart("c2", "g", '{"x": [1]}'),
    ];
    await using served = await serveSurface(runtime, answering(parts, FinishReason.TOOL_CALLS));
    const completion = await clientOf(served).chat.completions.stream(ask()).finalChatCompletion();
    expect(completion.choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: {
        content: "Let me see",
        tool_calls: [
          { id: "c1", function: { name: "f", arguments: '{"city":"Rome"}' } },
          { id: "c2", function: { name: "g", arguments: '{"x": [1]}' } },
        ],
      },
    });
  });

  test("runs tools over several turns and sends everything back", async () => {
    const gateway = new ScriptedGateway((call, sink) =>
      call.request.messages.length === 1
        ? answerWith(call, sink, [toolCallPart("c1", "weather", '{"city":"Rome"}')], FinishReason.TOOL_CALLS)
        : answerWith(call, sink, [textPart("Sunny in Rome")]),
    );
    await using served = await serveSurface(runtime, gateway);
    const asked: unknown[] = [];
    const runner = clientOf(served).chat.completions.runTools({
      ...ask(),
      tools: [
        {
          type: "function",
          function: {
            name: "weather",
            description: "the weather",
            parameters: { type: "object", properties: { city: { type: "string" } } },
            parse: JSON.parse,
            function: (args: object) => {
              asked.push(args);
              return "sunny";
            },
          },
        },
      ],
    });
    expect(await runner.finalContent()).toBe("Sunny in Rome");
    expect(asked).toEqual([{ city: "Rome" }]);
    expect(lastRequest(gateway).messages.map(({ parts: [part] }) => part?.kind.case)).toEqual([
      "text",
      "toolCall",
      "toolResult",
    ]);
  });

  test("gets structured output, whole and streamed", async () => {
    const gateway = answering([textPart('{"name":"Ada","age":36}')]);
    await using served = await serveSurface(runtime, gateway);
    const Person = z.object({ name: z.string(), age: z.number() });
    const params = { ...ask(), response_format: zodResponseFormat(Person, "person") };
    const whole = await clientOf(served).chat.completions.parse(params);
    expect(whole.choices[0]?.message.parsed).toEqual({ name: "Ada", age: 36 });
    const format = lastRequest(gateway).output?.format;
    expect(format?.case === "jsonSchema" && [format.value.name, format.value.strict]).toEqual(["person", true]);
    const streamed = await clientOf(served).chat.completions.stream(params).finalChatCompletion();
    expect(streamed.choices[0]?.message.parsed).toEqual({ name: "Ada", age: 36 });
  });

  test("sends an answer back as the client parsed it", async () => {
    const gateway = answering([toolCallPart("c1", "f", "{}")], FinishReason.TOOL_CALLS);
    await using served = await serveSurface(runtime, gateway);
    const client = clientOf(served);
    const { choices } = await client.chat.completions.parse(ask());
    const message = choices[0]!.message;
    const messages = [...MESSAGES, message, { role: "tool", tool_call_id: "c1", content: "ok" } as const];
    await client.chat.completions.create({ model: "house/qwen/qwen3", messages });
    expect(lastRequest(gateway).messages).toHaveLength(3);
  });

  test("lists and retrieves models", async () => {
    const gateway = answering([]);
    gateway.catalogue = [
      { name: "fast", kind: 2 },
      { name: "house/qwen/qwen3", kind: 1, provider: "house" },
    ].map(
      (fields) =>
        ({ ...fields, capabilities: {}, inputModalities: [], outputModalities: [], prices: [], targets: [] }) as never,
    );
    await using served = await serveSurface(runtime, gateway);
    const client = clientOf(served);
    const ids: string[] = [];
    for await (const model of client.models.list()) ids.push(model.id);
    expect(ids).toEqual(["fast", "house/qwen/qwen3"]);
    expect((await client.models.retrieve("house/qwen/qwen3")).owned_by).toBe("house");
    await expect(client.models.retrieve("no/such")).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });

  test.each<[ReasonName, new (...args: never[]) => InstanceType<typeof OpenAI.APIError>, number, string]>([
    ["CONTEXT_TOO_LONG", OpenAI.BadRequestError, 400, "context_length_exceeded"],
    ["MODEL_NOT_ALLOWED", OpenAI.PermissionDeniedError, 403, "model_not_allowed"],
    ["MODEL_NOT_FOUND", OpenAI.NotFoundError, 404, "model_not_found"],
    ["CONFLICT", OpenAI.ConflictError, 409, "conflict"],
    ["NO_ELIGIBLE_TARGET", OpenAI.UnprocessableEntityError, 422, "no_eligible_target"],
    ["PROVIDER_RATE_LIMITED", OpenAI.RateLimitError, 429, "rate_limit_exceeded"],
    ["PROVIDER_QUOTA", OpenAI.RateLimitError, 429, "insufficient_quota"],
    ["PROVIDER_OVERLOADED", OpenAI.InternalServerError, 503, "provider_overloaded"],
    ["BUDGET_EXCEEDED", OpenAI.APIError, 402, "insufficient_quota"],
  ])("raises its own class for %s", async (reason, Class, status, code) => {
    await using served = await serveSurface(
      runtime,
      new ScriptedGateway((call) => failWith(call, new ParleyError(reason, "Cannot do it"))),
    );
    for (const streaming of [false, true]) {
      const error: unknown = await clientOf(served)
        .chat.completions.create({ ...ask(), stream: streaming })
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(Class);
      expect(error).toMatchObject({ status, code, requestID: expect.stringMatching(/^req_/) as string });
    }
  });

  test("raises for a wrong key, and for a field of the wrong type with its path", async () => {
    await using served = await serveSurface(runtime, answering([]));
    await expect(clientOf(served, { apiKey: "nope" }).chat.completions.create(ask())).rejects.toBeInstanceOf(
      OpenAI.AuthenticationError,
    );
    const wrong = { ...ask(), messages: [{ role: "user", content: 5 }] } as never;
    await expect(clientOf(served).chat.completions.create(wrong)).rejects.toMatchObject({
      status: 400,
      param: "messages[0].content",
    });
  });

  test("raises for a stream that breaks, after what was delivered", async () => {
    const gateway = new ScriptedGateway((call, sink) => {
      sink.write([startedEvent(call.requestId)]);
      const writer = new BlockWriter();
      const events: Parameters<EventSink["write"]>[0] = [];
      writer.append(events, 0, writer.open(events, 0, textPart("")), { case: "text", value: "frag" });
      sink.write(events);
      return breakWith(call, sink, new ParleyError("STREAM_INTERRUPTED", "Cannot complete the answer: it was cut"));
    });
    await using served = await serveSurface(runtime, gateway);
    const chunks = await clientOf(served).chat.completions.create({ ...ask(), stream: true });
    let text = "";
    const reading = (async () => {
      for await (const chunk of chunks) text += chunk.choices[0]?.delta.content ?? "";
    })();
    await expect(reading).rejects.toMatchObject({
      code: "stream_interrupted",
      error: { parley: { reason: "stream_interrupted" } },
    });
    expect(text).toBe("frag");
  });

  test("retries where it is told to, and only there", async () => {
    for (const [reason, calls] of [
      ["GATEWAY_OVERLOADED", 2],
      ["GATEWAY_INTERNAL", 1],
      ["CONFLICT", 1],
    ] as const) {
      const gateway = new ScriptedGateway((call) =>
        failWith(call, new ParleyError(reason, "Cannot do it", { retryDelayMs: 1 })),
      );
      await using served = await serveSurface(runtime, gateway);
      await clientOf(served, { maxRetries: 1 })
        .chat.completions.create(ask())
        .catch(() => undefined);
      expect([reason, gateway.calls.length]).toEqual([reason, calls]);
    }
  });

  test("aborts, and the gateway hears of it", async () => {
    const heard: Promise<unknown>[] = [];
    const gateway = new ScriptedGateway(async (call, sink) => {
      const aborted = new Promise((resolve) => call.signal.addEventListener("abort", resolve));
      heard.push(aborted);
      sink.write([startedEvent(call.requestId)]);
      await aborted;
      return { kind: "completed" };
    });
    await using served = await serveSurface(runtime, gateway);
    const chunks = await clientOf(served).chat.completions.create({ ...ask(), stream: true });
    for await (const _chunk of chunks) break;
    await heard[0];
    const leaving = new AbortController();
    const gone = clientOf(served).chat.completions.create({ ...ask(), stream: true }, { signal: leaving.signal });
    const second = await gone;
    leaving.abort();
    await expect(
      (async () => {
        for await (const _chunk of second) void _chunk;
      })(),
    ).resolves.toBeUndefined();
    await heard[1];
    expect(heard).toHaveLength(2);
  });
});
