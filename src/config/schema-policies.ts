import type * as z from "zod";
import type { KnownNames } from "./known-names.ts";
import { boolean, choice, integer, text } from "./scalars.ts";
import { budgetKeys } from "./schema-budgets.ts";
import { contentValue } from "./schema-content.ts";
import type { RatesValue } from "./schema-rates.ts";
import type { ConstraintsValue } from "./schema-routes.ts";
import { eitherOf, listOf, section } from "./section.ts";

const MAX_TOKENS = 4_294_967_295;

/** Service tiers that a policy may name, cheapest first. */
const COST_TIERS = ["flex", "standard", "priority"] as const;

/** What the keys of a policy may do. */
export function policySection(known: KnownNames, constraints: ConstraintsValue, rates: RatesValue) {
  const pattern = "A route or provider/model; * stands for any characters.";
  return section({
    allow_models: listOf(text(pattern), 'Models that its keys may use. Unset: ["*"].', "a list of patterns").optional(),
    deny_models: listOf(
      text(pattern),
      "Models that its keys may not use, whatever else says.",
      "a list of patterns",
    ).optional(),
    constraints: constraints.optional(),
    permit: permitSection().optional(),
    rates: rates.optional(),
    content: contentValue(known).optional(),
    allow_raw_params: boolean("The same as permit.raw_params.", true).optional(),
    ...budgetKeys(),
  });
}

function permitSection() {
  const may = (what: string) => boolean(`Whether requests may ${what}.`, true).optional();
  const most = (what: string) => integer(`${what} Unset: no limit.`, 1, MAX_TOKENS).optional();
  return section({
    reasoning: may("reason; false: models that always do are not used"),
    streaming: may("ask for the answer as a stream"),
    tools: may("bring tools, those that a provider runs included"),
    vision: may("hold images, videos or documents"),
    image_generation: may("ask for images or videos"),
    audio: may("hold or ask for sound"),
    raw_params: eitherOf(
      [
        boolean("Whether requests may carry fields of a provider's own API.", true),
        listOf(text("A field's name."), "Only these fields, by their top-level names.", "a list of names"),
      ],
      "Fields of a provider's own API that requests may carry: true, false, or top-level names.",
      "true, false or a list of names",
    ).optional(),
    cost_tier: choice(
      "The dearest service tier that requests may ask for, in whatever words of a provider. Unset: any.",
      COST_TIERS,
    ).optional(),
    max_input_tokens: most("Most tokens of input, by an upper bound of about a token per byte of text."),
    max_output_tokens: most("Most tokens of an answer; a request that names no limit gets this one."),
    max_context_tokens: most("Most tokens of input and output together."),
    required_tags: listOf(text("A tag."), "Tags that each request must have.", "a list of tags").optional(),
  }).meta({ id: "permit", description: "What requests may do. What is not named is permitted." });
}

/** A policy of the file, as checked by its schema. */
export type PolicyData = z.output<ReturnType<typeof policySection>>;
