export { CATALOGUE, errorRow, reasonName, type ReasonName } from "./catalogue.ts";
export { ParleyError, toGatewayError, type ErrorDetails } from "./parley-error.ts";
export { forgetSecret, redact, redactRemembered, rememberSecret, shorten } from "./redact.ts";
