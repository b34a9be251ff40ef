import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Runtime } from "../runtime/runtime.ts";
import { BookKeeper, type Books } from "./books.ts";
import { handle } from "./handle.ts";
import { FaultMemory, seededRandom } from "./memory.ts";

/** How a sandbox runs. */
export interface SandboxOptions {
  /** Time, timers, randomness. */
  readonly runtime: Runtime;
  /** Address to listen on; `127.0.0.1` unless set. */
  readonly host?: string;
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** Milliseconds between two tokens of a stream; 20 unless set. A model's suffix can say otherwise. */
  readonly tokenDelayMs?: number;
  /** Repeats which requests meet a fault that strikes only a share of them; the runtime's randomness unless set. */
  readonly seed?: number;
}

/** A running sandbox. */
export interface Sandbox {
  /** `http://host:port`; the OpenAI-compatible base URL is this with `/v1`. */
  readonly url: string;
  readonly port: number;
  /** What reached it and how it ended; also JSON at `GET /sandbox/books`, and forgotten by `DELETE`. */
  readonly books: Books;
  /** Destroys all connections and stops listening. */
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 50_000;
const MAX_HEADER_BYTES = 65_536;
// Longer than clients keep idle connections, so that it is never the sandbox that closes one under a request.
const KEEP_ALIVE_MS = 600_000;

/** Starts upstreams that speak the real wire formats over HTTP. Rejects when the address cannot be had. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { runtime, host = "127.0.0.1", seed } = options;
  const memory = new FaultMemory(seed === undefined ? () => runtime.random() : seededRandom(seed));
  const books = new BookKeeper(runtime, () => memory.clear());
  const state = { runtime, books, memory, tokenDelayMs: options.tokenDelayMs };
  const sockets = new Set<Socket>();
  const server = createServer(
    { keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0, headersTimeout: 0, maxHeaderSize: MAX_HEADER_BYTES },
    (request, response) => {
      handle(state, request, response).catch((error: unknown) => confess(response, error));
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.on("connection", (socket) => {
    sockets.add(socket);
    books.connection(1);
    socket.once("close", () => {
      sockets.delete(socket);
      books.connection(-1);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    port,
    books,
    async close() {
      books.cutAll();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

// A defect of the sandbox must not pass for one of its faults.
function confess(response: ServerResponse, error: unknown): void {
  const message = `The sandbox has a defect: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  if (response.headersSent) response.destroy();
  else response.writeHead(500, { "content-type": "application/json" }).end(JSON.stringify({ error: { message } }));
}
