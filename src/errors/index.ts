export { CATALOGUE, errorRow, reasonName, type ErrorRow, type ReasonName } from "./catalogue.ts";
export { ParleyError, toGatewayError, type ErrorContext, type ErrorDetails } from "./parley-error.ts";
export { redact, shorten } from "./redact.ts";
