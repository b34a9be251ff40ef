import { z } from "zod";
import { CAPABILITIES } from "./facts.ts";

/** Kinds of content as data files name them. */
const MODALITY_WORDS = ["text", "image", "audio", "video", "document"] as const;

/** Units whose prices are per million tokens; every other unit is a meter, priced per thousand. */
export const TOKEN_UNITS = [
  "input",
  "cache_read",
  "cache_write",
  "output",
  "reasoning",
  "input_audio",
  "output_audio",
  "input_image",
  "output_image",
  "input_video",
] as const;

const isoDate = z.iso.date();
const tokens = z.int().positive().max(4_294_967_295);
const nanoUsd = z.int().nonnegative();
const capability = z.enum(CAPABILITIES);
const modality = z.enum(MODALITY_WORDS);

// Prices by unit, under their conditions: { "above_input_tokens": 272000, "nano_usd": { "input": 5000000000 } }.
const priceGroup = z.strictObject({
  above_input_tokens: tokens.optional(),
  service_tier: z.string().min(1).max(64).optional(),
  ttl_seconds: tokens.optional(),
  /** Per million tokens, or per thousand of a meter's unit. */
  nano_usd: z.record(z.string().min(1), nanoUsd),
});

// `has` is native, `lacks` is rejected with an error, `ignores` is accepted without effect.
const abilities = {
  has: z.array(capability).optional(),
  lacks: z.array(capability).optional(),
  ignores: z.array(capability).optional(),
};

const model = z.strictObject({
  /** For people. */
  name: z.string().min(1).max(128).optional(),
  /** A profile of the file, over which everything else of the model is laid. */
  profile: z.string().optional(),
  ...abilities,
  /** Yes and no as a refresh found them; `has`, `lacks` and `ignores` are written by hand and win. */
  flags: z
    .strictObject({
      tools: z.boolean().optional(),
      reasoning: z.boolean().optional(),
      temperature: z.boolean().optional(),
      structured_output: z.boolean().optional(),
    })
    .optional(),
  input: z.array(modality).nonempty().optional(),
  output: z.array(modality).nonempty().optional(),
  context_tokens: tokens.optional(),
  max_output_tokens: tokens.optional(),
  /** Least first. */
  efforts: z.array(z.string().min(1)).nonempty().optional(),
  prices: z.array(priceGroup).nonempty().optional(),
  lifecycle: z.enum(["preview", "active", "deprecated", "retired"]).optional(),
  retires_on: isoDate.optional(),
  /** Upstream APIs that serve it, where not all do. */
  apis: z
    .array(z.enum(["chat", "responses"]))
    .nonempty()
    .optional(),
});

/** A data file: the models of one kind of provider, as of a date. */
export const catalogFileSchema = z
  .strictObject({
    /** Name of the provider entry it belongs to. */
    kind: z.string().regex(/^[a-z0-9-]+$/),
    /** When its figures were collected. */
    date: isoDate,
    /** Where they can be checked. */
    sources: z.array(z.string().min(1)).nonempty(),
    /** How a models.dev-shaped list names the provider, or its parts; absent: it is not refreshed. */
    imported_as: z.union([z.string().min(1), z.array(z.string().min(1)).nonempty()]).optional(),
    /** Ids that a refresh leaves out, with `*` for anything but a slash. */
    not_imported: z.array(z.string().min(1)).optional(),
    /** Ids whose price of zero in a list is a price; elsewhere it stands for one that nobody entered. */
    free: z.array(z.string().min(1)).optional(),
    /** Whether a model whose reasoning can be switched off gets the effort `none` in a refresh. */
    switch_is_effort: z.boolean().optional(),
    /** What follows this sign in an id sets something and is no part of the model's name. */
    suffix_sign: z.string().length(1).optional(),
    data_policy: z.strictObject({ retains: z.boolean().optional(), trains: z.boolean().optional() }).optional(),
    profiles: z.record(z.string(), z.strictObject(abilities)).optional(),
    models: z.record(z.string().min(1).max(256), model),
    /** What holds for every id that is not listed; absent: nothing is known of those. */
    unlisted: model.optional(),
  })
  .superRefine((file, context) => {
    const profiles = new Set(Object.keys(file.profiles ?? {}));
    for (const [id, { profile }] of [...Object.entries(file.models), ["unlisted", file.unlisted ?? {}] as const]) {
      if (profile === undefined || profiles.has(profile)) continue;
      context.addIssue({ code: "custom", path: ["models", id, "profile"], message: `no profile ${profile}` });
    }
  });

/** What a data file holds. */
export type CatalogFile = z.infer<typeof catalogFileSchema>;

/** One model of a data file. */
export type CatalogModel = z.infer<typeof model>;
