import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Delivery, Effort, type Attempt } from "../src/contract/index.ts";
import { storyText, storyTokens, type Sandbox } from "../src/sandbox/index.ts";
import {
  PROMPT_FAULTS,
  freshModel,
  asking,
  farProviders,
  only,
  readEvents,
  startFarSandbox,
  streams,
  textDeltas,
  withWall,
} from "./support/delivery.ts";
import { startScriptedUpstream } from "./support/scripted-upstream.ts";
import { PATIENT, WALL_FORMATS, askWall, type Wall, type WallRequest } from "./support/wall.ts";

// Delivery auto: where an upstream breaks after content, another target goes on as if nothing had happened, or the answer
// ends as with commit.

// A stream of chat completion chunks, and how such a stream ends.
const chunk = (delta: object, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const chunks = (text: string): string => Array.from(text, (content) => chunk({ content })).join("");
const LAST_CHUNKS = `${chunk({}, "stop")}data: [DONE]\n\n`;

const [CHAT] = WALL_FORMATS;
const STORY = "story@delay_ms=0";

let far: Sandbox;

beforeAll(async () => {
  far = await startFarSandbox();
});

afterAll(() => far.close());

const withFar = (work: (wall: Wall) => Promise<void>): Promise<void> => withWall(work, PATIENT + farProviders(far));

// Gives the first target up soon.
const HASTY = `${PATIENT}server:
  timeouts: { progress: 700ms }
`;

// Text that its target has closed is not opened again: nobody knows that it was not whole.
const ENDS_ITS_TEXT = new Set(["fault-no-finish", "fault-done-without-finish"]);
const CLOSES_ITS_TEXT = new Set(["openai-responses", "anthropic-messages"]);

describe("auto", () => {
  test.each(PROMPT_FAULTS)("%s after content is continued over another wire format, to the byte", async (fault) => {
    await withWall(async (wall) => {
      const found = await Promise.all(
        WALL_FORMATS.flatMap((format, index) => {
          const next = WALL_FORMATS[(index + 1) % WALL_FORMATS.length]!;
          // Every door for one format, one door each for the others.
          const used = index === 0 ? streams(wall) : streams(wall).slice(index, index + 1);
          return used.map(async (door) => {
            const fallback = `${next.provider}/${STORY}`;
            const more = { delivery: Delivery.AUTO };
            const outcome = await askWall(door, format, freshModel(fault), [fallback], more);
            return { fallback, format, outcome };
          });
        }),
      );
      for (const { fallback, format, outcome } of found) {
        const isClosed = ENDS_ITS_TEXT.has(fault) && CLOSES_ITS_TEXT.has(format.format);
        const end = { end: "STREAM_INTERRUPTED", attempts: 1, marks: [] };
        const rescued = { end: "completed", text: storyText, attempts: 2, marks: [`continued by ${fallback}`] };
        expect(outcome).toMatchObject({ terminals: 1, ...(isClosed ? end : rescued) });
      }
    });
  });

  test.concurrent.each(["fault-stall", "fault-stall-pings", "fault-slow-body"])(
    "%s is continued once the provider has been silent for too long",
    async (fault) => {
      await withWall(async (wall) => {
        const found = await Promise.all(
          WALL_FORMATS.map((format, index) => {
            const door = streams(wall)[index]!;
            const more = { delivery: Delivery.AUTO };
            return askWall(
              door,
              format,
              freshModel(fault, fault === "fault-stall" ? "" : "wait_ms=50"),
              [`sandbox-gemini/${STORY}`],
              more,
            );
          }),
        );
        for (const outcome of found)
          expect(outcome).toMatchObject({ end: "completed", text: storyText, terminals: 1, attempts: 2 });
      }, HASTY);
    },
  );

  test("tells who went on, after which attempt, and what both cost", async () => {
    await withWall(async (wall) => {
      const { events } = await readEvents(wall, {
        ...asking(`sandbox/${freshModel("fault-cut")}`, [`sandbox-anthropic/${STORY}`]),
        delivery: Delivery.AUTO,
      });
      const continued = only(events, "continued");
      expect(continued).toMatchObject({ attempt: 2, origin: { provider: "sandbox-anthropic" } });
      expect(continued.broken).toMatchObject({ number: 1, target: { provider: "sandbox" }, httpStatus: 200 });
      const completed = only(events, "completed");
      expect(completed.attempts.map(({ number, target }: Attempt) => [number, target?.provider])).toEqual([
        [1, "sandbox"],
        [2, "sandbox-anthropic"],
      ]);
      for (const { usage, cost } of completed.attempts) {
        expect(usage?.outputTokens).toBeGreaterThan(0);
        expect(cost?.nanoUsd).toBeGreaterThan(0n);
      }
      // It was billed for what it added, and not for what the first one had said.
      expect(completed.attempts[1]?.usage?.outputTokens).toBe(20);
    });
  });

  test("goes on from the same place where the one that was to go on fails, too", async () => {
    await withWall(async (wall) => {
      const targets = ["sandbox-anthropic/fault-503", `sandbox-gemini/${STORY}`];
      const { events } = await readEvents(wall, {
        ...asking(`sandbox/${freshModel("fault-cut")}`, targets),
        delivery: Delivery.AUTO,
      });
      expect(textDeltas(events)).toBe(storyText);
      expect(only(events, "continued")).toMatchObject({
        attempt: 3,
        origin: { provider: "sandbox-gemini" },
        // Not the one that has said nothing.
        broken: { number: 1, target: { provider: "sandbox" } },
      });
    });
  });

  test("a failure tells what the attempt that delivered has used, whoever was asked last", async () => {
    await withWall(async (wall) => {
      const { events } = await readEvents(wall, {
        ...asking(`sandbox/${freshModel("fault-cut")}`, ["sandbox-anthropic/fault-503"]),
        delivery: Delivery.AUTO,
      });
      const failed = only(events, "failed");
      expect(failed.usage).toEqual(failed.attempts[0].usage);
      expect(failed.cost.nanoUsd).toBeGreaterThan(0n);
    });
  });

  test("goes on behind one that went on and broke", async () => {
    await withWall(async (wall) => {
      const targets = ["sandbox-anthropic/fault-cut@delay_ms=0,after=10", `sandbox-gemini/${STORY}`];
      for (const door of streams(wall).slice(0, 2)) {
        const outcome = await askWall(door, CHAT!, freshModel("fault-cut", "after=15"), targets, {
          delivery: Delivery.AUTO,
        });
        expect(outcome).toMatchObject({ end: "completed", text: storyText, attempts: 3 });
        expect(outcome.marks).toEqual(targets.map((target) => `continued by ${target}`));
      }
    });
  });

  test("a target known only by its configuration continues, too", async () => {
    await withFar(async (wall) => {
      for (const door of streams(wall)) {
        const more = { delivery: Delivery.AUTO };
        const outcome = await askWall(door, CHAT!, freshModel("fault-cut"), ["continues/story"], more);
        expect(outcome).toMatchObject({ end: "completed", text: storyText, marks: ["continued by continues/story"] });
      }
    });
  });

  test("carries what is left of the output limit, also over an attempt that has said nothing", async () => {
    await withWall(async (wall) => {
      const [door] = streams(wall);
      const tokens = storyTokens(200);
      for (const between of [[], ["sandbox-anthropic/fault-503"]]) {
        const outcome = await askWall(
          door!,
          CHAT!,
          freshModel("fault-cut", "tokens=200"),
          [...between, "sandbox-gemini/story@delay_ms=0,tokens=200"],
          { delivery: Delivery.AUTO, sampling: { maxOutputTokens: 150 } },
        );
        expect(outcome).toMatchObject({ end: "completed", finish: "MAX_TOKENS" });
        const told = tokens.findIndex((_, index) => tokens.slice(0, index + 1).join("") === outcome.text) + 1;
        // Nobody says what the broken attempt has used: the estimate is on the safe side.
        expect(told).toBeGreaterThan(50);
        expect(told).toBeLessThanOrEqual(150);
      }
    });
  });

  test.each([
    ["in what the second target adds", "52·whole"],
    ["within a token of what the first one had yet to say", "ïve 40·"],
  ])("stops at a stop sequence %s", async (_where, stop) => {
    await withWall(async (wall) => {
      for (const door of streams(wall)) {
        const more = { delivery: Delivery.AUTO, sampling: { stop: [stop] } };
        const fallbacks = [`sandbox-anthropic/${STORY}`];
        const outcome = await askWall(door, CHAT!, freshModel("fault-cut", "after=39"), fallbacks, more);
        expect(outcome).toMatchObject({ end: "completed", terminals: 1, attempts: 2 });
        expect(outcome.text).toBe(storyText.slice(0, storyText.indexOf(stop)));
      }
    });
  });

  test("stops at a stop sequence that one target has begun and the other one ends", async () => {
    // They do not look for it themselves.
    await using upstream = await startScriptedUpstream(({ body }) => ({
      stream: true,
      body: body.model.startsWith("breaks") ? chunks("Once upon a ST") : chunks("OP time") + LAST_CHUNKS,
    }));
    const provider = `kind: openai-compatible, base_url: "${upstream.url}/v1", api_key: a-key-of-a-provider, models: any`;
    const yaml = `${PATIENT}providers:\n  house: { ${provider}, capabilities: { prefill: true, stop: true } }\n`;
    let number = 0;
    await withWall(async (wall) => {
      for (const door of streams(wall)) {
        const more = { delivery: Delivery.AUTO, sampling: { stop: ["STOP"] } };
        const outcome = await door.ask({ ...asking(`house/breaks-${(number += 1)}`, ["house/continues"]), ...more });
        // What was delivered before stands: nobody could know.
        const finish = door.name.startsWith("rest") ? "STOP" : "STOP_SEQUENCE";
        expect(outcome).toMatchObject({ end: "completed", text: "Once upon a ST", finish });
        expect(upstream.seen.at(-1)?.body.messages.at(-1)).toEqual({ role: "assistant", content: "Once upon a ST" });
      }
    }, yaml);
  });

  test("white space at the end of what was delivered is neither lost nor doubled", async () => {
    await withWall(async (wall) => {
      // An echo whose tokens end in the middle of white space.
      const said = "one  two \n\n three   four\t five  six seven";
      for (const after of [1, 2, 3, 4, 5, 6]) {
        const outcome = await streams(wall)[after % 6]!.ask({
          ...asking(
            `sandbox/${freshModel("fault-cut", `answer=echo,after=${after}`)}`,
            ["sandbox-anthropic/echo@delay_ms=0"],
            said,
          ),
          delivery: Delivery.AUTO,
        });
        expect(outcome).toMatchObject({ end: "completed", text: said });
      }
    });
  });

  describe("where the fallback cannot continue", () => {
    test("one that is deterministic tells the story again, of which nothing shows", async () => {
      await withFar(async (wall) => {
        for (const door of streams(wall)) {
          const more = { delivery: Delivery.AUTO };
          const outcome = await askWall(door, CHAT!, freshModel("fault-cut"), ["repeats/no-prefill@delay_ms=0"], more);
          expect(outcome).toMatchObject({ end: "completed", text: storyText, attempts: 2, terminals: 1 });
          expect(outcome.marks).toEqual(["continued by repeats/no-prefill@delay_ms=0"]);
        }
      });
    });

    test("one that tells another story ends typed, and what was delivered stands", async () => {
      await withFar(async (wall) => {
        for (const door of streams(wall)) {
          const more = { delivery: Delivery.AUTO };
          const outcome = await askWall(door, CHAT!, freshModel("fault-cut"), ["repeats/echo"], more);
          expect(outcome).toMatchObject({ end: "STREAM_INTERRUPTED", attempts: 2, terminals: 1, marks: [] });
          expect(outcome.text).toBe(storyTokens(40).join(""));
        }
      });
    });

    test("one that refuses against its configuration hides nothing: the answer broke, and the next one goes on", async () => {
      await withFar(async (wall) => {
        const [connect, rest] = [streams(wall)[0]!, streams(wall).at(-1)!];
        for (const door of [connect, rest]) {
          const refusing = "continues/no-prefill@delay_ms=0";
          const more = { delivery: Delivery.AUTO };
          const broken = await askWall(door, CHAT!, freshModel("fault-cut"), [refusing], more);
          expect(broken).toMatchObject({ end: "STREAM_INTERRUPTED", attempts: 2, text: storyTokens(40).join("") });
          const rescued = await askWall(door, CHAT!, freshModel("fault-cut"), [refusing, `sandbox/${STORY}`], more);
          expect(rescued).toMatchObject({ end: "completed", attempts: 3, text: storyText });
        }
      });
    });

    test("one of which neither is known is not asked", async () => {
      await withFar(async (wall) => {
        for (const fallback of ["neither/no-prefill", "sandbox/no-prefill"]) {
          const more = { delivery: Delivery.AUTO };
          const outcome = await askWall(streams(wall)[0]!, CHAT!, freshModel("fault-cut"), [fallback], more);
          expect(outcome).toMatchObject({ end: "STREAM_INTERRUPTED", attempts: 1, text: storyTokens(40).join("") });
        }
      });
    });
  });

  test.each([
    [65_536, "completed"],
    [65_537, "STREAM_INTERRUPTED"],
  ])("after %i bytes the answer ends as %s", async (bytes, end) => {
    const begun = "é".repeat(Math.floor(bytes / 2)) + "x".repeat(bytes % 2);
    await using upstream = await startScriptedUpstream(({ body }) => ({
      stream: true,
      body: body.model === "breaks" ? chunk({ content: begun }) : chunk({ content: " The end." }) + LAST_CHUNKS,
    }));
    const provider = `kind: openai-compatible, base_url: "${upstream.url}/v1", api_key: a-key-of-a-provider, models: any`;
    const yaml = `${PATIENT}providers:\n  house: { ${provider}, capabilities: { prefill: true } }\n`;
    await withWall(async (wall) => {
      const more = { delivery: Delivery.AUTO };
      const outcome = await streams(wall)[0]!.ask({ ...asking("house/breaks", ["house/continues"]), ...more });
      expect(outcome.end).toBe(end);
      expect(outcome.text).toBe(end === "completed" ? `${begun} The end.` : begun);
    }, yaml);
  });

  const TOOL = { kind: { case: "function", value: { name: "look_up", parametersJson: '{"type":"object"}' } } } as const;
  const SCHEMA = '{"type":"object","properties":{"answer":{"type":"string"}}}';
  const CLOSED: readonly (readonly [string, WallRequest, string])[] = [
    ["tools are declared", { tools: [TOOL] }, ""],
    ["a tool is being called", { tools: [TOOL] }, "answer=tools,after=1"],
    ["reasoning is asked for", { reasoning: { effort: Effort.LOW } }, ""],
    [
      "structured output is asked for",
      { output: { format: { case: "jsonSchema", value: { name: "answer", schemaJson: SCHEMA } } } },
      "answer=json,after=1",
    ],
    ["several answers are asked for", { sampling: { candidates: 2 } }, ""],
  ];

  test.each(CLOSED)("ends typed like commit where %s", async (_what, more, settings) => {
    await withWall(async (wall) => {
      for (const door of [streams(wall)[0]!, streams(wall).at(-1)!]) {
        const outcome = await askWall(door, CHAT!, freshModel("fault-cut", settings), [`sandbox/${STORY}`], {
          delivery: Delivery.AUTO,
          ...more,
        });
        expect(outcome).toMatchObject({ end: "STREAM_INTERRUPTED", attempts: 1, terminals: 1, marks: [] });
      }
    });
  });
});
