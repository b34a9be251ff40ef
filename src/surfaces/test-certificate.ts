import { generateKeyPairSync, sign } from "node:crypto";

// A self-signed certificate for the TLS tests, made in the process: no key lies in the repository, no tool is needed.

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const length =
    body.length < 128
      ? [body.length]
      : body.length < 256
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);
const oid = (...bytes: readonly number[]): Buffer => der(0x06, Buffer.from(bytes));
const boolean = (value: boolean): Buffer => der(0x01, Buffer.from([value ? 0xff : 0]));

/** How a certificate differs from a good one: its last second in UTC as ASN.1 writes it, and the address it is for. */
export interface CertificateOptions {
  readonly notAfter?: string;
  readonly address?: readonly [number, number, number, number];
}

/** A certificate for 127.0.0.1 that signs itself, and its key, both in PEM. */
export function selfSigned(commonName: string, options: CertificateOptions = {}): { cert: string; key: string } {
  const { notAfter = "491231235959Z", address = [127, 0, 0, 1] } = options;
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ecdsaWithSha256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
  const name = sequence(der(0x31, sequence(oid(0x55, 0x04, 0x03), der(0x0c, Buffer.from(commonName)))));
  const subjectAltName = sequence(der(0x87, Buffer.from(address)));
  const extensions = sequence(
    sequence(oid(0x55, 0x1d, 0x11), der(0x04, subjectAltName)),
    sequence(oid(0x55, 0x1d, 0x13), boolean(true), der(0x04, sequence(boolean(true)))),
  );
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    ecdsaWithSha256,
    name,
    sequence(der(0x17, Buffer.from("200101000000Z")), der(0x17, Buffer.from(notAfter))),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, extensions),
  );
  const signature = sign("sha256", body, privateKey);
  const certificate = sequence(body, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature));
  const lines = certificate.toString("base64").match(/.{1,64}/g) ?? [];
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}
