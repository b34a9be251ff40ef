import { routeOf, targetOf } from "./build-routes.ts";
import type { ProviderConfig, RouteConfig } from "./config.ts";
import { SANDBOX } from "./sandbox-name.ts";
import type { KnownNames, ProviderKind } from "./known-names.ts";
import { readLooseAddress } from "./loose-address.ts";
import { settingProblem, type ConfigProblem } from "./problem.ts";
import { SecretText } from "./secret.ts";

/** The route to watch a rescue with: its first target always fails. */
export const RESCUE_ROUTE: RouteConfig = routeOf(
  "failover-demo",
  [`${SANDBOX}/fault-503`, `${SANDBOX}/story`].map(targetOf),
);

/** What the environment alone makes of providers. */
export interface ZeroConfig {
  readonly providers: readonly ProviderConfig[];
  readonly routes: readonly RouteConfig[];
  /** Sentences for people about what was not used. */
  readonly notices: readonly string[];
  readonly problems: readonly ConfigProblem[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The configuration of a gateway without a file: a provider for each well-known key, and the sandbox's route. */
export function zeroConfig(env: Environment, known: KnownNames): ZeroConfig {
  const providers: ProviderConfig[] = [];
  const problems: ConfigProblem[] = [];
  for (const kind of known.kinds) {
    const apiKey = firstSet(kind.environment.apiKey, env);
    const baseUrl = firstSet(kind.environment.baseUrl, env) ?? looseAddress(kind, env, problems);
    if (!apiKey && !baseUrl) continue;
    if ((kind.needsCredential && !apiKey) || (kind.needsBaseUrl && !baseUrl)) continue;
    problems.push(...settingProblems(apiKey, baseUrl));
    providers.push(providerOf(kind.name, apiKey?.value, baseUrl?.value));
  }
  const notices = known.kinds.flatMap(({ name, environment }) =>
    (environment.unread ?? [])
      .filter((variable) => firstSet([variable], env))
      .map(
        (variable) => `${variable} is set, but Parley does not read it: configure a provider of kind ${name} in a file`,
      ),
  );
  return { providers, routes: [RESCUE_ROUTE], notices, problems };
}

// An address that means nothing is a problem, and not the kind's own address instead.
function looseAddress(kind: ProviderKind, env: Environment, problems: ConfigProblem[]): Variable | undefined {
  const { address } = kind.environment;
  const found = address && firstSet([address.variable], env);
  if (!address || !found) return undefined;
  const value = readLooseAddress(found.value, address);
  if (value !== undefined) return { name: found.name, value };
  const expected = `expected an address such as 127.0.0.1:${address.port} or https://models.example.com`;
  problems.push(settingProblem("invalid_value", found.name, expected));
  return undefined;
}

interface Variable {
  readonly name: string;
  readonly value: string;
}

// An empty variable is how compose files say that there is none.
function firstSet(names: readonly string[], env: Environment): Variable | undefined {
  const name = names.find((one) => env[one] !== undefined && env[one] !== "");
  return name === undefined ? undefined : { name, value: env[name] ?? "" };
}

function settingProblems(apiKey: Variable | undefined, baseUrl: Variable | undefined): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if (apiKey && !/^[\x21-\x7e]+$/.test(apiKey.value)) {
    problems.push(settingProblem("invalid_value", apiKey.name, "expected visible ASCII characters without spaces"));
  }
  if (baseUrl && !(/^https?:\/\/[^\s@?#]+$/.test(baseUrl.value) && URL.canParse(baseUrl.value))) {
    const expected = "expected a URL that begins with https:// or http://, without user, query and fragment";
    problems.push(settingProblem("invalid_value", baseUrl.name, expected));
  }
  return problems;
}

function providerOf(kind: string, apiKey: string | undefined, baseUrl: string | undefined): ProviderConfig {
  return {
    name: kind,
    kind,
    baseUrl: baseUrl?.replace(/\/+$/, ""),
    credentials: apiKey === undefined ? [] : [{ id: `${kind}#1`, apiKey: new SecretText(apiKey) }],
    parameters: {},
    models: undefined,
    facts: {},
    api: "auto",
    rates: [],
  };
}
