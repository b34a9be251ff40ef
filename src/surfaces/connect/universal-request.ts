import { createContextValues } from "@connectrpc/connect";
import { createAsyncIterable, type UniversalServerRequest } from "@connectrpc/connect/protocol";
import { deliveredKey, type Delivered } from "./rpc.ts";
import type { Wire } from "./wire.ts";

interface Stand {
  readonly header: Headers;
  readonly body: Uint8Array;
}

// The stock handlers copy the headers and read the body only, so that each kind of request shares one of both.
const stands = new Map<string, Stand>();

/**
 * What the stock handlers see of a request: its protocol and an empty message. Deadline and compression stay out of it,
 * the real message and the caller's signal reach the method as `delivered`.
 */
export function toUniversalRequest(
  path: string,
  wire: Pick<Wire, "protocol" | "json">,
  delivered: Delivered,
): UniversalServerRequest {
  const { header, body } = standOf(wire);
  return {
    httpVersion: "2.0",
    url: `http://parley${path}`,
    method: "POST",
    header,
    body: createAsyncIterable([body]),
    signal: delivered.call.signal,
    contextValues: createContextValues().set(deliveredKey, delivered),
  };
}

function standOf({ protocol, json }: Pick<Wire, "protocol" | "json">): Stand {
  const key = `${protocol} ${json}`;
  let stand = stands.get(key);
  if (!stand) stands.set(key, (stand = makeStand(protocol, json ? "json" : "proto")));
  return stand;
}

function makeStand(protocol: Wire["protocol"], codec: "json" | "proto"): Stand {
  const message = codec === "json" ? Buffer.from("{}") : Buffer.alloc(0);
  if (protocol === "connect-unary" || protocol === "connect-get") {
    return { header: new Headers({ "content-type": `application/${codec}` }), body: message };
  }
  const family = protocol === "connect-stream" ? "connect" : protocol;
  const prefix = Buffer.from([0, 0, 0, 0, message.length]);
  return {
    header: new Headers({ "content-type": `application/${family}+${codec}` }),
    body: Buffer.concat([prefix, message]),
  };
}
