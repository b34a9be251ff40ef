// A server-streaming call over the Connect protocol with JSON: https://connectrpc.com/docs/protocol

const PREFIX_BYTES = 5;
const END_OF_STREAM = 2;

/** Yields the messages of a streaming call. Throws an Error with the RPC's code where the call fails. */
export async function* callStream(path, message, { key, signal }) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/connect+json", authorization: `Bearer ${key}` },
    body: envelope(JSON.stringify(message)),
    signal,
  });
  if (!response.ok || !response.body) throw new Error(`HTTP ${response.status}`);
  for await (const { flags, text } of envelopes(response.body.getReader())) {
    const value = JSON.parse(text);
    if ((flags & END_OF_STREAM) === 0) {
      yield value;
      continue;
    }
    if (value.error) throw new Error(`${value.error.code}: ${value.error.message ?? ""}`);
    return;
  }
  throw new Error("the stream was cut: it ended without saying so");
}

function envelope(json) {
  const data = new TextEncoder().encode(json);
  const body = new Uint8Array(PREFIX_BYTES + data.length);
  new DataView(body.buffer).setUint32(1, data.length);
  body.set(data, PREFIX_BYTES);
  return body;
}

async function* envelopes(reader) {
  let rest = new Uint8Array(0);
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest = join(rest, value);
    while (rest.length >= PREFIX_BYTES) {
      const end = PREFIX_BYTES + new DataView(rest.buffer, rest.byteOffset).getUint32(1);
      if (rest.length < end) break;
      yield { flags: rest[0], text: new TextDecoder().decode(rest.subarray(PREFIX_BYTES, end)) };
      rest = rest.subarray(end);
    }
  }
}

function join(first, second) {
  if (first.length === 0) return second;
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
