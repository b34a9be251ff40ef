import dns from "node:dns";
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from "node:net";
import tls from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { storyText } from "../src/sandbox/index.ts";
import { selfSigned } from "../src/surfaces/test-certificate.ts";
import type { Door } from "./support/doors.ts";
import { asking } from "./support/delivery.ts";
import { PATIENT, startWall, type Wall } from "./support/wall.ts";

// What networks do before a provider's first byte: names, TLS and kept connections, over real sockets of this machine.

const closers: (() => void)[] = [];
const trusted = tls.getCACertificates("default");
const expired = selfSigned("expired", { notAfter: "200102000000Z" });
const elsewhere = selfSigned("elsewhere", { address: [127, 0, 0, 9] });
const good = selfSigned("good");

beforeAll(() => tls.setDefaultCACertificates([...trusted, expired.cert, elsewhere.cert, good.cert]));
afterAll(() => tls.setDefaultCACertificates([...trusted]));
afterEach(() => {
  vi.restoreAllMocks();
  for (const close of closers.splice(0)) close();
});

async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket.on("error", () => undefined));
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A provider that answers each request on a connection by `answer`, which gets the socket and the request's number there. */
function provider(answer: (socket: Socket, number: number) => void): (socket: Socket) => void {
  return (socket) => {
    let number = 0;
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      if (bytes.toString("latin1").startsWith("POST")) answer(socket, ++number);
    });
  };
}

const TEXT = JSON.stringify({
  id: "c1",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [{ index: 0, message: { role: "assistant", content: "Good." }, finish_reason: "stop" }],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
});

function answerWell(socket: Socket): void {
  socket.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${TEXT.length}\r\n\r\n${TEXT}`);
}

async function withProvider<Result>(baseUrl: string, work: (wall: Wall) => Promise<Result>): Promise<Result> {
  const wall = await startWall(`${PATIENT}server:
  timeouts: { connect: 150ms, tls: 150ms }
providers:
  house: { kind: openai-compatible, base_url: "${baseUrl}", api_key: a-key-of-a-provider, models: any }
`);
  closers.push(() => void wall.close());
  return work(wall);
}

const unary = ({ doors }: Wall): Door => doors.find(({ stream }) => !stream)!;

interface Refused {
  readonly what: string;
  readonly open: () => Promise<string>;
  /** How often a sole target is asked. */
  readonly attempts: number;
}

const silent = (): Promise<number> => listening(createTcpServer(() => undefined));
const secure = ({ cert, key }: { cert: string; key: string }): Promise<number> =>
  listening(tls.createServer({ cert, key }, provider(answerWell)));

const REFUSED: readonly Refused[] = [
  { what: "a name that does not exist", open: () => resolving(["ENOTFOUND"]), attempts: 3 },
  { what: "a name that does not resolve at the moment", open: () => resolving(["EAI_AGAIN"]), attempts: 3 },
  { what: "a resolver that says nothing", open: () => resolving(["silence"]), attempts: 1 },
  { what: "a connection that is refused", open: () => Promise.resolve("http://127.0.0.1:1/v1"), attempts: 3 },
  { what: "an expired certificate", open: async () => `https://127.0.0.1:${await secure(expired)}/v1`, attempts: 1 },
  {
    what: "a certificate for another host",
    open: async () => `https://127.0.0.1:${await secure(elsewhere)}/v1`,
    attempts: 1,
  },
  {
    what: "a certificate that nobody has signed",
    open: async () => `https://127.0.0.1:${await secure(selfSigned("nobody"))}/v1`,
    attempts: 1,
  },
  { what: "a TLS handshake that stalls", open: async () => `https://127.0.0.1:${await silent()}/v1`, attempts: 1 },
  {
    what: "no TLS at all",
    open: async () =>
      `https://127.0.0.1:${await listening(createTcpServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")))}/v1`,
    attempts: 1,
  },
];

/** Look-ups of names fail like this, one after the other and then the last one; everything else resolves as ever. */
function resolving(failures: readonly string[]): Promise<string> {
  const real = dns.lookup;
  let count = 0;
  vi.spyOn(dns, "lookup").mockImplementation(((host: string, options: object, done: (...all: unknown[]) => void) => {
    if (host !== "provider.test") return real(host, options as never, done as never);
    const code = failures[Math.min(count++, failures.length - 1)];
    if (code === "127.0.0.1") queueMicrotask(() => done(null, [{ address: code, family: 4 }]));
    else if (code !== "silence") queueMicrotask(() => done(Object.assign(new Error(code), { code })));
  }) as never);
  return Promise.resolve("http://provider.test:1/v1");
}

describe.each(REFUSED)("$what", ({ open, attempts }) => {
  test("is rescued by another target at once, and alone is a typed failure", async () => {
    await withProvider(await open(), async (wall) => {
      const [rescued, alone] = await Promise.all([
        unary(wall).ask(asking("house/m", ["sandbox/story@delay_ms=0"])),
        unary(wall).ask(asking("house/m")),
      ]);
      expect(rescued).toMatchObject({ end: "completed", text: storyText, attempts: 2 });
      expect(alone).toMatchObject({ end: "PROVIDER_UNREACHABLE", attempts, contentSeen: false });
    });
  });
});

test("a name that resolves now and then is asked once more", async () => {
  const port = await listening(createTcpServer(provider(answerWell)));
  const url = await resolving(["EAI_AGAIN", "127.0.0.1"]);
  await withProvider(url.replace(":1/", `:${port}/`), async (wall) => {
    expect(await unary(wall).ask(asking("house/m"))).toMatchObject({ end: "completed", text: "Good.", attempts: 2 });
  });
});

test("a good certificate of a trusted authority is answered", async () => {
  await withProvider(`https://127.0.0.1:${await secure(good)}/v1`, async (wall) => {
    expect(await unary(wall).ask(asking("house/m"))).toMatchObject({ end: "completed", text: "Good.", attempts: 1 });
  });
});

describe("a kept connection that is closed just as it is used again", () => {
  const races: readonly (readonly [string, (socket: Socket) => void])[] = [
    ["reset", (socket) => void socket.resetAndDestroy()],
    ["ended", (socket) => void socket.end()],
  ];
  test.each(races)(
    "%s: the request goes out again on a fresh one, and each time it went out stands in the books",
    async (_how, close) => {
      let received = 0;
      const answer = provider((socket, number) => {
        received += 1;
        if (number === 2) close(socket);
        else answerWell(socket);
      });
      await withProvider(`http://127.0.0.1:${await listening(createTcpServer(answer))}/v1`, async (wall) => {
        const first = await unary(wall).ask(asking("house/m"));
        const second = await unary(wall).ask(asking("house/m"));
        // Nobody can know whether the provider had begun: nothing is sent twice without a record of its own.
        expect([first.attempts, second.attempts]).toEqual([1, 2]);
        expect(received).toBe(3);
        for (const one of [first, second]) expect(one).toMatchObject({ end: "completed", text: "Good." });
        const rescued = await unary(wall).ask(asking("house/m", ["sandbox/story@delay_ms=0"]));
        expect(rescued).toMatchObject({ end: "completed", text: storyText, attempts: 2 });
        expect(received).toBe(4);
      });
    },
  );
});
