import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GOOD_CONTRACT, GOOD_REST } from "./support/bad-bodies.ts";
import { framed, type RawAsk, type RawDoor } from "./support/raw-doors.ts";
import { goodMessage, RefusalWall, type ExpectedRefusal } from "./support/refusals.ts";

// What is wrong around a body that is good: keys, headers, deadlines, sizes, framing, methods and paths, on every surface.
const SMALL =
  "version: 1\nsandbox: true\nserver:\n  limits: { request: 64KiB, request_with_media: 256KiB, headers: 8KiB }\n";
let wall: RefusalWall;

beforeAll(async () => {
  wall = await RefusalWall.build({ yaml: SMALL });
});

afterAll(() => wall.close());

type AskOf = (door: RawDoor) => RawAsk;

/** Each door refuses it as expected, is good afterwards, and no provider heard of it. */
async function refuses(ask: AskOf, expected: ExpectedRefusal, doors = wall.doors): Promise<void> {
  expect(doors.length).toBeGreaterThan(0);
  const { attempts } = wall.gateway.sandbox.books.totals;
  expect(await wall.problems(doors, ask, expected)).toEqual([]);
  expect(wall.gateway.sandbox.books.totals.attempts - attempts).toBe(doors.length);
}

const withHeaders =
  (headers: NonNullable<RawAsk["headers"]>): AskOf =>
  (door) => ({ message: goodMessage(door), headers });

const isFramed = (door: RawDoor): boolean =>
  door.protocol.startsWith("grpc") || (door.protocol === "connect" && door.stream);

describe("a key", () => {
  const auth = (of: (key: string) => string | string[] | undefined): AskOf => {
    return (door) => withHeaders({ authorization: of(wall.gateway.localKey) })(door);
  };
  const damaged = (key: string): string => key.slice(0, -1) + (key.endsWith("0") ? "1" : "0");

  test.each<[string, (key: string) => string | undefined]>([
    ["that is missing", () => undefined],
    ["that is empty", () => ""],
    ["that is a scheme alone", () => "Bearer"],
    ["that is short", () => "Bearer x"],
    ["that nobody has", () => "Bearer a-key-that-nobody-configured"],
    ["with a wrong character", (key) => `Bearer ${damaged(key)}`],
    ["that is cut", (key) => `Bearer ${key.slice(0, -9)}`],
    ["in another scheme", (key) => `Basic ${key}`],
    ["in no scheme", (key) => key],
    ["in quotes", (key) => `Bearer "${key}"`],
    ["twice in a header", (key) => `Bearer ${key} ${key}`],
    ["that is very long", () => `Bearer ${"k".repeat(6000)}`],
    ["with bytes beyond ASCII", (key) => `Bearer ${key.slice(0, -1)}\u00e9`],
  ])("%s", async (_name, of) => {
    await refuses(auth(of), { reasons: ["UNAUTHENTICATED"] });
  });

  test.each<[string, (key: string) => string[]]>([
    ["a good one first", (key) => [`Bearer ${key}`, "Bearer a-key-that-nobody-configured"]],
    ["a good one last", (key) => ["Bearer a-key-that-nobody-configured", `Bearer ${key}`]],
    ["both the same", (key) => [`Bearer ${key}`, `Bearer ${key}`]],
  ])("in two headers, %s", async (_name, of) => {
    // Node's own client of HTTP/2 does not send two.
    await refuses(
      auth(of),
      { reasons: ["UNAUTHENTICATED"] },
      wall.doors.filter((door) => door.protocol !== "grpc"),
    );
  });

  test("in a header of another name", async () => {
    await refuses(
      (door) => ({
        message: goodMessage(door),
        headers: { authorization: undefined, "x-api-key": wall.gateway.localKey },
      }),
      {
        reasons: ["UNAUTHENTICATED"],
      },
    );
  });

  test("is asked for before a body is read", async () => {
    const huge = "x".repeat(1_000_000);
    await refuses(() => ({ body: huge, headers: { authorization: "Bearer a-key-that-nobody-configured" } }), {
      reasons: ["UNAUTHENTICATED"],
    });
  });
});

describe("a content type", () => {
  test.each([
    "text/plain",
    "application/xml",
    "multipart/form-data; boundary=x",
    "application/json; charset=latin1",
    "application/jsonx",
    ";;",
    "application/grpc+thrift",
    "application/connect+xml",
    "application/json, application/json",
  ])("%s", async (type) => {
    await refuses(withHeaders({ "content-type": type }), { reasons: ["INVALID_REQUEST"], field: () => "content-type" });
  });

  test("that is missing", async () => {
    const doors = wall.doors.filter((door) => door.protocol !== "rest"); // REST takes JSON for granted
    await refuses(
      withHeaders({ "content-type": undefined }),
      { reasons: ["INVALID_REQUEST"], field: () => "content-type" },
      doors,
    );
  });

  test("of a unary call for a stream, and the other way round", async () => {
    const doors = wall.doors.filter((door) => door.protocol === "connect");
    const swapped: AskOf = (door) => ({
      message: goodMessage(door),
      headers: { "content-type": `application/${door.stream ? "" : "connect+"}${door.codec}` },
    });
    await refuses(swapped, { reasons: ["INVALID_REQUEST"], field: () => "content-type" }, doors);
  });
});

describe("a compression", () => {
  const headerOf = (door: RawDoor): string => {
    if (door.protocol === "rest" || !isFramed(door)) return "content-encoding";
    return door.protocol === "connect" ? "connect-content-encoding" : "grpc-encoding";
  };
  const compressed = (door: RawDoor, bytes: Uint8Array, encoding = "gzip"): RawAsk => ({
    body: isFramed(door) ? framed(bytes, { flags: 1 }) : bytes,
    headers: { [headerOf(door)]: encoding },
  });

  test.each(["br", "zstd", "deflate", "gzip, gzip", "x".repeat(300)])("named %s", async (encoding) => {
    await refuses((door) => compressed(door, Buffer.from(goodMessage(door)), encoding), {
      reasons: ["INVALID_REQUEST", "NOT_IMPLEMENTED"],
    });
  });

  test("that is none", async () => {
    await refuses((door) => compressed(door, Buffer.from(goodMessage(door))), { reasons: ["INVALID_REQUEST"] });
  });

  test("that breaks off", async () => {
    await refuses((door) => compressed(door, gzipSync(goodMessage(door)).subarray(0, -12)), {
      reasons: ["INVALID_REQUEST"],
    });
  });

  test("that unpacks to more than the limit", async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000, 0x20));
    expect(bomb.length).toBeLessThan(60_000);
    await refuses((door) => compressed(door, bomb), { reasons: ["REQUEST_TOO_LARGE", "INVALID_REQUEST"] });
    const doors = wall.doors.filter((door) => door.protocol !== "rest"); // REST takes no compressed body
    await refuses((door) => compressed(door, bomb), { reasons: ["REQUEST_TOO_LARGE"] }, doors);
  });

  test("of which no header says how", async () => {
    for (const bytes of [(door: RawDoor) => goodMessage(door), (door: RawDoor) => gzipSync(goodMessage(door))]) {
      await refuses(
        (door) => ({ body: framed(bytes(door), { flags: 1 }) }),
        { reasons: ["INVALID_REQUEST"] },
        wall.doors.filter(isFramed),
      );
    }
  });
});

describe("a deadline", () => {
  const headerOf = ({ protocol }: RawDoor): string => {
    if (protocol === "rest") return "x-parley-timeout-ms";
    return protocol === "connect" ? "connect-timeout-ms" : "grpc-timeout";
  };

  test.each([
    "-1",
    "-1S",
    "NaN",
    "NaNS",
    "",
    "soon",
    "1.5",
    "1e3",
    "0x10",
    "1 S",
    "99999999999999",
    "999999999S",
    "Infinity",
    "\u0663S",
  ])('of "%s"', async (value) => {
    const sent = Buffer.from(value).toString("latin1");
    await refuses((door) => withHeaders({ [headerOf(door)]: sent })(door), {
      reasons: ["INVALID_REQUEST"],
      field: headerOf,
    });
  });

  test("sent twice", async () => {
    const twice = ({ protocol }: RawDoor): string[] => (protocol.startsWith("grpc") ? ["1S", "5S"] : ["1000", "5000"]);
    await refuses((door) => withHeaders({ [headerOf(door)]: twice(door) })(door), {
      reasons: ["INVALID_REQUEST"],
      field: headerOf,
    });
  });

  test("that is over when the request arrives", async () => {
    const zero = ({ protocol }: RawDoor): string => (protocol.startsWith("grpc") ? "0S" : "0");
    await refuses((door) => withHeaders({ [headerOf(door)]: zero(door) })(door), {
      reasons: ["DEADLINE_EXCEEDED", "INVALID_REQUEST"],
    });
  });

  test("of years is taken, and does not come round to nothing", async () => {
    const years = ({ protocol }: RawDoor): string =>
      ({ rest: "999999999", connect: "9999999999", grpc: "99999999H", "grpc-web": "99999999H" })[protocol];
    const answers = await Promise.all(
      wall.doors.map((door) => door.ask(withHeaders({ [headerOf(door)]: years(door) })(door))),
    );
    expect(answers.map((answer) => answer.reason)).toEqual(wall.doors.map(() => "NONE"));
  });
});

test("an idempotency key is refused until answers are replayed", async () => {
  await refuses(withHeaders({ "idempotency-key": "one" }), {
    reasons: ["NOT_IMPLEMENTED"],
    field: () => "idempotency-key",
  });
});

describe("a body", () => {
  const image = (base64: string) => ({
    rest: {
      messages: [
        { role: "user", content: [{ type: "image_url", image_url: { url: `data:image/png;base64,${base64}` } }] },
      ],
    },
    contract: {
      messages: [
        {
          role: "ROLE_USER",
          parts: [{ media: { modality: "MODALITY_IMAGE", mime_type: "image/png", inline: base64 } }],
        },
      ],
    },
  });
  const text = (words: string) => ({
    rest: { messages: [{ role: "user", content: words }] },
    contract: { messages: [{ role: "ROLE_USER", parts: [{ text: { text: words } }] }] },
  });
  const saying = ({ rest, contract }: ReturnType<typeof image> | ReturnType<typeof text>) => {
    return (door: RawDoor): string =>
      JSON.stringify(
        door.protocol === "rest"
          ? { ...GOOD_REST, ...rest, stream: door.stream }
          : { request: { ...GOOD_CONTRACT, ...contract } },
      );
  };

  describe.each([
    ["of a declared length", false],
    ["of no declared length", true],
  ])("%s", (_name, undeclared) => {
    test.each([
      ["larger than a request without media may be", text("x".repeat(70_000))],
      ["larger than a request with media may be", image("A".repeat(300_000))],
      ["many times larger", text("x".repeat(3_000_000))],
    ])("%s", async (_size, content) => {
      const message = saying(content);
      const doors = wall.doors.filter((door) => door.codec === "json");
      await refuses((door) => ({ message: message(door), undeclared }), { reasons: ["REQUEST_TOO_LARGE"] }, doors);
    });

    test("of no sense and too large", async () => {
      const doors = wall.doors.filter((door) => door.codec === "proto");
      await refuses(
        () => ({ message: Buffer.alloc(3_000_000, 0x20), undeclared }),
        { reasons: ["REQUEST_TOO_LARGE"] },
        doors,
      );
    });
  });
});

describe("an envelope", () => {
  test.each<[string, (message: Uint8Array) => Uint8Array]>([
    ["that is missing", () => Buffer.alloc(0)],
    ["that breaks off", () => Buffer.from([0, 0, 0])],
    ["that says more than there is", (message) => framed(message, { says: message.length + 1 })],
    ["that says 4 GiB", (message) => framed(message, { says: 0xffff_ffff })],
    ["that says less than there is", (message) => framed(message, { says: message.length - 1 })],
    ["with flags of no meaning", (message) => framed(message, { flags: 0x42 })],
    ["of a stream's end", (message) => framed(message, { flags: 2 })],
    ["of trailers", (message) => framed(message, { flags: 0x80 })],
    ["that is followed by another", (message) => Buffer.concat([framed(message), framed(message)])],
    ["that is followed by rubbish", (message) => Buffer.concat([framed(message), Buffer.from("rubbish")])],
  ])("%s", async (_name, wrap) => {
    const ask: AskOf = (door) => ({ body: wrap(Buffer.from(goodMessage(door))) });
    await refuses(ask, { reasons: ["INVALID_REQUEST"] }, wall.doors.filter(isFramed));
  });
});

describe("binary", () => {
  const nested = (depth: number): Uint8Array => {
    // Field 3 of a tool's result holds parts, field 6 of a part a tool's result: as deep as one likes.
    let bytes = Buffer.alloc(0);
    const wrap = (field: number): void => {
      const length: number[] = [];
      for (let left = bytes.length; ; left >>>= 7) {
        length.push(left > 127 ? (left & 127) | 128 : left);
        if (left <= 127) break;
      }
      bytes = Buffer.concat([Buffer.from([(field << 3) | 2, ...length]), bytes]);
    };
    for (let level = 0; level < depth; level++) for (const field of [6, 3]) wrap(field);
    for (const field of [6, 2, 2, 1]) wrap(field);
    return bytes;
  };

  test.each<[string, Uint8Array]>([
    ["of zeros", Buffer.alloc(100)],
    ["that is JSON", Buffer.from('{"request":{}}')],
    ["of a length beyond its end", Buffer.from([0x0a, 0xff, 0x01])],
    ["of a number that never ends", Buffer.alloc(40, 0xff)],
    ["of a group that never ends", Buffer.from([0x0b, 0x0b, 0x0b])],
    ["of 10,000 open groups", Buffer.alloc(10_000, 0x0b)],
    ["with an unknown field", Buffer.from([0x0a, 0x00, 0xf8, 0x7f, 0x01])],
    ["with a text that is no UTF-8", Buffer.from([0x0a, 0x04, 0x0a, 0x02, 0xff, 0xfe])],
    ["of no request", Buffer.alloc(0)],
    ["of an empty request", Buffer.from([0x0a, 0x00])],
    ["60 levels deep", nested(60)],
    ["10,000 levels deep", nested(10_000)],
  ])("%s", async (_name, message) => {
    await refuses(
      () => ({ message }),
      { reasons: ["INVALID_REQUEST"] },
      wall.doors.filter((door) => door.codec === "proto"),
    );
  });
});

describe("a method", () => {
  test.each(["GET", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])("%s", async (method) => {
    await refuses((door) => ({ message: goodMessage(door), method }), { reasons: ["INVALID_REQUEST", "NOT_FOUND"] });
  });

  test("HEAD is answered without a body", async () => {
    const answers = await Promise.all(
      ["/v1/chat/completions", "/parley.v1.ChatService/Generate", "/nothing"].map((path) =>
        fetch(wall.gateway.url + path, { method: "HEAD" }),
      ),
    );
    expect(answers.map((answer) => answer.status)).toEqual([405, 405, 404]);
  });
});

describe("a path", () => {
  test.each([
    "/parley.v1.ChatService/Nothing",
    "/parley.v1.Nothing/Generate",
    "/parley.v1.ChatService",
    "/parley.v1.ChatService/Generate/",
    "/grpc.health.v1.Health/Nothing",
    "/other.v1.Service/Method",
    "/v1/completions",
    "/v1/",
    "/chat/completions",
    "/v2/chat/completions",
    "//v1/chat/completions",
    "/v1/../metrics",
    "/v1/chat/completions/%00",
    "/v1/chat%2fcompletions",
    "/console/../../etc/passwd",
    "/console/%2e%2e/%2e%2e/etc/passwd",
    `/${"a".repeat(3000)}`,
  ])("%s", async (path) => {
    await refuses((door) => ({ message: goodMessage(door), path }), { reasons: ["NOT_FOUND", "NOT_IMPLEMENTED"] });
  });

  test.each(["/metrics", "/healthz", "/readyz", "/"])("%s with POST", async (path) => {
    await refuses((door) => ({ message: goodMessage(door), path }), { reasons: ["INVALID_REQUEST"] });
  });

  test.each([
    "/v1/models/nothing",
    "/v1/models/nobody%2Fnothing",
    "/v1/models/%ZZ",
    "/v1/models/%ff",
    `/v1/models/${"m".repeat(3000)}`,
  ])("%s with GET", async (path) => {
    const doors = wall.doors.filter((door) => door.protocol === "rest");
    await refuses(() => ({ path, method: "GET" }), { reasons: ["MODEL_NOT_FOUND", "INVALID_REQUEST"] }, doors);
  });
});

describe("a call of another service", () => {
  const unary = () => wall.doors.filter((door) => door.protocol !== "rest" && door.codec === "json" && !door.stream);

  test.each<[string, string, string[]]>([
    ["/parley.v1.ModelService/ListModels", '{"page_size":0}', ["INVALID_REQUEST"]],
    ["/parley.v1.ModelService/ListModels", '{"page_size":1001}', ["INVALID_REQUEST"]],
    ["/parley.v1.ModelService/ListModels", '{"page_token":"rubbish"}', ["INVALID_REQUEST"]],
    ["/parley.v1.ModelService/ListModels", '{"provider":5}', ["INVALID_REQUEST"]],
    ["/parley.v1.ModelService/ListModels", `{"page_token":"${"x".repeat(100_000)}"}`, ["REQUEST_TOO_LARGE"]],
    ["/parley.v1.ModelService/GetModel", "{}", ["INVALID_REQUEST"]],
    ["/parley.v1.ModelService/GetModel", '{"name":"nobody/nothing"}', ["MODEL_NOT_FOUND"]],
    ["/parley.v1.ModelService/GetModel", '{"name":["a"]}', ["INVALID_REQUEST"]],
    ["/grpc.health.v1.Health/Check", '{"service":"nothing.v1.Nothing"}', ["NOT_FOUND"]],
    ["/grpc.health.v1.Health/Check", '{"service":5}', ["INVALID_REQUEST"]],
  ])("%s with %.40s", async (path, message, reasons) => {
    await refuses(() => ({ path, message }), { reasons }, unary());
  });

  test.each([
    "encoding=json&message=%7B",
    "encoding=proto&message=%FF%FF",
    "encoding=json&base64=1&message=!!",
    "encoding=xml&message=x",
    "encoding=json&compression=br&message={}",
    "message={}",
    "",
  ])("a GET of models with ?%s", async (query) => {
    const doors = wall.doors.filter((door) => door.name === "connect json unary");
    await refuses(
      () => ({
        path: `/parley.v1.ModelService/GetModel?${query}`,
        method: "GET",
        headers: { "content-type": undefined },
      }),
      { reasons: ["INVALID_REQUEST", "NOT_IMPLEMENTED"] },
      doors,
    );
  });
});

describe("headers", () => {
  const tooLarge = "h".repeat(9000);

  test("larger than the limit", async () => {
    const doors = wall.doors.filter((door) => door.protocol !== "grpc");
    await refuses(withHeaders({ "x-huge": tooLarge }), { reasons: ["INVALID_REQUEST"] }, doors);
  });

  test("in larger numbers than the limit", async () => {
    const doors = wall.doors.filter((door) => door.protocol !== "grpc");
    const headers = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`x-${index}`, "1"]));
    await refuses(withHeaders(headers), { reasons: ["INVALID_REQUEST"] }, doors);
  });

  test("larger than the limit end their stream of HTTP/2 and nothing else", async () => {
    const [door] = wall.doors.filter((one) => one.protocol === "grpc");
    const ask = withHeaders({ "x-huge": tooLarge })(door!);
    await expect(door!.ask(ask)).rejects.toThrow("NGHTTP2_ENHANCE_YOUR_CALM");
    expect((await door!.ask({ message: goodMessage(door!) })).reason).toBe("NONE");
  });

  test("of odd bytes come back harmless", async () => {
    const answers = await Promise.all(
      wall.doors.map((door) => door.ask(withHeaders({ "x-request-id": `\u00e9\t${"y".repeat(3000)}` })(door))),
    );
    for (const { headers, reason } of answers) {
      expect(reason).toBe("NONE");
      expect(headers["x-client-request-id"]).toMatch(/^\?+ ?y{1000,1023}$/);
      expect(headers["x-request-id"]).toMatch(/^req_\w+$/);
    }
  });
});
