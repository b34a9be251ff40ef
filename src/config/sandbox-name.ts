/** The name of the built-in sandbox as a provider. */
export const SANDBOX = "sandbox";
