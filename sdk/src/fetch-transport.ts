import type { Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import type { ParleyOptions } from "./options.ts";

/** A transport over `fetch`. Throws `TypeError` for plain gRPC, which needs trailers that `fetch` does not give. */
export function fetchTransport(given: ParleyOptions): Transport {
  const { baseUrl, protocol = "connect", fetch } = given;
  for (const nodeOnly of ["httpVersion", "tls"] as const) {
    if ((given as { readonly [name in typeof nodeOnly]?: unknown })[nodeOnly] === undefined) continue;
    throw new TypeError(`Cannot create a client: ${nodeOnly} has no effect over fetch, leave it out`);
  }
  const options = { baseUrl, useBinaryFormat: true, ...(fetch ? { fetch } : {}) };
  switch (protocol) {
    case "connect":
      return createConnectTransport(options);
    case "grpc-web":
      return createGrpcWebTransport(options);
    case "grpc":
      throw new TypeError("Cannot create a client: protocol grpc does not work over fetch, use connect or grpc-web");
  }
}
