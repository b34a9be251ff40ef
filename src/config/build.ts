import type { Capability, ModelFacts, PriceList } from "../catalog/facts.ts";
import type { Support } from "../contract/index.ts";
import type { CredentialConfig, Limits, ModelConfig, ProviderConfig, ServerConfig, Timeouts } from "./config.ts";
import type { FixedKeyConfig, IssuerConfig, OrganisationConfig } from "./config-identity.ts";
import { buildRates } from "./build-policies.ts";
import { DEFAULT_DRAIN, DEFAULT_LIMITS, DEFAULT_TIMEOUTS } from "./defaults.ts";
import { MODALITY, PRICE_UNITS, type FileData, type ProviderData, type ServerData } from "./schema.ts";

type ModelsData = NonNullable<ProviderData["models"]>;
type ModelData = Extract<ModelsData, Record<string, object>>[string];
type CredentialData = Pick<ProviderData, "api_key" | "access_token" | "key_file" | "client">;
type FactData = Pick<ProviderData, "region" | "data_policy" | "price" | "deterministic" | "capabilities">;

/** What the file says about limits, over the defaults. */
export function buildLimits(data: ServerData["limits"]): Limits {
  return {
    requestBytes: data?.request ?? DEFAULT_LIMITS.requestBytes,
    requestWithMediaBytes: data?.request_with_media ?? DEFAULT_LIMITS.requestWithMediaBytes,
    jsonDepth: data?.json_depth ?? DEFAULT_LIMITS.jsonDepth,
    headerBytes: data?.headers ?? DEFAULT_LIMITS.headerBytes,
    upstreamEventBytes: data?.upstream_event ?? DEFAULT_LIMITS.upstreamEventBytes,
    upstreamResponseBytes: data?.upstream_response ?? DEFAULT_LIMITS.upstreamResponseBytes,
    startupEvents: data?.startup_events ?? DEFAULT_LIMITS.startupEvents,
    startupBytes: data?.startup_buffer ?? DEFAULT_LIMITS.startupBytes,
    streamBufferBytes: data?.stream_buffer ?? DEFAULT_LIMITS.streamBufferBytes,
    inFlightBytes: data?.in_flight ?? DEFAULT_LIMITS.inFlightBytes,
    connections: data?.connections ?? DEFAULT_LIMITS.connections,
    streamsPerConnection: data?.streams_per_connection ?? DEFAULT_LIMITS.streamsPerConnection,
  };
}

/** What the file says about times, over the defaults. */
export function buildTimeouts(data: ServerData["timeouts"]): Timeouts {
  return {
    connectMs: data?.connect ?? DEFAULT_TIMEOUTS.connectMs,
    tlsMs: data?.tls ?? DEFAULT_TIMEOUTS.tlsMs,
    firstContentMs: data?.first_content ?? DEFAULT_TIMEOUTS.firstContentMs,
    reasoningFirstContentMs: data?.reasoning_first_content ?? DEFAULT_TIMEOUTS.reasoningFirstContentMs,
    progressMs: data?.progress ?? DEFAULT_TIMEOUTS.progressMs,
    totalMs: data?.total ?? DEFAULT_TIMEOUTS.totalMs,
    retryAfterMaxMs: data?.retry_after_max ?? DEFAULT_TIMEOUTS.retryAfterMaxMs,
    keepAliveMs: data?.keep_alive ?? DEFAULT_TIMEOUTS.keepAliveMs,
    clientHeadersMs: data?.client_headers ?? DEFAULT_TIMEOUTS.clientHeadersMs,
    clientBodyMs: data?.client_body ?? DEFAULT_TIMEOUTS.clientBodyMs,
  };
}

/** What the file says about draining, over the defaults. */
export function buildDrain(data: ServerData["drain"]): ServerConfig["drain"] {
  return { acceptMs: data?.accept ?? DEFAULT_DRAIN.acceptMs, graceMs: data?.grace ?? DEFAULT_DRAIN.graceMs };
}

/** The providers of the file, in its order. */
export function buildProviders(data: FileData): ProviderConfig[] {
  return Object.entries(data.providers ?? {}).map(([name, provider]) => {
    const credentials = (provider.credentials ?? [provider]).flatMap((one, index) => {
      const credential = buildCredential(one);
      return credential ? [{ id: `${name}#${index + 1}`, ...credential }] : [];
    });
    return {
      name,
      kind: provider.kind,
      baseUrl: provider.base_url?.replace(/\/+$/, ""),
      credentials,
      parameters: buildParameters(provider, credentials),
      models: provider.models === undefined ? undefined : buildModels(provider.models),
      facts: {
        ...buildFacts(provider),
        ...(provider.deterministic === undefined ? {} : { deterministic: provider.deterministic }),
      },
      api: provider.api ?? "auto",
      ...(provider.probe ? { probe: buildProbe(provider.probe) } : {}),
      rates: buildRates(provider.rates),
    };
  });
}

function buildProbe({ every, kind, model }: NonNullable<ProviderData["probe"]>): NonNullable<ProviderConfig["probe"]> {
  return { everyMs: every ?? 30_000, kind: kind ?? "chat", model };
}

function buildCredential(data: CredentialData): Omit<CredentialConfig, "id"> | undefined {
  const { api_key: apiKey, access_token: accessToken, key_file: keyFile, client } = data;
  if (apiKey) return { apiKey };
  if (accessToken) return { accessToken };
  if (keyFile) return { grant: keyFile };
  if (!client) return undefined;
  const { tenant_id: tenantId, client_id: clientId, client_secret: clientSecret, token_url: tokenUrl } = client;
  return { grant: { kind: "client_credentials", tokenUrl, tenantId, clientId, clientSecret } };
}

function buildParameters(data: ProviderData, credentials: readonly CredentialConfig[]): ProviderConfig["parameters"] {
  const { project: named, location, api_version: apiVersion } = data;
  const grants = credentials.flatMap(({ grant }) => (grant && "projectId" in grant ? [grant.projectId] : []));
  const project = named ?? grants.find((one) => one !== undefined);
  return {
    ...(project === undefined ? {} : { project }),
    ...(location === undefined ? {} : { location }),
    ...(apiVersion === undefined ? {} : { api_version: apiVersion }),
  };
}

function buildModels(data: ModelsData): "any" | ModelConfig[] {
  if (data === "any") return data;
  if (Array.isArray(data)) return data.map((id) => ({ publicId: id, nativeId: id, facts: {} }));
  return Object.entries(data).map(([publicId, model]) => ({
    publicId,
    nativeId: model.id ?? publicId,
    facts: { ...buildFacts(model), ...buildModelFacts(model) },
  }));
}

function buildModelFacts(data: ModelData): Partial<ModelFacts> {
  return {
    ...(data.display_name === undefined ? {} : { displayName: data.display_name }),
    ...(data.context_tokens === undefined ? {} : { contextTokens: data.context_tokens }),
    ...(data.max_output_tokens === undefined ? {} : { maxOutputTokens: data.max_output_tokens }),
    ...(data.input_modalities ? { inputModalities: data.input_modalities.map((one) => MODALITY[one]) } : {}),
    ...(data.output_modalities ? { outputModalities: data.output_modalities.map((one) => MODALITY[one]) } : {}),
    ...(data.efforts ? { efforts: data.efforts } : {}),
  };
}

function buildFacts(data: FactData): Partial<ModelFacts> {
  const { retention, training } = data.data_policy ?? {};
  return {
    ...(data.region === undefined ? {} : { region: data.region }),
    ...(data.price === undefined ? {} : { prices: buildPrices(data.price) }),
    ...(data.deterministic === undefined ? {} : { deterministic: data.deterministic }),
    ...(data.data_policy
      ? {
          dataPolicy: {
            ...(retention === undefined ? {} : { retains: retention !== "none" }),
            ...(training === undefined ? {} : { trains: training }),
          },
        }
      : {}),
    ...(data.capabilities ? { capabilities: definedOnly(data.capabilities) } : {}),
  };
}

function definedOnly(
  capabilities: Readonly<Record<string, Support | undefined>>,
): Partial<Record<Capability, Support>> {
  // The schema has let known names through only.
  return Object.fromEntries(Object.entries(capabilities).filter(([, value]) => value !== undefined));
}

function buildPrices(data: NonNullable<FactData["price"]>): PriceList {
  const units = Object.keys(PRICE_UNITS) as (keyof typeof PRICE_UNITS)[];
  const entries = units.flatMap((unit) => {
    const nanoUsd = data === 0 ? 0 : data[unit];
    return nanoUsd === undefined ? [] : [{ unit, nanoUsd }];
  });
  return { version: "config", entries };
}

/** The fixed keys of the file. */
export function buildKeys(data: FileData): FixedKeyConfig[] {
  return (data.keys ?? []).map((one) => ({
    name: one.name,
    key: one.key,
    certificate: one.certificate && {
      commonName: one.certificate.common_name,
      alternativeName: one.certificate.alternative_name,
      sha256: one.certificate.sha256?.replaceAll(":", "").toLowerCase(),
    },
    role: one.role ?? "chat",
    policy: one.policy,
    scopes: one.scopes,
    organisation: one.organisation,
    project: one.project,
  }));
}

/** The issuers of the file. */
export function buildIssuers(data: FileData): IssuerConfig[] {
  return Object.entries(data.issuers ?? {}).map(([name, one]) => {
    const { issuer, audience, algorithms, claims = {}, role = "chat", organisation, project, policy } = one;
    return {
      name,
      issuer,
      audience,
      keys: one.jwks_url === undefined ? { pinned: JSON.parse(one.jwks ?? "{}") as unknown } : { url: one.jwks_url },
      algorithms,
      clockSkewMs: one.clock_skew ?? DEFAULT_CLOCK_SKEW_MS,
      claims: Object.fromEntries(Object.entries(claims).filter(([, claim]) => claim !== undefined)),
      fixed: { role, organisation, project, policy },
    };
  });
}

const DEFAULT_CLOCK_SKEW_MS = 30_000;

/** The organisations of the file. */
export function buildOrganisations(data: FileData): OrganisationConfig[] {
  return Object.entries(data.organisations ?? {}).map(([name, { policy, projects }]) => ({
    name,
    policy,
    projects: Object.entries(projects ?? {}).map(([project, { policy: own }]) => ({ name: project, policy: own })),
  }));
}
