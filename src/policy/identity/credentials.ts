/** What a request shows of who sends it. */
export interface Credentials {
  /** The key, without `Bearer `; undefined: none was sent. */
  readonly key: string | undefined;
  /** The origin of the page that sends it, as browsers tell it. */
  readonly origin?: string | undefined;
  /** The client's certificate, where the connection has proven one. */
  readonly certificate?: (() => ClientCertificate | undefined) | undefined;
}

/** Which certificate stands for a key: all that is told must fit. */
export interface CertificatePattern {
  readonly commonName: string | undefined;
  readonly alternativeName: string | undefined;
  readonly sha256: string | undefined;
}

/** Whether a certificate is the one that is meant. */
export function fitsCertificate(pattern: CertificatePattern, certificate: ClientCertificate): boolean {
  const { commonName, alternativeName, sha256 } = pattern;
  return (
    (commonName === undefined || commonName === certificate.commonName) &&
    (alternativeName === undefined || certificate.alternativeNames.includes(alternativeName)) &&
    (sha256 === undefined || sha256 === certificate.sha256)
  );
}

/** The names in a certificate whose authority was checked when the connection was made. */
export interface ClientCertificate {
  /** Common name of the subject. */
  readonly commonName: string | undefined;
  /** Alternative names, such as `DNS:app.example.com` or `URI:spiffe://example.com/app`. */
  readonly alternativeNames: readonly string[];
  /** SHA-256 of the certificate, 64 hexadecimal digits. */
  readonly sha256: string;
}
