import type { Attempt, Cost } from "../../contract/index.ts";
import { reasonName } from "../../errors/index.ts";
import { usdText } from "../answer-headers.ts";
import { originFields } from "./errors.ts";

/** What something costs. Money is a decimal text: a float would not be exact. */
export function costFields(cost: Cost | undefined): Record<string, unknown> {
  if (cost?.nanoUsd === undefined) return {};
  return {
    cost_usd: usdText(cost.nanoUsd),
    ...(cost.priceVersion === undefined ? {} : { price_version: cost.priceVersion }),
    ...(cost.estimated ? { cost_estimated: true } : {}),
  };
}

/** One attempt, as replies list them. */
export function encodeAttempt(attempt: Attempt): Record<string, unknown> {
  const { number, target, durationMs, firstContentMs, reason, message, httpStatus, cost } = attempt;
  return {
    number,
    ...originFields(target),
    duration_ms: durationMs,
    ...(firstContentMs === undefined ? {} : { first_content_ms: firstContentMs }),
    ...(reason === 0 ? {} : { reason: reasonName(reason).toLowerCase() }),
    ...(message === "" ? {} : { message }),
    ...(httpStatus === undefined ? {} : { http_status: httpStatus }),
    ...costFields(cost),
  };
}
