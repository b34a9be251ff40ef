export { CATALOGUE, errorRow, reasonName, type ReasonName } from "./catalogue.ts";
export { ParleyError, toGatewayError, type ErrorDetails } from "./parley-error.ts";
export { redact, redactRemembered, rememberSecret, shorten } from "./redact.ts";
