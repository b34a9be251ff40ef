import { ParleyError } from "../errors/index.ts";
import type { PolicySource } from "../policy/identity/compile-principal.ts";
import { ROLES, scopesOf, type Role } from "../policy/identity/roles.ts";
import { covers, organisationOf } from "../policy/identity/tenant.ts";
import type { Principal } from "../policy/principal.ts";
import type { KeyRow } from "../store/key-store.ts";

/** What a caller wants a key to be. */
export interface Wanted {
  readonly role: Role;
  readonly scopes: readonly string[];
  readonly organisation: string | undefined;
  readonly project: string | undefined;
  readonly policy: string | undefined;
  readonly expiresAtMs: number | undefined;
}

/** Where a new key belongs: where the caller says, else where the caller does. */
export function placeOf(caller: Principal, asked: { organisation: string; project: string }) {
  const project = asked.project || (asked.organisation === "" ? caller.project : undefined);
  const organisation = asked.organisation || (project === undefined ? caller.organisation : organisationOf(project));
  return { organisation, project };
}

/**
 * Checks that a caller may make a key like this, and that there is everything it names: nobody gives what they have not.
 * Throws `PERMISSION_DENIED` or `INVALID_REQUEST`.
 */
export function checkGrant(caller: Principal, wanted: Wanted, source: PolicySource, nowMs: number): void {
  const { role, policy, expiresAtMs } = wanted;
  if (!ROLES[caller.role].manages.includes(role)) {
    throw denied("role", `a key of the role ${caller.role} may not keep keys of the role ${role}`);
  }
  checkPlace(caller, wanted, source);
  checkScopes(caller, wanted);
  if (role === "admin" && policy !== undefined) throw invalid("policy", "an administrator's key may do everything");
  if (caller.role !== "admin" && caller.policy !== undefined && policy !== caller.policy) {
    throw denied("policy", `your own key has the policy ${caller.policy}, and can give no other`);
  }
  if (policy !== undefined && !source.policies.has(policy))
    throw invalid("policy", "the configuration has no such policy");
  if (expiresAtMs !== undefined && expiresAtMs <= nowMs) throw invalid("expires_at", "it is in the past");
}

function checkPlace(caller: Principal, { role, organisation, project }: Wanted, source: PolicySource): void {
  if (!covers(caller, { organisation, project })) {
    throw denied(project === undefined ? "organisation" : "project", "it is not what your own key belongs to");
  }
  if (organisation === undefined) return;
  if (role === "admin") throw invalid("organisation", "an administrator's key belongs to none: leave it out");
  const known = source.organisations.get(organisation);
  if (!known) throw invalid("organisation", "the configuration has no such organisation");
  if (project !== undefined && !known.projects.some(({ name }) => `${organisation}/${name}` === project)) {
    throw invalid("project", "the organisation has no such project; write it as organisation/project");
  }
}

function checkScopes(caller: Principal, { role, scopes }: Wanted): void {
  const foreign = scopes.find((scope) => !ROLES[role].scopes.some((one) => one === scope));
  if (foreign !== undefined) {
    throw invalid("scopes", `the role ${role} has these only: ${ROLES[role].scopes.join(", ")}`);
  }
  // What the caller's role has and the caller was narrowed out of, it must not get back through another key.
  const beyond = [...scopesOf(role, scopes)].find(
    (scope) => ROLES[caller.role].scopes.includes(scope) && !caller.scopes.has(scope),
  );
  if (beyond !== undefined) throw denied("scopes", `your own key has not the scope ${beyond}: name scopes without it`);
}

/** Checks that a caller may change a key. Throws `NOT_FOUND` where it may not even see it. */
export function checkMayChange(caller: Principal, row: KeyRow, what: "update" | "rotate" | "revoke"): void {
  if (!ROLES[caller.role].manages.some((role) => role === row.role)) {
    throw denied("id", `a key of the role ${caller.role} may not keep keys of the role ${row.role}`);
  }
  if (what === "update" && caller.keyId === row.id && caller.role !== "admin") {
    throw denied("id", "it is your own key; ask who gave it to you");
  }
}

function denied(field: string, why: string): ParleyError {
  return new ParleyError("PERMISSION_DENIED", `Cannot keep the key: ${field}: ${why}`, { field });
}

/** `INVALID_REQUEST` about a field. */
export function invalid(field: string, why: string): ParleyError {
  return new ParleyError("INVALID_REQUEST", `Cannot keep the key: ${field}: ${why}`, { field });
}
