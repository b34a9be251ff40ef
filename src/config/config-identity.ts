import type { Secret } from "./config.ts";

/** A key from the configuration or the environment. */
export interface FixedKeyConfig {
  readonly name: string;
  /** Undefined: its holder is known by a certificate. */
  readonly key: Secret | undefined;
  readonly certificate?: CertificateConfig | undefined;
  readonly role: "admin" | "chat" | "viewer" | "key-manager";
  /** Scopes of the role to which it is narrowed; undefined: all of them. */
  readonly scopes?: readonly string[] | undefined;
  readonly policy: string | undefined;
  readonly organisation?: string | undefined;
  /** `organisation/project`. */
  readonly project?: string | undefined;
}

/** Which client certificate stands for a key: all that is told must fit. */
export interface CertificateConfig {
  readonly commonName: string | undefined;
  readonly alternativeName: string | undefined;
  /** 64 hexadecimal digits, lower case. */
  readonly sha256: string | undefined;
}

/** Somebody whose signed tokens are taken in place of keys. */
export interface IssuerConfig {
  readonly name: string;
  /** What its tokens say in `iss`. */
  readonly issuer: string;
  readonly audience: string;
  /** Where its keys are, or the keys themselves. */
  readonly keys: { readonly url: string } | { readonly pinned: unknown };
  readonly algorithms: readonly string[];
  readonly clockSkewMs: number;
  readonly claims: Readonly<Partial<Record<"organisation" | "project" | "policy" | "role", string>>>;
  readonly fixed: Pick<FixedKeyConfig, "role" | "organisation" | "project" | "policy">;
}

/** Whom keys belong to. */
export interface OrganisationConfig {
  readonly name: string;
  /** The policy of all its keys, beside theirs. */
  readonly policy: string | undefined;
  readonly projects: readonly { readonly name: string; readonly policy: string | undefined }[];
}
