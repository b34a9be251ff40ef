import { ParleyError } from "../../errors/index.ts";
import type { Holder } from "../holder.ts";
import { compileRules } from "../permits/compile-rules.ts";
import type { HeldPolicy, PolicyRules } from "../permits/policy-rules.ts";
import type { Principal } from "../principal.ts";
import { scopesOf, type Role } from "./roles.ts";
import { organisationOf } from "./tenant.ts";

/** What the keys of a policy may do. */
export type RingPolicy = PolicyRules;

/** A key as far as it says what its holder may do. */
export interface KeyRights {
  /** Id in books and logs; never the key itself. */
  readonly keyId: string;
  readonly name: string;
  readonly role: Role;
  /** Scopes of the role to which it is narrowed; none: it has them all. */
  readonly scopes?: readonly string[] | undefined;
  readonly organisation?: string | undefined;
  /** `organisation/project`. */
  readonly project?: string | undefined;
  /** Name of its own policy; undefined: nothing beyond what its organisation's and project's say. */
  readonly policy: string | undefined;
}

/** An organisation of the configuration with its projects. */
export interface RingOrganisation {
  readonly name: string;
  readonly policy: string | undefined;
  readonly projects: readonly { readonly name: string; readonly policy: string | undefined }[];
}

/** What principals are compiled from: the policies and organisations of one configuration. */
export interface PolicySource {
  readonly policies: ReadonlyMap<string, RingPolicy>;
  readonly organisations: ReadonlyMap<string, RingOrganisation>;
}

/** The policies and organisations, to be found by name. */
export function policySource(
  policies: readonly RingPolicy[],
  organisations: readonly RingOrganisation[] = [],
): PolicySource {
  return {
    policies: new Map(policies.map((policy) => [policy.name, policy])),
    organisations: new Map(organisations.map((one) => [one.name, one])),
  };
}

/**
 * Who holds a key, with everything compiled that its own policy and those of its project and organisation say. Throws
 * `MISCONFIGURED` where one of the names is not in the configuration: then nothing is known of what the key may do.
 */
export function compilePrincipal(key: KeyRights, source: PolicySource): Principal {
  const { project, organisation = project && organisationOf(project) } = key;
  const identity = { ...key, scopes: scopesOf(key.role, key.scopes), organisation, project };
  return { ...compileRules(identity, holdersOf(key, source)), policy: key.policy };
}

/** The policies that hold for a key, the widest holder first. Throws as `compilePrincipal` does. */
export function holdersOf(key: KeyRights, { policies, organisations }: PolicySource): HeldPolicy[] {
  const held: HeldPolicy[] = [];
  const hold = (kind: Holder["kind"], id: string, name: string | undefined): void => {
    if (name === undefined) return;
    const policy = policies.get(name);
    if (!policy) throw unusable(key, `there is no policy named ${name}`);
    held.push({ holder: { kind, id }, rules: policy });
  };
  const name = key.organisation ?? (key.project && organisationOf(key.project));
  if (name !== undefined) {
    const organisation = organisations.get(name);
    if (!organisation) throw unusable(key, `there is no organisation named ${name}`);
    hold("organisation", name, organisation.policy);
    if (key.project !== undefined) {
      const project = organisation.projects.find((one) => `${name}/${one.name}` === key.project);
      if (!project) throw unusable(key, `there is no project named ${key.project}`);
      hold("project", key.project, project.policy);
    }
  }
  hold("key", key.keyId, key.policy);
  return held;
}

function unusable(key: KeyRights, why: string): ParleyError {
  return new ParleyError("MISCONFIGURED", `Cannot use the key ${key.name}: ${why}`);
}
