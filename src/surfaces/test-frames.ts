// HTTP/2 as bytes, for clients that break its rules. Only tests import it.

/** The client's preface with empty settings. */
export function preface(): Buffer {
  return Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(4, 0, 0, Buffer.alloc(0))]);
}

/** `GET /v1/x` as HPACK literals. */
export function getX(): Buffer {
  return Buffer.concat([
    Buffer.from([0x82, 0x86, 0x04, 5]),
    Buffer.from("/v1/x"),
    Buffer.from([0x01, 1]),
    Buffer.from("x"),
  ]);
}

/** One frame. */
export function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}
