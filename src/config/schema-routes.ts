import type * as z from "zod";
import type { KnownNames } from "./known-names.ts";
import { boolean, choice, duration, figure, text, usd } from "./scalars.ts";
import { eitherOf, listOf, section } from "./section.ts";

const STRATEGIES = ["ordered", "weighted", "cheapest", "fastest", "balanced"];
const DELIVERIES = ["commit", "auto", "restartable", "hold"];

/** How long a conversation stays with its target where affinity is set without a time of its own. */
const USUAL_CACHE_MS = 300_000;
const DAY_MS = 86_400_000;

/** A route, or a task: targets and how to choose among them. */
export function routeSection(known: KnownNames, constraints: ConstraintsValue) {
  const target = section({
    target: text("provider/model"),
    weight: figure("Its share under the strategy weighted, in proportion to the others'.", 0, 1_000_000, 1).optional(),
    quality: figure("How good its answers are, for the strategy balanced: 0 to 1.", 0, 1).optional(),
    canary: figure("On trial: the percentage of requests that go there first; else it is the last.", 0, 100).optional(),
    shadow: figure(
      "It serves nobody: the percentage of requests of which it gets a copy, whose answer is thrown away.",
      0,
      100,
    ).optional(),
  });
  return section(
    {
      targets: listOf(
        eitherOf([text("provider/model"), target], "A target: provider/model.", 'a target such as "provider/model"'),
        "Where a request may go, in order.",
        "a list of targets",
      ),
      strategy: strategyValue(known).optional(),
      priority: priorityValue().optional(),
      delivery: deliveryValue(known).optional(),
      on_refusal: choice(
        "Whether a refusal by a provider's content filter is the answer, or another target may answer.",
        ["answer", "next_target"],
        [],
        "answer",
      ).optional(),
      weights: weightsValue().optional(),
      affinity: duration(
        "How long a conversation stays with the target that holds its prompt cache. Unset: it does not.",
        [1_000, DAY_MS],
        USUAL_CACHE_MS,
      ).optional(),
      hedge: hedgeValue().optional(),
      constraints: constraints.optional(),
    },
    ["budgets"],
  ).meta({ id: "route" });
}

function hedgeValue() {
  const longest = 120_000;
  return section({
    after: eitherOf(
      [
        choice("The 95th percentile of its time to first content of late.", ["p95"]),
        duration("A time of its own.", [1, longest], 800),
      ],
      "How long the first target may have no content before another one is asked as well.",
      "p95, or a duration with its unit from 1ms to 2m, such as 800ms",
    ),
    max_percent: figure("Most of the route's requests that two targets are asked, in per cent.", 0, 100, 5).optional(),
  }).meta({
    description:
      "Ask a second target where the first has no content in time; the first content wins and the other call is cancelled. Both are billed. Unset: never.",
  });
}

function weightsValue() {
  return section({
    cost: figure("How much the cost of the request counts.", 0, 1_000_000, 1).optional(),
    latency: figure("How much the tail of the time to first content counts.", 0, 1_000_000, 1).optional(),
    quality: figure("How much the configured quality counts.", 0, 1_000_000, 1).optional(),
  }).meta({ description: "What the strategy balanced weighs; only the proportions matter." });
}

/** What every target must satisfy, as routes, tasks and policies say it. */
export function constraintsValue(known: KnownNames) {
  const providers = (description: string) =>
    listOf(text("A configured provider."), description, "a list of configured providers").optional();
  return section({
    allow_providers: providers("Only these providers."),
    deny_providers: providers("Never these providers."),
    regions: listOf(text("A region."), "Only targets in one of these regions.", "a list of regions").optional(),
    zero_retention: boolean("Only targets that keep nothing of a request.", false).optional(),
    no_training: boolean("Only targets that do not train on requests.", false).optional(),
    max_price: section({
      input: usd("Highest price of input tokens.").optional(),
      output: usd("Highest price of output tokens.").optional(),
    })
      .meta({ description: "Only targets whose prices are known and not higher." })
      .optional(),
    max_first_content_p95: duration(
      "Only targets whose time to first content had no longer 95th percentile of late.",
      [1, DAY_MS],
      2_000,
    ).optional(),
    required_capabilities: listOf(
      choice("A capability.", known.capabilities),
      "Only targets that surely have these capabilities.",
      "a list of capabilities",
    ).optional(),
    require_parameters: boolean("Whether advisory fields of requests become binding.", false).optional(),
  }).meta({
    id: "constraints",
    description: "What every target must satisfy, for every request. A fact that is unknown satisfies nothing.",
  });
}

/** How targets are ranked. */
export function strategyValue(known: KnownNames) {
  const later = STRATEGIES.filter((name) => !known.strategies.some((one) => one === name));
  return choice("How targets are ranked.", known.strategies, later, known.strategies[0]);
}

/** How urgent requests are that do not say so. */
export function priorityValue() {
  return choice(
    "interactive: somebody waits. batch: cheaper and idler targets go first while others are slower than usual.",
    ["interactive", "batch"],
    [],
    "interactive",
  );
}

/** What happens when an upstream breaks after content. */
export function deliveryValue(known: KnownNames) {
  const later = DELIVERIES.filter((name) => !known.deliveries.includes(name));
  return choice("What happens when an upstream breaks after content.", known.deliveries, later, known.deliveries[0]);
}

/** A route of the file, as checked by its schema. */
export type RouteData = z.output<ReturnType<typeof routeSection>>;
/** The one instance of the constraints' schema, to which the JSON Schema refers from everywhere. */
export type ConstraintsValue = ReturnType<typeof constraintsValue>;
