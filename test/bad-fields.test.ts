import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GenerateRequestSchema } from "../src/contract/index.ts";
import { CANARY } from "./support/bad-bodies.ts";
import { requestFields, writeWrongWireType, wrongJsonValues } from "./support/contract-fields.ts";
import { RefusalWall } from "./support/refusals.ts";

// Each field of the contract's request, as the descriptors list them, with values of the wrong type.
let wall: RefusalWall;

beforeAll(async () => {
  wall = await RefusalWall.build();
});

afterAll(() => wall.close());

const doorNamed = (name: string) => wall.doors.filter((door) => door.name === name);
const fields = requestFields();

test("the table covers the whole request", () => {
  expect(fields.length).toBeGreaterThan(150);
  for (const path of [
    "model",
    "messages[0].role",
    "sampling.seed",
    "tools[0].function.strict",
    "routing.constraints.regions",
  ]) {
    expect(fields.map((field) => field.path)).toContain(path);
  }
});

describe.each(fields.map((field) => [field.path, field] as const))("%s", (_path, field) => {
  test.each(wrongJsonValues(field.field, CANARY).map((wrong) => [wrong.what, wrong] as const))(
    "is not %s",
    async (_what, wrong) => {
      const ask = () => ({ message: JSON.stringify({ request: field.json(wrong.value) }) });
      const expected = { reasons: ["INVALID_REQUEST"], field: () => `${field.path}${wrong.at}` };
      expect(await wall.problems(doorNamed("connect json unary"), ask, expected)).toEqual([]);
    },
  );

  test("is refused in binary with another wire type", async () => {
    const request = field.binary(writeWrongWireType(field.field, CANARY));
    const { number } = GenerateRequestSchema.field.request;
    const message = new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(request).finish();
    expect(
      await wall.problems(doorNamed("grpc proto unary"), () => ({ message }), { reasons: ["INVALID_REQUEST"] }),
    ).toEqual([]);
  });
});
