import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ChatRequestSchema, Role, Support, textPart, type ChatRequest } from "../contract/index.ts";
import { VirtualRuntime } from "../runtime/virtual.ts";
import { Affinity, conversationKey } from "./affinity.ts";
import { targetOf } from "./routing.fixture.ts";

const say = (role: Role, text: string) => ({ role, parts: [textPart(text)] });
const turn = (init: MessageInitShape<typeof ChatRequestSchema>): ChatRequest =>
  create(ChatRequestSchema, { model: "m", ...init });
const opening = [say(Role.SYSTEM, "rules"), say(Role.USER, "question")];
const first = turn({ messages: opening });
const later = turn({ messages: [...opening, say(Role.ASSISTANT, "answer"), say(Role.USER, "more")] });
const key = (request: ChatRequest, tenant = "t", tokens = 5_000) => conversationKey(request, tenant, 300_000, tokens);

describe("conversationKey", () => {
  test("later turns of a conversation have the key of the first", () => {
    expect(key(later)).toEqual(key(first));
  });
  test("other tenants, models, openings and tools have others", () => {
    const others = [
      key(first, "t2"),
      key(turn({ model: "n", messages: opening })),
      key(turn({ messages: [say(Role.SYSTEM, "rules"), say(Role.USER, "another")] })),
      key(turn({ messages: opening, tools: [{ kind: { case: "function", value: { name: "f" } } }] })),
      key(turn({ messages: opening, caching: { key: "k" } })),
    ];
    expect(new Set([...others, key(first)].map((one) => one?.digest)).size).toBe(6);
  });
  test("the caller's key decides alone, and holds nothing of what was said", () => {
    const [one, two] = ["a", "b"].map((text) =>
      key(turn({ messages: [say(Role.USER, text)], caching: { key: "k" } }), "t", 1),
    );
    expect(one).toEqual(two);
    expect(JSON.stringify([one, key(first)])).not.toMatch(/rules|question/);
  });
  test("what is too short to be cached has none", () => {
    expect(key(first, "t", 1_023)).toBeUndefined();
  });
});

describe("Affinity", () => {
  const caches = targetOf("a/one", { capabilities: { prompt_cache: Support.NATIVE } });
  test("remembers who answered, for as long as the cache pays, and only where there is one", async () => {
    const runtime = new VirtualRuntime();
    const affinity = new Affinity(runtime);
    affinity.note(key(first)!, targetOf("a/two"));
    expect(affinity.recall(key(first)!)).toBeUndefined();
    affinity.note(key(first)!, caches);
    expect(affinity.recall(key(later)!)).toBe("a/one");
    expect(affinity.recall(key(later, "t2")!)).toBeUndefined();
    await runtime.advance(300_000);
    expect(affinity.recall(key(later)!)).toBeUndefined();
  });
  test("a request that asks for a longer time to live gets it", async () => {
    const runtime = new VirtualRuntime();
    const affinity = new Affinity(runtime);
    const asked = key(turn({ messages: opening, caching: { ttlSeconds: 3_600 } }))!;
    affinity.note(asked, caches);
    await runtime.advance(3_599_000);
    expect(affinity.recall(asked)).toBe("a/one");
  });
});
