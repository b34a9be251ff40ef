import type * as z from "zod";
import { Modality, Support } from "../contract/index.ts";
import type { ApiName } from "./config.ts";
import type { KnownNames } from "./known-names.ts";
import { boolean, choice, duration, exactly, integer, keyFile, secret, support, text, usd } from "./scalars.ts";
import { fleetSection } from "./schema-fleet.ts";
import { constraintsValue, deliveryValue, priorityValue, routeSection, strategyValue } from "./schema-routes.ts";
import { alertsSection } from "./schema-budgets.ts";
import { policySection } from "./schema-policies.ts";
import { ratesValue, type RatesValue } from "./schema-rates.ts";
import { issuerSection } from "./schema-issuers.ts";
import { serverSection } from "./schema-server.ts";
import { eitherOf, listOf, mapOf, section } from "./section.ts";

/** Shortest and longest fixed key. */
export const KEY_LENGTH = { min: 16, max: 512 } as const;

const MODALITIES = ["text", "image", "audio", "video", "document"] as const;
const SUPPORT = {
  true: Support.NATIVE,
  false: Support.REJECTED,
  native: Support.NATIVE,
  emulated: Support.EMULATED,
  ignored: Support.IGNORED,
  rejected: Support.REJECTED,
};

/** What `api` may name besides `auto`. */
export const API_NAMES = ["chat", "responses", "messages", "generate"] as const satisfies readonly ApiName[];

/** The contract's value of a modality's name. */
export const MODALITY = {
  text: Modality.TEXT,
  image: Modality.IMAGE,
  audio: Modality.AUDIO,
  video: Modality.VIDEO,
  document: Modality.DOCUMENT,
} as const satisfies Record<(typeof MODALITIES)[number], Modality>;

/** The units that `price` may name, and what they are. */
export const PRICE_UNITS = {
  input: "Input tokens.",
  output: "Output tokens, reasoning included.",
  cache_read: "Input tokens read from the provider's cache.",
  cache_write: "Input tokens written to the provider's cache.",
  input_audio: "Audio input tokens.",
  output_audio: "Audio output tokens.",
} as const;

// Facts that hold for a whole provider or for one model of it.
function factKeys(known: KnownNames) {
  const price = section({
    input: usd(PRICE_UNITS.input),
    output: usd(PRICE_UNITS.output),
    cache_read: usd(PRICE_UNITS.cache_read).optional(),
    cache_write: usd(PRICE_UNITS.cache_write).optional(),
    input_audio: usd(PRICE_UNITS.input_audio).optional(),
    output_audio: usd(PRICE_UNITS.output_audio).optional(),
  });
  const capability = support("Whether and how it is supported.", SUPPORT).optional();
  return {
    region: text("Region that serves it, for constraints.").optional(),
    data_policy: section({
      retention: choice("Whether requests are kept.", ["none", "kept"]).optional(),
      training: boolean("Whether requests are trained on.").optional(),
    })
      .meta({
        id: "data_policy",
        description: "What the provider does with requests. What is not told is unknown, and satisfies no constraint.",
      })
      .optional(),
    price: eitherOf(
      [exactly(0, "Free of charge.", "0"), price],
      "0, or prices in USD per million tokens.",
      "0, or a map with input and output in USD per million tokens",
    )
      .meta({ id: "price" })
      .optional(),
    deterministic: boolean("Whether equal requests get equal answers.", false).optional(),
    capabilities: section(Object.fromEntries(known.capabilities.map((name) => [name, capability])))
      .meta({ id: "capabilities", description: "What it can do, where that is not in the catalogue." })
      .optional(),
  };
}

function modelsValue(facts: ReturnType<typeof factKeys>) {
  const tokens = (description: string) => integer(description, 1, 4_294_967_295).optional();
  const modalities = (description: string) =>
    listOf(choice("A modality.", MODALITIES), description, "a list of modalities").optional();
  const model = section({
    id: text("What the provider calls it. Unset: the same as its public name.").optional(),
    display_name: text("A name for people.").optional(),
    context_tokens: tokens("Tokens of input and output together."),
    max_output_tokens: tokens("Most output tokens."),
    input_modalities: modalities("What it accepts."),
    output_modalities: modalities("What it produces."),
    efforts: listOf(text("An effort."), "Reasoning efforts it accepts, least first.", "a list of efforts").optional(),
    ...facts,
  });
  return eitherOf(
    [
      choice("Every id is passed on.", ["any"]),
      listOf(text("A model's id."), "Ids of the only models served.", "a list of model ids"),
      mapOf(model, "The only models served, by public name.", "a map of models"),
    ],
    "any: every id is passed on. A list or a map: only these. Unset: the catalogue's, and any other id.",
    "any, a list of model ids, or a map from public names to facts",
  );
}

const PARAMETER = /^[A-Za-z0-9][\w.:-]{0,127}$/;

function parameter(description: string) {
  return text(description, "a word of letters, digits, dots, colons, dashes and underscores", PARAMETER).optional();
}

// The forms of a credential: check-providers.ts sees to it that there is one of them, and that the kind takes it.
function credentialKeys() {
  const bounds = { min: 1, max: 8192, spaces: false };
  const tokenUrl = "Where tokens are got. Unset: the provider's own.";
  return {
    api_key: secret('The credential, best as "${NAME}" or "${file:PATH}".', bounds).optional(),
    access_token: secret("A bearer token that somebody else keeps fresh.", bounds).optional(),
    key_file: keyFile(
      'Text of a key file, best as "${file:PATH}": of a service account, or application-default credentials.',
    ).optional(),
    client: section({
      tenant_id: text("The directory that knows the client.", "a word", PARAMETER),
      client_id: text("The client's id."),
      client_secret: secret("The client's secret.", bounds),
      token_url: text(tokenUrl, "a URL that begins with https:// (http:// on this machine only)").optional(),
    })
      .meta({ id: "client", description: "A client of the provider's directory, which gets access tokens for itself." })
      .optional(),
  };
}

function providerSection(known: KnownNames, rates: RatesValue) {
  const kinds = known.kinds.map((kind) => kind.name);
  // One instance each, which the JSON Schema then refers to from both places.
  const facts = factKeys(known);
  const credentialForms = credentialKeys();
  return section({
    kind: text(`Which kind of provider it is: ${kinds.join(", ")}.`).meta({ enum: kinds }),
    base_url: text("Base URL of its API; required by kinds without one of their own.").optional(),
    ...credentialForms,
    credentials: listOf(
      section(credentialForms),
      "A pool of credentials; a credential beside it is its short form.",
      "a list of maps with a credential",
    ).optional(),
    project: parameter("The project that is billed, in the provider's addresses. Unset: the one of key_file."),
    location: parameter("Where the provider runs the models, in its addresses."),
    api_version: parameter(
      "The dated version of the provider's API, such as 2024-10-21. Unset: the one without dates.",
    ),
    models: modelsValue(facts).optional(),
    ...facts,
    api: choice("Which of the provider's APIs to use.", ["auto", ...API_NAMES], [], "auto").optional(),
    probe: section({
      every: duration("Least time between two probes of the same.", [1_000, 3_600_000], 30_000).optional(),
      kind: choice(
        "models: list the provider's models, free of charge. chat: ask the model that has rested for a few tokens.",
        ["chat", "models"],
        [],
        "chat",
      ).optional(),
      model: text(
        "The provider's model that is asked where a credential has rested. Unset: the one that was called last.",
      ).optional(),
    })
      .meta({
        description:
          "Try out what has rested with a call of the gateway's own, so that no caller's request has to. Unset: callers' requests do.",
      })
      .optional(),
    rates: rates.optional(),
  });
}

function keySection(known: KnownNames) {
  return section(
    {
      name: text("Its name in books and logs."),
      key: secret('The key, best as "${NAME}" or "${file:PATH}".', { ...KEY_LENGTH, spaces: true }).optional(),
      certificate: section({
        common_name: text("Common name of its subject.").optional(),
        alternative_name: text(
          "One of its alternative names, such as DNS:app.example.com or URI:spiffe://…",
        ).optional(),
        sha256: text(
          "SHA-256 of the whole certificate.",
          "64 hexadecimal digits, colons allowed",
          /^(?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$/,
        ).optional(),
      })
        .describe("A client certificate in place of a key: server.tls.client_ca must have been asked for it.")
        .optional(),
      policy: text("Name of a policy. Unset: every model.").optional(),
      role: choice("What it is for: docs/keys.md.", known.roles, [], "chat").optional(),
      scopes: listOf(
        choice("A scope.", known.scopes),
        "Scopes of the role to which the key is narrowed. Unset: all of them.",
        "a list of scopes",
      ).optional(),
      organisation: text("The organisation it belongs to. Unset: the project's, or none.").optional(),
      project: text("The project it belongs to, as organisation/project.").optional(),
    },
    ["budgets", "rates", "expires"],
  );
}

function organisationSection() {
  const policy = text("Name of a policy that holds for all its keys, beside theirs.").optional();
  return section({
    policy,
    projects: mapOf(
      section({ policy }).meta({ id: "project" }),
      "Its projects, by name.",
      "a map from names to projects",
    ).optional(),
  }).meta({ id: "organisation" });
}

/** The schema of the whole file. */
export function fileSchema(known: KnownNames) {
  const constraints = constraintsValue(known);
  const rates = ratesValue();
  const route = routeSection(known, constraints);
  return section(
    {
      version: exactly(1, "Version of this format.", "1, the only version of this format"),
      server: serverSection().optional(),
      sandbox: boolean("Run the built-in sandbox as a provider named sandbox.", false).optional(),
      providers: mapOf(
        providerSection(known, rates),
        "Your accounts at providers, by a name of your choice.",
        "a map from names of your choice to providers",
      ).optional(),
      routes: mapOf(
        route,
        "Public model names, without a slash, over several targets.",
        "a map from model names to routes",
      ).optional(),
      tasks: mapOf(
        route,
        "Kinds of work that requests may name, each with targets of its own.",
        "a map from names of tasks to routes",
      ).optional(),
      defaults: section(
        {
          strategy: strategyValue(known).optional(),
          priority: priorityValue().optional(),
          delivery: deliveryValue(known).optional(),
        },
        ["on_disconnect"],
      )
        .describe("What holds where a route says nothing.")
        .optional(),
      organisations: mapOf(
        organisationSection(),
        "Whom keys belong to, by name.",
        "a map from names to organisations",
      ).optional(),
      keys: listOf(keySection(known), "Fixed keys.", "a list of keys").optional(),
      issuers: mapOf(
        issuerSection(known),
        "Whose signed tokens are taken in place of keys, by a name of your choice.",
        "a map from names to issuers",
      ).optional(),
      policies: mapOf(
        policySection(known, constraints, rates),
        "What keys may do, by name.",
        "a map from names to policies",
      ).optional(),
      fleet: fleetSection().optional(),
      observability: section({
        alerts: alertsSection().optional(),
        decisions: text("File to which routing decisions are recorded, without content, for parley replay.").optional(),
      })
        .describe("What the gateway tells of itself beyond logs and metrics.")
        .optional(),
    },
    ["cache"],
  );
}

/** The file as checked by its schema. */
export type FileData = z.output<ReturnType<typeof fileSchema>>;
/** A provider in it. */
export type ProviderData = NonNullable<FileData["providers"]>[string];
/** The section `server` of it. */
export type ServerData = NonNullable<FileData["server"]>;
