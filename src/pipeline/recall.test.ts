import { UNLIMITED } from "../policy/principal.ts";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  ChatRequestSchema,
  Role,
  reasoningPart,
  textPart,
  toolCallPart,
  type OpaqueState,
  type Part,
} from "../contract/index.ts";
import type { ParleyError } from "../errors/index.ts";
import { VirtualRuntime } from "../runtime/virtual.ts";
import { createStateVault } from "../store/state-vault.ts";
import type { ChatCall } from "./call.ts";
import { forget, recall, remember } from "./recall.ts";
import { withoutState } from "./strip-state.ts";

function signed(part: Part, text: string): Part {
  const state: OpaqueState = {
    $typeName: "parley.v1.OpaqueState",
    format: "x.signature",
    payload: { case: "text", value: text },
  };
  return { ...part, state: [state] };
}

function callWith(init: MessageInitShape<typeof ChatRequestSchema>, more: Partial<ChatCall> = {}): ChatCall {
  return {
    requestId: "req_1",
    caller: { keyId: "key", name: "k", role: "chat", allowsModel: () => true, ...UNLIMITED },
    request: create(ChatRequestSchema, { model: "m", ...init }),
    stream: false,
    timeoutMs: undefined,
    signal: new AbortController().signal,
    abort: (reason: ParleyError) => expect.fail(reason.message),
    carriesState: false,
    takesReset: true,
    surface: "test",
    ...more,
  };
}

const answer = [
  signed(reasoningPart("thinking"), "sig-1"),
  textPart("I look."),
  signed(toolCallPart("c1", "f", "{}"), "sig-2"),
  toolCallPart("c2", "g", "{}"),
];
const echoed = () => ({
  messages: [
    {
      role: Role.ASSISTANT,
      parts: [textPart("I look."), toolCallPart("c1", "f", "{}"), toolCallPart("c2", "g", "{}")],
    },
  ],
});
const stateOf = (part: Part | undefined): unknown => part?.state[0]?.payload.value;

describe("recall", () => {
  test("puts reasoning and signatures back where they were, found by any of the calls", () => {
    const vault = createStateVault(new VirtualRuntime());
    remember(vault, callWith({}), answer);
    const call = callWith(echoed());
    recall(vault, call);
    const parts = call.request.messages[0]?.parts ?? [];
    expect(parts.map((part) => part.kind.case)).toEqual(["reasoning", "text", "toolCall", "toolCall"]);
    expect(parts.map(stateOf)).toEqual(["sig-1", undefined, "sig-2", undefined]);
    expect(parts[2]?.kind.value).toMatchObject({ input: { value: "{}" } });
  });

  test("finds an answer without calls by its text, and only the very text", () => {
    const vault = createStateVault(new VirtualRuntime());
    remember(vault, callWith({}), [signed(textPart("It is 42."), "sig")]);
    const same = callWith({ messages: [{ role: Role.ASSISTANT, parts: [textPart("It is 42.")] }] });
    const other = callWith({ messages: [{ role: Role.ASSISTANT, parts: [textPart("It is 43.")] }] });
    recall(vault, same);
    recall(vault, other);
    expect(stateOf(same.request.messages[0]?.parts[0])).toBe("sig");
    expect(stateOf(other.request.messages[0]?.parts[0])).toBeUndefined();
  });

  test("replaces reasoning that a client echoed without its signature", () => {
    const vault = createStateVault(new VirtualRuntime());
    remember(vault, callWith({}), answer);
    const call = callWith({
      messages: [{ role: Role.ASSISTANT, parts: [reasoningPart("thinking"), toolCallPart("c1", "f", "{}")] }],
    });
    recall(vault, call);
    expect(call.request.messages[0]?.parts.map(stateOf)).toEqual(["sig-1", "sig-2"]);
  });

  test("gives nothing to another key, to who carries state, or over state that was sent", () => {
    const vault = createStateVault(new VirtualRuntime());
    remember(vault, callWith({}), answer);
    const stranger = callWith(echoed(), {
      caller: { keyId: "other", name: "o", role: "chat", allowsModel: () => true, ...UNLIMITED },
    });
    const carrying = callWith(echoed(), { carriesState: true });
    const own = callWith({
      messages: [{ role: Role.ASSISTANT, parts: [signed(toolCallPart("c1", "f", "{}"), "own")] }],
    });
    for (const call of [stranger, carrying, own]) recall(vault, call);
    expect(stranger.request.messages[0]?.parts).toHaveLength(3);
    expect(carrying.request.messages[0]?.parts).toHaveLength(3);
    expect(own.request.messages[0]?.parts.map(stateOf)).toEqual(["own"]);
  });
});

test("recall never puts what is kept of a text in the place of a text that the client has left out", () => {
  const vault = createStateVault(new VirtualRuntime());
  remember(vault, callWith({}), [signed(textPart("I look."), "sig-1"), signed(toolCallPart("c1", "f", "{}"), "sig-2")]);
  const call = callWith({ messages: [{ role: Role.ASSISTANT, parts: [toolCallPart("c1", "f", "{}")] }] });
  recall(vault, call);
  const parts = call.request.messages[0]?.parts ?? [];
  expect(parts.map((part) => [part.kind.case, stateOf(part)])).toEqual([["toolCall", "sig-2"]]);
});

describe("forget", () => {
  const asked = (init: Partial<ChatCall> = {}) => {
    const vault = createStateVault(new VirtualRuntime());
    remember(vault, callWith({}), answer);
    const call = callWith(echoed(), init);
    recall(vault, call);
    const isKept = (): boolean => {
      const next = callWith(echoed());
      recall(vault, next);
      return next.request.messages[0]?.parts.some(({ state }) => state.length > 0) === true;
    };
    return { vault, call, isKept };
  };

  test("drops the state that an answer was given without", () => {
    const { vault, call, isKept } = asked();
    forget(vault, call, withoutState(call.request));
    expect(isKept()).toBe(false);
  });

  test("leaves state alone that went out, and that of callers who carry theirs", () => {
    const { vault, call, isKept } = asked();
    forget(vault, call, call.request);
    expect(isKept()).toBe(true);
    forget(vault, { ...call, carriesState: true }, withoutState(call.request));
    expect(isKept()).toBe(true);
  });
});

describe("remember", () => {
  test("keeps nothing where the request demands zero retention, and nothing without state", () => {
    const put: string[] = [];
    const vault = { put: (_key: string, id: string) => void put.push(id), get: () => undefined, delete: () => {} };
    remember(vault, callWith({ routing: { constraints: { zeroRetention: true } } }), answer);
    remember(vault, callWith({}), [textPart("plain"), toolCallPart("c1", "f", "{}")]);
    expect(put).toEqual([]);
  });

  test("keeps state and reasoning, not what was said", () => {
    const kept: string[] = [];
    const vault = {
      put: (_key: string, _id: string, bytes: Uint8Array) => void kept.push(Buffer.from(bytes).toString("latin1")),
      get: () => undefined,
      delete: () => {},
    };
    remember(vault, callWith({}), [
      signed(textPart("a secret answer"), "sig"),
      signed(toolCallPart("c1", "f", '{"secret":"argument"}'), "sig"),
    ]);
    expect(kept.join("")).toContain("sig");
    expect(kept.join("")).not.toContain("secret");
  });
});
