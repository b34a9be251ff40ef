import { listAt, mapAt, type RawMap, type Report } from "./raw.ts";
import { didYouMean } from "./suggest.ts";

/** Checks that organisations and projects have proper names, name policies that exist, and are what keys belong to. */
export function checkOrganisations(
  root: RawMap,
  names: { readonly rule: string; readonly fits: (name: string) => boolean },
  report: Report,
): void {
  const policies = Object.keys(mapAt(root["policies"]));
  const checkHolder = (holder: unknown, path: readonly string[]): void => {
    const name = path.at(-1) ?? "";
    if (!names.fits(name)) report("invalid_value", path, names.rule, "key");
    const { policy } = mapAt(holder);
    if (typeof policy !== "string" || policies.includes(policy)) return;
    report("not_found", [...path, "policy"], (shown) => `no policy is named ${shown}${didYouMean(policy, policies)}`);
  };
  for (const [name, organisation] of Object.entries(mapAt(root["organisations"]))) {
    checkHolder(organisation, ["organisations", name]);
    for (const [projectName, project] of Object.entries(mapAt(mapAt(organisation)["projects"]))) {
      checkHolder(project, ["organisations", name, "projects", projectName]);
    }
  }
  for (const [index, key] of listAt(root["keys"]).entries()) checkMembership(root, mapAt(key), ["keys", index], report);
}

/** Checks where a key, or whatever else stands for callers, belongs. */
export function checkMembership(
  root: RawMap,
  member: RawMap,
  path: readonly (string | number)[],
  report: Report,
): void {
  const organisations = mapAt(root["organisations"]);
  const { organisation, project, role } = member;
  for (const [field, value] of Object.entries({ organisation, project })) {
    if (typeof value !== "string" || role !== "admin") continue;
    report("conflict", [...path, field], `an administrator's key may do everything: remove the ${field}`);
  }
  if (typeof organisation === "string" && !Object.hasOwn(organisations, organisation)) {
    const hint = didYouMean(organisation, Object.keys(organisations));
    report("not_found", [...path, "organisation"], (shown) => `no organisation is named ${shown}${hint}`);
  }
  if (typeof project !== "string") return;
  const known = projectNames(organisations);
  if (!known.includes(project)) {
    const hint = didYouMean(project, known);
    report("not_found", [...path, "project"], (shown) => `no project is named ${shown}${hint}`);
  } else if (typeof organisation === "string" && !project.startsWith(`${organisation}/`)) {
    report("conflict", [...path, "project"], (shown) => `the project ${shown} is not of the organisation of this key`);
  }
}

function projectNames(organisations: RawMap): string[] {
  return Object.entries(organisations).flatMap(([name, organisation]) =>
    Object.keys(mapAt(mapAt(organisation)["projects"])).map((project) => `${name}/${project}`),
  );
}
