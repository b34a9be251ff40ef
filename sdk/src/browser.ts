import type { Transport } from "@connectrpc/connect";
import { buildParley, type Parley } from "./client.ts";
import { fetchTransport } from "./fetch-transport.ts";
import type { ParleyOptions } from "./options.ts";

export * from "./api.ts";

/** A client of the gateway at `baseUrl`, over `fetch`: for browsers, workers and every other place that has it. */
export function createParley(options: ParleyOptions): Parley {
  return buildParley(options, (valid): Transport => fetchTransport(valid));
}
