import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ChatRequestSchema, Delivery } from "../src/contract/index.ts";
import { storyText, storyTokens } from "../src/sandbox/index.ts";
import { createParley, textOf, user } from "../sdk/src/index.ts";
import {
  PROMPT_FAULTS,
  asking,
  freshModel,
  only,
  readEvents,
  streams,
  textDeltas,
  withWall,
} from "./support/delivery.ts";
import { toRest } from "./support/rest-door.ts";
import { PATIENT, WALL_FORMATS, askWall } from "./support/wall.ts";

// What a caller gets when an upstream breaks after content, through every door: delivery commit, restartable and hold.

const [CHAT] = WALL_FORMATS;
const STORY = "story@delay_ms=0";

test("commit ends typed after content, with what was delivered, and asks nobody else", async () => {
  await withWall(async (wall) => {
    for (const door of streams(wall)) {
      for (const delivery of [Delivery.UNSPECIFIED, Delivery.COMMIT]) {
        const outcome = await askWall(door, CHAT!, freshModel("fault-cut"), [`sandbox-anthropic/${STORY}`], {
          delivery,
        });
        expect(outcome).toMatchObject({ end: "STREAM_INTERRUPTED", attempts: 1, terminals: 1, marks: [] });
        expect(outcome.text).toBe(storyTokens(40).join(""));
      }
    }
  });
});

describe("restartable", () => {
  const more = { delivery: Delivery.RESTARTABLE };

  test.each(PROMPT_FAULTS)("%s after content starts over, and whoever folds has the whole answer", async (fault) => {
    await withWall(async (wall) => {
      const contract = streams(wall).filter(({ name }) => !name.startsWith("rest"));
      const found = await Promise.all(
        WALL_FORMATS.map((format, index) =>
          askWall(contract[index]!, format, freshModel(fault), ["sandbox/no-prefill@delay_ms=0"], more),
        ),
      );
      for (const outcome of found) {
        expect(outcome).toMatchObject({ end: "completed", text: storyText, attempts: 2, terminals: 1 });
        expect(outcome.marks).toEqual(["reset"]);
      }
    });
  });

  test("says from which event on all is void, and why", async () => {
    await withWall(async (wall) => {
      const { events } = await readEvents(wall, {
        ...asking(`sandbox/${freshModel("fault-cut")}`, [`sandbox/${STORY}`]),
        ...more,
      });
      const at = events.findIndex(({ event }) => event.case === "reset");
      expect(only(events, "reset")).toMatchObject({
        fromSeq: 1,
        broken: { number: 1, target: { model: expect.stringMatching(/^fault-cut/) } },
      });
      expect(events[at + 1]?.event.case).toBe("started");
      expect(events[0]?.event.case).toBe("started");
      expect(textDeltas(events.slice(0, at))).toBe(storyTokens(40).join(""));
      expect(textDeltas(events.slice(at))).toBe(storyText);
    });
  });

  test("the second reset voids what came after the first", async () => {
    await withWall(async (wall) => {
      const targets = ["sandbox-anthropic/fault-cut@delay_ms=0,after=10", `sandbox/${STORY}`];
      const { events } = await readEvents(wall, { ...asking(`sandbox/${freshModel("fault-cut")}`, targets), ...more });
      const resets = events.filter(({ event }) => event.case === "reset");
      const [first, second] = resets.map(({ event }) => (event.case === "reset" ? event.value.fromSeq : 0));
      expect(first).toBe(1);
      expect(second).toBe(resets[0]!.seq! + 1);
    });
  });

  test("the SDK collects the whole answer, over each protocol", async () => {
    await withWall(async ({ gateway }) => {
      for (const kind of [{}, { protocol: "grpc" }, { protocol: "grpc-web", fetch }] as const) {
        const parley = createParley({ baseUrl: gateway.url, apiKey: gateway.localKey, ...kind });
        const stream = parley.chat.stream({
          model: `sandbox/${freshModel("fault-cut")}`,
          messages: [user("Tell me a story")],
          routing: { fallbackModels: [`sandbox/${STORY}`] },
          ...more,
        });
        expect(textOf(await stream.collect())).toBe(storyText);
      }
    });
  });

  test("REST, which cannot say that an answer starts over, refuses it by name", async () => {
    await withWall(async ({ gateway }) => {
      const request = create(ChatRequestSchema, asking(`sandbox/${STORY}`));
      const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${gateway.localKey}` },
        body: JSON.stringify({ ...toRest(request, true), parley: { delivery: "restartable" } }),
      });
      expect(answer.status).toBe(400);
      const { error } = (await answer.json()) as { error: Record<string, any> };
      expect(error).toMatchObject({ param: "parley.delivery", parley: { reason: "unsupported_parameter" } });
    });
  });
});

describe("hold", () => {
  const more = { delivery: Delivery.HOLD };

  test.each(PROMPT_FAULTS)("%s after content is rescued, and nothing of it shows", async (fault) => {
    await withWall(async (wall) => {
      const found = await Promise.all(
        WALL_FORMATS.map((format, index) =>
          askWall(streams(wall)[index + 2]!, format, freshModel(fault), ["sandbox/no-prefill@delay_ms=0"], more),
        ),
      );
      for (const outcome of found)
        expect(outcome).toMatchObject({ end: "completed", text: storyText, attempts: 2, terminals: 1, marks: [] });
    });
  });

  test("nothing but signs of life leaves before the answer is whole", async () => {
    await withWall(async (wall) => {
      const model = freshModel("story").replace("delay_ms=0", "delay_ms=10");
      let wasWhole: boolean | undefined;
      const { events } = await readEvents(wall, { ...asking(`sandbox/${model}`), ...more }, ({ event }) => {
        if (event.case !== "keptAlive") wasWhole ??= wall.gateway.sandbox.books.of(model)[0]?.tokensSent === 60;
      });
      expect(wasWhole).toBe(true);
      expect(events[0]?.event.case).toBe("keptAlive");
      expect(textDeltas(events)).toBe(storyText);
    }, `${PATIENT}server:\n  timeouts: { keep_alive: 100ms }\n`);
  });

  test("REST gets no byte of an answer that no target finishes, but a status", async () => {
    await withWall(async (wall) => {
      const outcome = await askWall(
        wall.doors.find(({ name }) => name === "rest stream")!,
        CHAT!,
        freshModel("fault-cut"),
        ["sandbox-anthropic/fault-cut@delay_ms=0"],
        more,
      );
      expect(outcome).toMatchObject({ end: "STREAM_INTERRUPTED", attempts: 2, contentSeen: false });
    });
  });
});
