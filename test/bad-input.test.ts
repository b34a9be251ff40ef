import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fromJson, toBinary, type JsonValue } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GenerateRequestSchema } from "../src/contract/index.ts";
import { BAD_REQUESTS, BAD_TEXTS, CANARY, GOOD_CONTRACT, GOOD_REST, type BadRequest } from "./support/bad-bodies.ts";
import { RefusalWall } from "./support/refusals.ts";
import type { RawAsk, RawDoor } from "./support/raw-doors.ts";

// Whatever a body says: a typed error on every surface, and nothing of it in the error or upstream.
let wall: RefusalWall;

beforeAll(async () => {
  wall = await RefusalWall.build();
});

afterAll(() => wall.close());

function textFor(door: RawDoor, rest: object, contract: object): string {
  return JSON.stringify(door.protocol === "rest" ? { stream: door.stream, ...rest } : { request: contract });
}

describe("a body that is no JSON object of the surface", () => {
  test.each(BAD_TEXTS)("%s", async (_name, spoil) => {
    const doors = wall.doors.filter((door) => door.codec === "json");
    const ask = (door: RawDoor): RawAsk => ({ message: spoil(textFor(door, GOOD_REST, GOOD_CONTRACT)) });
    expect(await wall.problems(doors, ask, { reasons: ["INVALID_REQUEST"] })).toEqual([]);
  });
});

/** What a door sends for a bad request; undefined where it cannot be said there. */
function askOf(door: RawDoor, bad: BadRequest): RawAsk | undefined {
  if (door.protocol === "rest") {
    return bad.rest && { message: textFor(door, { ...GOOD_REST, ...bad.rest }, {}) };
  }
  if (!bad.contract) return undefined;
  const request = { ...GOOD_CONTRACT, ...bad.contract };
  if (door.codec === "json") return { message: textFor(door, {}, request) };
  if (bad.onlyJson) return undefined;
  return { message: toBinary(GenerateRequestSchema, fromJson(GenerateRequestSchema, { request } as JsonValue)) };
}

describe("a request that is wrong", () => {
  test.each(BAD_REQUESTS.map((bad) => [bad.name, bad] as const))("%s", async (_name, bad) => {
    const doors = wall.doors.filter((door) => askOf(door, bad) !== undefined);
    const problems = await wall.problems(doors, (door) => askOf(door, bad)!, {
      reasons: bad.reasons ?? ["INVALID_REQUEST"],
      field: (door) => (door.protocol === "rest" && "restField" in bad ? bad.restField : bad.field),
    });
    expect(doors.length).toBeGreaterThan(0);
    expect(problems).toEqual([]);
  });
});

describe("names that every object has by nature", () => {
  const natural = ["constructor", "toString", "hasOwnProperty", "valueOf"];
  const passed = "sandbox/echo@delay_ms=0,id=passed";

  test.each(natural)(
    "%s goes to the provider like any parameter that the gateway does not know, and nowhere else",
    async (name) => {
      const doors = wall.doors.filter((door) => door.protocol === "rest");
      const ask = (door: RawDoor): RawAsk => ({
        message: textFor(door, { ...GOOD_REST, model: passed, [name]: { a: 1 } }, {}),
      });
      expect(await wall.problems(doors, ask, { reasons: ["UNSUPPORTED_PARAMETER", "INVALID_REQUEST"] })).toEqual([]);
    },
  );

  test("are keys of the contract's maps like any other", async () => {
    const pairs = Object.fromEntries(["__proto__", ...natural].map((name) => [name, "a value of nature"]));
    const request = { ...GOOD_CONTRACT, model: passed, metadata: pairs, tags: pairs };
    const doors = wall.doors.filter((door) => door.protocol !== "rest" && door.codec === "json");
    const answers = await Promise.all(doors.map((door) => door.ask({ message: textFor(door, {}, request) })));
    expect(answers.map((answer) => answer.reason)).toEqual(doors.map(() => "NONE"));
    const folder = join(wall.gateway.dataDir, "ledger");
    await expect
      .poll(() =>
        readdirSync(folder)
          .map((file) => readFileSync(join(folder, file), "utf8"))
          .join(""),
      )
      .toContain('"__proto__":"a value of nature"');
  });
});

test("nothing of all this reached a provider, a log or a prototype", () => {
  expect(wall.gateway.sandbox.books.of("echo@delay_ms=0,id=unreached")).toEqual([]);
  expect(wall.gateway.logText()).not.toContain(CANARY);
  expect(wall.gateway.logText()).not.toContain(wall.gateway.localKey);
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});
