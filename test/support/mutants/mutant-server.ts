import * as net from "node:net";
import { Dice } from "./dice.ts";
import type { Mutant } from "./mutate.ts";
import { split } from "./played-upstream.ts";

/** A provider over TCP that answers with the mutant whose number stands in the request. */
export interface MutantServer {
  readonly url: string;
  close(): Promise<void>;
}

const NUMBER = /mutant-(\d+)/;

/** Starts it on a free loopback port. Requests name their mutant as `mutant-NUMBER`, in path or body. */
export async function startMutantServer(mutants: readonly Mutant[]): Promise<MutantServer> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    let request = "";
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (bytes: Buffer) => {
      request += bytes.toString("latin1");
      const mutant = isWhole(request) ? mutants[Number(NUMBER.exec(request)?.[1])] : undefined;
      if (mutant) answer(socket, mutant, new Dice(request.length));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function isWhole(request: string): boolean {
  const headEnd = request.indexOf("\r\n\r\n");
  const length = Number(/content-length: (\d+)/i.exec(request)?.[1] ?? 0);
  return headEnd >= 0 && request.length >= headEnd + 4 + length;
}

// Written by hand, as a server's library would not write what is malformed.
function answer(socket: net.Socket, { status, headers, body, ending }: Mutant, dice: Dice): void {
  const isChunked = headers["content-length"] === undefined && dice.chance(0.7);
  const framing = { ...headers, connection: "close", ...(isChunked ? { "transfer-encoding": "chunked" } : {}) };
  const lines = Object.entries(framing).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(Buffer.from(`HTTP/1.1 ${status} Whatever\r\n${lines.join("")}\r\n`, "latin1"));
  for (const piece of split(body, dice)) {
    socket.write(isChunked ? Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, CRLF]) : piece);
  }
  if (ending === "break") socket.destroySoon();
  else if (ending === "end") socket.end(isChunked ? "0\r\n\r\n" : "");
}

const CRLF = Buffer.from("\r\n");
