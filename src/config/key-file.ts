import { SecretText } from "./secret.ts";
import type { GrantConfig } from "./config.ts";

type SignedAssertion = Extract<GrantConfig, { kind: "signed_assertion" }>;
type RefreshToken = Extract<GrantConfig, { kind: "refresh_token" }>;

// Files that hold a consent do not say where it is exchanged.
const CONSENT_TOKEN_URL = "https://oauth2.googleapis.com/token";

/**
 * Reads the text of a key file: JSON of a service account, or of the application-default credentials of a person. Gives a
 * sentence without its content where it is neither.
 */
export function readKeyFile(text: string): SignedAssertion | RefreshToken | string {
  const file = parse(text);
  if (!file) return 'expected the JSON text of a key file, best as "${file:PATH}"';
  const { type } = file;
  if (type !== "service_account" && type !== "authorized_user") {
    return "expected a key file whose type is service_account or authorized_user: this version has no other";
  }
  const needed = type === "service_account" ? SERVICE_ACCOUNT : AUTHORIZED_USER;
  const missing = needed.filter((name) => typeof file[name] !== "string" || file[name] === "");
  if (missing.length > 0) return `expected a key file with ${missing.join(" and ")}`;
  const tokenUrl = file["token_uri"] ?? CONSENT_TOKEN_URL;
  if (typeof tokenUrl !== "string" || !isTokenUrl(tokenUrl)) {
    return "expected a key file whose token_uri begins with https:// (http:// on this machine only)";
  }
  const read = (name: string) => String(file[name]);
  const projectId = optional(file["project_id"] ?? file["quota_project_id"]);
  if (type === "service_account") {
    return {
      kind: "signed_assertion",
      tokenUrl,
      issuer: read("client_email"),
      privateKey: new SecretText(read("private_key")),
      keyId: optional(file["private_key_id"]),
      projectId,
    };
  }
  return {
    kind: "refresh_token",
    tokenUrl,
    clientId: read("client_id"),
    clientSecret: new SecretText(read("client_secret")),
    refreshToken: new SecretText(read("refresh_token")),
    projectId,
  };
}

const SERVICE_ACCOUNT = ["client_email", "private_key", "token_uri"];
const AUTHORIZED_USER = ["client_id", "client_secret", "refresh_token"];

/** Whether secrets may be sent to this address: encrypted, or without leaving the machine. */
export function isTokenUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, hash } = new URL(text);
  if (username !== "" || password !== "" || hash !== "") return false;
  return protocol === "https:" || (protocol === "http:" && /^(127\.\d+\.\d+\.\d+|\[::1\]|localhost)$/.test(hostname));
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function optional(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
