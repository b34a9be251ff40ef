import { ParleyError } from "../errors/index.ts";
import type { ParameterName, ProviderApi, ProviderEntry } from "./entry.ts";

/** What of an account stands in its addresses. */
export type Parameters = Readonly<Partial<Record<ParameterName, string>>>;

/** Where the calls to one API of an account go. */
export interface ApiAddress {
  /** Scheme, host and port. */
  readonly origin: string;
  /** The path of a call, of the dialect's own path and the provider's id of the model. */
  pathOf(dialectPath: string, model: string): string;
}

/** The parameters of an account, with the entry's own where it names none. */
export function parametersOf(entry: ProviderEntry, configured: Parameters): Parameters {
  const defaults = (entry.parameters ?? []).flatMap(({ name, usual }) => (usual === undefined ? [] : [[name, usual]]));
  return { ...(Object.fromEntries(defaults) as Parameters), ...configured };
}

/** The region that the parameters of an account tell; undefined: none. */
export function regionOf(entry: ProviderEntry, parameters: Parameters): string | undefined {
  const told = (entry.parameters ?? []).flatMap(({ name, regionUnless }) => {
    const value = parameters[name];
    return value !== undefined && regionUnless && !regionUnless.includes(value) ? [value] : [];
  });
  return told[0];
}

/** The address of an API. Throws `MISCONFIGURED` where the account lacks one, or something that stands in it. */
export function addressOf(
  entry: ProviderEntry,
  api: ProviderApi,
  account: { readonly name: string; readonly baseUrl: string | undefined; readonly parameters: Parameters },
): ApiAddress {
  const { name, parameters } = account;
  const own = entry.baseUrlsOf?.find(({ parameter, values }) => values.includes(parameters[parameter] ?? ""))?.baseUrl;
  const baseUrl = account.baseUrl ?? own ?? entry.baseUrl;
  if (baseUrl === undefined) {
    throw new ParleyError(
      "MISCONFIGURED",
      `Cannot use the provider ${name}: it has no base_url, and its kind has none of its own`,
    );
  }
  const { origin, pathname } = new URL(fill(baseUrl, parameters, name));
  const prefix = pathname.replace(/\/+$/, "");
  // A path that holds what the account does not name is that of another version of the API.
  const lacks = api.path === undefined || (entry.parameters ?? []).some((one) => isOptional(one, api, parameters));
  const template = lacks ? undefined : fill(api.path ?? "", parameters, name);
  if (template === undefined) return { origin, pathOf: (path) => prefix + path };
  return {
    origin,
    pathOf: (path, model) =>
      prefix + template.replace("{model}", () => encodeURIComponent(model)).replace("{path}", () => path),
  };
}

function isOptional(
  { name, required }: { readonly name: ParameterName; readonly required: boolean },
  api: ProviderApi,
  parameters: Parameters,
): boolean {
  return !required && parameters[name] === undefined && (api.path?.includes(`{${name}}`) ?? false);
}

function fill(template: string, parameters: Parameters, name: string): string {
  return template.replace(/\{(project|location|api_version)\}/g, (_, parameter: ParameterName) => {
    const value = parameters[parameter];
    if (value !== undefined) return encodeURIComponent(value);
    throw new ParleyError("MISCONFIGURED", `Cannot use the provider ${name}: it has no ${parameter}`);
  });
}
