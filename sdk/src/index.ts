import { buildParley, type Parley } from "./client.ts";
import { fetchTransport } from "./fetch-transport.ts";
import { nodeTransport, type NodeParleyOptions } from "./node-transport.ts";

export * from "./api.ts";
export type { NodeParleyOptions, TlsOptions } from "./node-transport.ts";

/** A client of the gateway at `baseUrl`, over Node's own HTTP client, or over `fetch` where one is given. */
export function createParley(options: NodeParleyOptions): Parley {
  return buildParley(options, (valid) => (valid.fetch ? fetchTransport(valid) : nodeTransport(valid)));
}
