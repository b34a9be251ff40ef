import { toBinary, toJsonString, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { endStreamFlag, endStreamToJson } from "@connectrpc/connect/protocol-connect";
import { grpcStatusOk, setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { trailerFlag, trailerSerialize } from "@connectrpc/connect/protocol-grpc-web";
import type { Wire } from "./wire.ts";

/** How a protocol frames the answer of a call: its messages, and the end that says whether they are all. */
export interface Framing {
  readonly contentType: string;
  /** Whether the end is told in HTTP's trailers. */
  readonly hasTrailers: boolean;
  /** One message as it goes out. */
  message<Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>): Uint8Array;
  /** What follows the last message; with an error the call has failed after its first message. */
  end(error: ConnectError | undefined): { readonly body?: Uint8Array; readonly trailers?: Record<string, string> };
}

/** The framing of a wire's protocol: https://connectrpc.com/docs/protocol and gRPC's PROTOCOL-HTTP2.md, PROTOCOL-WEB.md. */
export function framingOf({ protocol, json }: Pick<Wire, "protocol" | "json">): Framing {
  return FRAMINGS[`${protocol}+${json ? "json" : "proto"}`]!;
}

type Encode = Framing["message"];

const asJson: Encode = (desc, message) => Buffer.from(toJsonString(desc, message));
const asProto: Encode = (desc, message) => toBinary(desc, message);

const NOTHING = new Uint8Array();
const PREFIX_BYTES = 5;

// A unary Connect call is its message and nothing else; its failures are whole answers of another shape.
function bare(codec: "json" | "proto", encode: Encode): Framing {
  return { contentType: `application/${codec}`, hasTrailers: false, message: encode, end: () => ({}) };
}

function connectStream(codec: "json" | "proto", encode: Encode): Framing {
  const ok = envelope(endStreamFlag, Buffer.from("{}"));
  return {
    contentType: `application/connect+${codec}`,
    hasTrailers: false,
    message: (desc, message) => envelope(0, encode(desc, message)),
    end: (error) => ({
      body: error
        ? envelope(endStreamFlag, Buffer.from(JSON.stringify(endStreamToJson(new Headers(), error, undefined))))
        : ok,
    }),
  };
}

function grpc(codec: "json" | "proto", encode: Encode): Framing {
  return {
    contentType: `application/grpc+${codec}`,
    hasTrailers: true,
    message: (desc, message) => envelope(0, encode(desc, message)),
    end: (error) => ({ trailers: error ? Object.fromEntries(trailersOf(error)) : { "grpc-status": grpcStatusOk } }),
  };
}

function grpcWeb(codec: "json" | "proto", encode: Encode): Framing {
  const ok = envelope(trailerFlag, trailerSerialize(new Headers({ "grpc-status": grpcStatusOk })));
  return {
    contentType: `application/grpc-web+${codec}`,
    hasTrailers: false,
    message: (desc, message) => envelope(0, encode(desc, message)),
    end: (error) => ({ body: error ? envelope(trailerFlag, trailerSerialize(trailersOf(error))) : ok }),
  };
}

function trailersOf(error: ConnectError): Headers {
  const trailers = new Headers();
  setTrailerStatus(trailers, error);
  return trailers;
}

const FRAMINGS: Readonly<Record<string, Framing>> = {
  "connect-unary+json": bare("json", asJson),
  "connect-unary+proto": bare("proto", asProto),
  "connect-stream+json": connectStream("json", asJson),
  "connect-stream+proto": connectStream("proto", asProto),
  "grpc+json": grpc("json", asJson),
  "grpc+proto": grpc("proto", asProto),
  "grpc-web+json": grpcWeb("json", asJson),
  "grpc-web+proto": grpcWeb("proto", asProto),
};

/** Flags, the length in four bytes, the data. */
function envelope(flags: number, data: Uint8Array): Uint8Array {
  const framed = Buffer.allocUnsafe(PREFIX_BYTES + data.length);
  framed[0] = flags;
  framed.writeUInt32BE(data.length, 1);
  framed.set(data, PREFIX_BYTES);
  return framed;
}

/** Pieces as one, so that they are one write. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [first = NOTHING] = pieces;
  return pieces.length <= 1 ? first : Buffer.concat(pieces);
}
