import type { Principal } from "../principal.ts";

/** Where something belongs: an organisation, a project of it (`organisation/project`), or neither. */
export interface Tenant {
  readonly organisation: string | undefined;
  readonly project: string | undefined;
}

/** Who looks: an administrator sees everything, everybody else what is of their own organisation or project. */
export type Onlooker = Tenant & Pick<Principal, "role">;

/** Whether `one` may see and manage what belongs to `other`. Who belongs to no organisation is bound to none. */
export function covers(one: Onlooker, other: Tenant): boolean {
  if (one.role === "admin") return true;
  if (one.project !== undefined) return one.project === other.project;
  return one.organisation === undefined || one.organisation === other.organisation;
}

/** The organisation of a project's full name. */
export function organisationOf(project: string): string {
  return project.slice(0, project.indexOf("/"));
}
