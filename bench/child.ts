import type { AddressInfo } from "node:net";
import type { Server } from "node:http";

/**
 * Listens on a free loopback port and prints `{"port":N}` as one line. Ends when standard input does, so that it never
 * outlives the process that started it.
 */
export function serveAsChild(server: Server): void {
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1", () => {
    process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`);
  });
  process.stdin.on("end", () => process.exit(0)).resume();
}
