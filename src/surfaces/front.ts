import { readFileSync } from "node:fs";
import * as net from "node:net";
import * as tls from "node:tls";
import { ParleyError } from "../errors/index.ts";
import type { ListenOptions } from "./listen-options.ts";

/** What a front does with a connection once it knows what is spoken on it. */
export interface FrontHandlers {
  /** A connection was accepted; nothing is known of it. For TLS this is the outer socket. */
  onAccepted(socket: net.Socket): void;
  /** HTTP/1.1 or HTTP/2 begins; for TLS on the inner socket. */
  onProtocol(socket: net.Socket, protocol: "h1" | "h2"): void;
}

/** The server that owns the port: tells the protocols apart by their first bytes, under TLS by ALPN. */
export function createFront(options: ListenOptions, handlers: FrontHandlers): net.Server {
  const server = options.tls ? tlsFront(options, options.tls, handlers) : plainFront(options, handlers);
  server.maxConnections = options.limits.connections;
  return server;
}

// Keep-alive probes of TCP find clients that are gone without a word.
const SOCKET_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 };

function plainFront(options: ListenOptions, handlers: FrontHandlers): net.Server {
  return net.createServer(SOCKET_OPTIONS, (socket) => {
    handlers.onAccepted(socket);
    socket.on("error", () => socket.destroy());
    const timer = options.runtime.setTimer(options.timeouts.clientHeadersMs, () => socket.destroy());
    socket.once("close", () => timer.cancel());
    const onReadable = (): void => {
      const first = socket.read(3) as Buffer | null;
      if (!first) return;
      timer.cancel();
      socket.off("readable", onReadable);
      socket.off("end", onEnd);
      socket.unshift(first);
      // Only HTTP/2's preface begins so (RFC 9113, 3.4): no method of HTTP/1.1 is called PRI.
      handlers.onProtocol(socket, first.toString("latin1") === "PRI" ? "h2" : "h1");
    };
    const onEnd = (): void => {
      socket.destroy();
    };
    socket.on("readable", onReadable);
    socket.once("end", onEnd);
  });
}

function tlsFront(
  options: ListenOptions,
  files: NonNullable<ListenOptions["tls"]>,
  handlers: FrontHandlers,
): net.Server {
  const server = tls.createServer(
    {
      ...SOCKET_OPTIONS,
      cert: readPem(files.certFile, "server.tls.cert"),
      key: readPem(files.keyFile, "server.tls.key"),
      ...(files.clientCaFile === undefined
        ? {}
        : { ca: readPem(files.clientCaFile, "server.tls.client_ca"), requestCert: true, rejectUnauthorized: true }),
      ALPNProtocols: ["h2", "http/1.1"],
      minVersion: "TLSv1.2",
      handshakeTimeout: options.timeouts.clientHeadersMs,
    },
    (socket) => {
      socket.on("error", () => socket.destroy());
      handlers.onProtocol(socket, socket.alpnProtocol === "h2" ? "h2" : "h1");
    },
  );
  server.on("connection", (socket: net.Socket) => {
    socket.on("error", () => socket.destroy());
    handlers.onAccepted(socket);
  });
  server.on("tlsClientError", (error, socket) => {
    options.log.debug("a TLS handshake failed", { error: error.name });
    socket.destroy();
  });
  return server;
}

function readPem(path: string, field: string): Buffer {
  try {
    return readFileSync(path);
  } catch (thrown) {
    throw new ParleyError("MISCONFIGURED", `Cannot listen with TLS: ${field} names ${path}, which cannot be read`, {
      field,
      cause: thrown,
    });
  }
}
