import { connect, type ClientHttp2Session, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http2";
import { emptyCounts, noteFailure, stopTimeoutMs, type Load, type LoadCounts, type LoadOptions } from "./load.ts";

/** A load of unary gRPC calls, all callers on one HTTP/2 connection. */
export interface GrpcLoadOptions extends LoadOptions {
  readonly path: string;
  readonly authorization: string;
  /** The request message in binary, in gRPC's envelope. */
  readonly message: Buffer;
}

interface Calls {
  readonly session: ClientHttp2Session;
  readonly headers: OutgoingHttpHeaders;
  readonly message: Buffer;
  readonly counts: LoadCounts;
  inFlight: number;
  stopping: boolean;
  onIdle: () => void;
}

function sendNext(calls: Calls): void {
  const sentAt = performance.now();
  const stream = calls.session.request(calls.headers, { endStream: false });
  let status: string | undefined;
  let bytes = 0;
  const readStatus = (headers: IncomingHttpHeaders): void => {
    const value = headers["grpc-status"];
    if (value !== undefined) status = `grpc-status ${String(value)}: ${String(headers["grpc-message"] ?? "")}`;
  };
  calls.inFlight++;
  stream.on("response", readStatus);
  stream.on("trailers", readStatus);
  stream.on("data", (chunk: Buffer) => (bytes += chunk.length));
  stream.on("error", (error) => (status = error.message));
  stream.on("close", () => {
    calls.inFlight--;
    calls.counts.bodyBytes += bytes;
    calls.counts.latenciesMs.push(performance.now() - sentAt);
    if (status === "grpc-status 0: " && bytes > 5) calls.counts.completed++;
    else noteFailure(calls.counts, status ?? "the call ended without a status");
    if (!calls.stopping && !calls.session.destroyed) sendNext(calls);
    else if (calls.inFlight === 0) calls.onIdle();
  });
  stream.end(calls.message);
}

/** Starts the callers on one connection. */
export function startGrpcLoad(options: GrpcLoadOptions): Load {
  const counts = emptyCounts();
  const session = connect(`http://127.0.0.1:${options.port}`);
  const headers: OutgoingHttpHeaders = {
    ":method": "POST",
    ":path": options.path,
    "content-type": "application/grpc+proto",
    te: "trailers",
    authorization: options.authorization,
  };
  const idle = Promise.withResolvers<void>();
  const calls: Calls = {
    session,
    headers,
    counts,
    message: options.message,
    inFlight: 0,
    stopping: false,
    onIdle: idle.resolve,
  };
  session.on("error", (error) => noteFailure(counts, error.message));
  session.on("connect", () => {
    for (let caller = 0; caller < options.callers; caller++) sendNext(calls);
  });
  return {
    counts,
    async stop() {
      calls.stopping = true;
      const giveUp = setTimeout(idle.resolve, stopTimeoutMs);
      if (calls.inFlight > 0) await idle.promise;
      clearTimeout(giveUp);
      session.destroy();
    },
  };
}
