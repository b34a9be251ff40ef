import type * as z from "zod";
import { choice, integer, text } from "./scalars.ts";
import { listOf, section } from "./section.ts";

/** What `per` may name, in milliseconds. */
export const PER_MS = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

const UNITS = Object.keys(PER_MS) as (keyof typeof PER_MS)[];
const MOST = 1_000_000_000_000;

/** Limits on how fast requests may come; check-policies.ts sees to it that each says exactly one thing. */
export function ratesValue() {
  const rate = section({
    requests: integer("Most requests in any window of this length.", 1, MOST).optional(),
    tokens: integer("Most tokens, input and output together, in any window of this length.", 1, MOST).optional(),
    concurrency: integer("Most requests at once.", 1, MOST).optional(),
    per: choice("Length of the window, with requests or tokens.", UNITS).optional(),
    models: listOf(
      text("provider/model; * stands for any characters."),
      "Only attempts at these count. Unset: every request does.",
      "a list of patterns",
    ).optional(),
  }).meta({
    id: "rate",
    description: "One limit: requests or tokens per second, minute, hour or day, or concurrency.",
  });
  return listOf(rate, "How fast requests may come; all of them hold.", "a list of limits");
}

/** The one instance of the limits' schema, to which the JSON Schema refers from everywhere. */
export type RatesValue = ReturnType<typeof ratesValue>;
/** A list of limits of the file, as checked by its schema. */
export type RatesData = z.output<RatesValue>;
