// A self-signed certificate for 127.0.0.1, made on the spot: no key in the repository, no tool on the machine.
import { generateKeyPairSync, sign } from "node:crypto";

const tag = { integer: 0x02, bits: 0x03, octets: 0x04, oid: 0x06, utf8: 0x0c, sequence: 0x30, set: 0x31, time: 0x17 };

function der(kind: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const length = body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([kind, ...length]), body]);
}

function hex(text: string): Buffer {
  return Buffer.from(text, "hex");
}

function utcTime(date: Date): Buffer {
  return der(tag.time, Buffer.from(`${date.toISOString().replace(/[-:T]/g, "").slice(2, 14)}Z`));
}

function pem(body: Buffer): string {
  return `-----BEGIN CERTIFICATE-----\n${body.toString("base64")}\n-----END CERTIFICATE-----\n`;
}

/** A certificate and its private key as PEM text, valid from yesterday until tomorrow. */
export function selfSignedCertificate(): { readonly cert: string; readonly key: string } {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = der(tag.sequence, der(tag.oid, hex("2a8648ce3d040302"))); // ecdsa-with-SHA256
  const commonName = der(tag.sequence, der(tag.oid, hex("550403")), der(tag.utf8, Buffer.from("parley test")));
  const name = der(tag.sequence, der(tag.set, commonName));
  const dayMs = 86_400_000;
  const validity = der(tag.sequence, utcTime(new Date(Date.now() - dayMs)), utcTime(new Date(Date.now() + dayMs)));
  const address = der(tag.sequence, der(0x87, Buffer.from([127, 0, 0, 1])));
  const subjectAltName = der(tag.sequence, der(tag.oid, hex("551d11")), der(tag.octets, address));
  const body = der(
    tag.sequence,
    der(0xa0, der(tag.integer, Buffer.from([2]))),
    der(tag.integer, Buffer.from([1])),
    algorithm,
    name,
    validity,
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, der(tag.sequence, subjectAltName)),
  );
  const signature = der(tag.bits, Buffer.from([0]), sign("sha256", body, privateKey));
  return {
    cert: pem(der(tag.sequence, body, algorithm, signature)),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}
