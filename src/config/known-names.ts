import type { AddressRest } from "./loose-address.ts";
import type { FixedKeyConfig } from "./config-identity.ts";
import type { ApiName, ParameterName, RouteConfig } from "./config.ts";
import type { PiiName } from "./config-policies.ts";

/** The names that configuration is checked against. The app gathers them from the parts that own them. */
export interface KnownNames {
  readonly kinds: readonly ProviderKind[];
  /** Names of the providers that the built-in sandbox is, one for each of its wire formats. */
  readonly sandboxes: readonly string[];
  /** Names that `capabilities` may declare. */
  readonly capabilities: readonly string[];
  readonly strategies: readonly RouteConfig["strategy"][];
  readonly deliveries: readonly string[];
  /** What keys may be for, and the rights that those have. */
  readonly roles: readonly FixedKeyConfig["role"][];
  readonly scopes: readonly string[];
  /** Kinds of personal data that content rules can look for. */
  readonly pii: readonly PiiName[];
  /** What is wrong with a content rule's pattern that may hold back so many characters, as the end of a sentence. */
  readonly patternProblem: (pattern: string, windowChars: number) => string | undefined;
}

/** Keys of the configuration that hold a credential. */
export type CredentialForm = "api_key" | "access_token" | "key_file" | "client";

/** What configuration has to know of a provider kind. */
export interface ProviderKind {
  /** What `kind` says, for example `openai-compatible`. */
  readonly name: string;
  /** Whether `base_url` must be given, since the kind has no address of its own. */
  readonly needsBaseUrl: boolean;
  /** Whether a credential must be given. */
  readonly needsCredential: boolean;
  /** The forms of credential that it takes. */
  readonly credentials: readonly CredentialForm[];
  /** What of the account stands in its addresses. */
  readonly parameters: readonly { readonly name: ParameterName; readonly required: boolean }[];
  /** What `api` may name besides `auto`. */
  readonly apis: readonly ApiName[];
  /** Whether its models can be listed for a probe. */
  readonly listsModels: boolean;
  /** Variables that make a provider of this kind where there is no file; the first one that is set counts. */
  readonly environment: {
    readonly apiKey: readonly string[];
    readonly baseUrl: readonly string[];
    /** The variable that names the server's address in a loose form, and what completes it. */
    readonly address?: { readonly variable: string } & AddressRest;
    /** Variables that tell of such a provider but cannot make one: setting one is told of. */
    readonly unread?: readonly string[];
  };
}
