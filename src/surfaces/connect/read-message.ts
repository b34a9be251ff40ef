import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { ParleyError } from "../../errors/index.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { AnyRequest } from "../exchange.ts";
import type { InFlightBudget } from "../in-flight-budget.ts";
import { readBody, tooLarge } from "../request-body.ts";
import { queryOf, type Wire } from "./wire.ts";

const decompress = promisify(gunzip);

/** How the one message of a request is read. */
export interface ReadMessageOptions {
  readonly runtime: Runtime;
  /** Most bytes of the message, and of its body. */
  readonly maxBytes: number;
  readonly timeoutMs: number;
  readonly budget: InFlightBudget | undefined;
  /** Told how many bytes were taken from the budget; it gives them back when the request is over. */
  readonly onTaken: (bytes: number) => void;
}

const ENVELOPE_BYTES = 5;
const COMPRESSED = 1;

/**
 * The bytes of the one message that a unary or server-streaming request carries: out of its envelope, decompressed.
 * Throws what `readBody` throws, and `INVALID_REQUEST` where there is not exactly one whole message.
 */
export async function readMessage(request: AnyRequest, wire: Wire, options: ReadMessageOptions): Promise<Uint8Array> {
  if (wire.compression !== undefined && wire.compression !== "gzip") throw unknownCompression(wire.compression);
  if (wire.protocol === "connect-get") return inflate(messageOfQuery(request), wire, options);
  const { runtime, timeoutMs, budget, onTaken } = options;
  const body = await readBody(request, {
    maxBytes: options.maxBytes,
    timeoutMs,
    runtime,
    encodings: ["gzip"],
    ...(budget ? { budget } : {}),
  });
  onTaken(body.length);
  if (wire.protocol === "connect-unary") return inflate(body, wire, options);
  const { data, compressed } = openEnvelope(body);
  if (compressed && wire.compression === undefined) {
    throw unreadable("its message is marked as compressed, and no header says how");
  }
  return compressed ? inflate(data, wire, options) : data;
}

function messageOfQuery(request: AnyRequest): Buffer {
  const query = queryOf(request);
  const message = query.get("message") ?? "";
  return Buffer.from(message, query.get("base64") === "1" ? "base64url" : "utf8");
}

function openEnvelope(body: Buffer): { data: Buffer; compressed: boolean } {
  if (body.length === 0) throw unreadable("its body is empty; send one message");
  if (body.length < ENVELOPE_BYTES) throw unreadable("its body ends within the prefix of its message");
  const flags = body[0]!;
  const bytes = body.readUInt32BE(1);
  const rest = body.length - ENVELOPE_BYTES;
  if ((flags & ~COMPRESSED) !== 0) throw unreadable(`its message has flags ${flags}, which have no meaning here`);
  if (rest < bytes) throw unreadable(`its message has ${rest} bytes, its prefix says ${bytes}`);
  if (rest > bytes) throw unreadable("its body goes on after its message; send one message");
  return { data: body.subarray(ENVELOPE_BYTES), compressed: (flags & COMPRESSED) !== 0 };
}

async function inflate(data: Buffer, wire: Wire, options: ReadMessageOptions): Promise<Uint8Array> {
  const { maxBytes, budget } = options;
  if (wire.compression === undefined || data.length === 0) {
    if (data.length > maxBytes) throw tooLarge(maxBytes, data.length);
    return data;
  }
  let inflated: Buffer;
  try {
    inflated = await decompress(data, { maxOutputLength: maxBytes });
  } catch (thrown) {
    if ((thrown as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(maxBytes);
    throw unreadable("its body is not valid gzip", thrown);
  }
  if (budget && !budget.tryTake(inflated.length)) {
    throw new ParleyError(
      "GATEWAY_OVERLOADED",
      "Cannot take the request: requests in flight fill the memory for them; retry later",
      {
        retryDelayMs: 1000,
      },
    );
  }
  options.onTaken(inflated.length);
  return inflated;
}

function unreadable(why: string, cause?: unknown): ParleyError {
  return new ParleyError("INVALID_REQUEST", `Cannot read the request: ${why}`, { cause });
}

function unknownCompression(name: string): ParleyError {
  return new ParleyError(
    "NOT_IMPLEMENTED",
    `Cannot read the request: its compression ${printable(name)} is not known; send gzip or none`,
  );
}

/** A word of the request as an error may repeat it. */
export function printable(word: string): string {
  return JSON.stringify(word.slice(0, 64));
}
