import { checkMembership } from "./check-organisations.ts";
import { isTokenUrl } from "./key-file.ts";
import { mapAt, type RawMap, type Report } from "./raw.ts";
import { didYouMean } from "./suggest.ts";

/** Checks what the keys of each issuer mean together, and that there is everything they name. */
export function checkIssuers(root: RawMap, report: Report): void {
  const policies = Object.keys(mapAt(root["policies"]));
  const issuers = new Map<string, string>();
  for (const [name, entry] of Object.entries(mapAt(root["issuers"]))) {
    const path = ["issuers", name];
    const member = mapAt(entry);
    checkKeys(member, path, report);
    checkMembership(root, member, path, report);
    const { policy, issuer } = member;
    if (typeof policy === "string" && !policies.includes(policy)) {
      report("not_found", [...path, "policy"], (shown) => `no policy is named ${shown}${didYouMean(policy, policies)}`);
    }
    for (const field of Object.keys(mapAt(member["claims"]))) {
      if (member[field] === undefined) continue;
      report("conflict", [...path, field], `claims.${field} says it for each token: remove one of them`);
    }
    if (typeof issuer !== "string") continue;
    const other = issuers.get(issuer);
    if (other !== undefined) report("conflict", [...path, "issuer"], `issuers.${other} is the same`);
    issuers.set(issuer, name);
  }
}

function checkKeys({ jwks_url: url, jwks }: RawMap, path: readonly string[], report: Report): void {
  if ((url === undefined) === (jwks === undefined)) {
    report("conflict", path, "expected one of jwks_url and jwks");
  }
  if (typeof url === "string" && !isTokenUrl(url)) {
    report(
      "invalid_value",
      [...path, "jwks_url"],
      "expected a URL that begins with https:// (http:// on this machine only)",
    );
  }
  if (typeof jwks === "string" && !isKeySet(jwks)) {
    report(
      "invalid_value",
      [...path, "jwks"],
      'expected the JSON text of a key set, {"keys": [...]}, without secret keys',
    );
  }
}

// A secret key verifies what it signs: whoever can read the configuration could make tokens.
function isKeySet(text: string): boolean {
  try {
    const { keys } = JSON.parse(text) as { keys?: unknown };
    return (
      Array.isArray(keys) && keys.length > 0 && keys.every((key) => mapAt(key)["kty"] !== "oct" && !("d" in mapAt(key)))
    );
  } catch {
    return false;
  }
}
