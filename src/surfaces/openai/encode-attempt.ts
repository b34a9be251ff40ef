import type { Attempt, Cost } from "../../contract/index.ts";
import { reasonName } from "../../errors/index.ts";
import { usdText } from "../answer-headers.ts";
import { addOrigin } from "./errors.ts";

/** Says what something costs. Money is a decimal text: a float would not be exact. */
export function addCost(fields: Record<string, unknown>, cost: Cost | undefined): void {
  if (cost?.nanoUsd === undefined) return;
  fields["cost_usd"] = usdText(cost.nanoUsd);
  if (cost.priceVersion !== undefined) fields["price_version"] = cost.priceVersion;
  if (cost.estimated) fields["cost_estimated"] = true;
}

/** One attempt, as replies list them. */
export function encodeAttempt(attempt: Attempt): Record<string, unknown> {
  const { number, target, durationMs, firstContentMs, reason, message, httpStatus, cost } = attempt;
  const fields: Record<string, unknown> = { number };
  addOrigin(fields, target);
  fields["duration_ms"] = durationMs;
  if (firstContentMs !== undefined) fields["first_content_ms"] = firstContentMs;
  if (reason !== 0) fields["reason"] = reasonName(reason).toLowerCase();
  if (message !== "") fields["message"] = message;
  if (httpStatus !== undefined) fields["http_status"] = httpStatus;
  addCost(fields, cost);
  return fields;
}
