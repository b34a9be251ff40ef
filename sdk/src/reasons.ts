import { ErrorReason, Fault } from "./contract.ts";

/** The gateway's reasons, for example `MODEL_NOT_FOUND`. */
export type GatewayReason = Exclude<keyof typeof ErrorReason, "UNSPECIFIED">;

/**
 * What went wrong: one of the gateway's reasons, or one of the two that only a client can know. `GATEWAY_UNREACHABLE`:
 * no answer came, or the connection broke before one did. `UNKNOWN`: the answer is not a Parley gateway's. A newer
 * gateway may send a reason that this SDK has no name for; it reads `REASON_<number>`, or as spelled where it is spelled.
 */
export type ReasonName = GatewayReason | "GATEWAY_UNREACHABLE" | "UNKNOWN" | (string & Record<never, never>);

/** Who can do something about an error: `caller`, `policy`, `operator`, `provider`, `gateway`, or `unknown`. */
export type FaultName = "caller" | "policy" | "operator" | "provider" | "gateway" | "unknown";

const reasonNames = new Map<number, string>(Object.entries(ErrorReason).map(([name, value]) => [value, name]));

const faultNames = new Map<number, FaultName>([
  [Fault.CALLER, "caller"],
  [Fault.POLICY, "policy"],
  [Fault.OPERATOR, "operator"],
  [Fault.PROVIDER, "provider"],
  [Fault.GATEWAY, "gateway"],
]);

/** The name of a reason by its number in the contract; a number from a newer gateway becomes `REASON_<number>`. */
export function reasonName(reason: ErrorReason): ReasonName {
  if (reason === ErrorReason.UNSPECIFIED) return "UNKNOWN";
  return reasonNames.get(reason) ?? `REASON_${reason}`;
}

/** A reason as REST spells it (`PROVIDER_TIMEOUT`, `provider_timeout`, `ERROR_REASON_PROVIDER_TIMEOUT`), as its name. */
export function reasonFromText(text: string): ReasonName {
  const name = text.toUpperCase().replace(/^ERROR_REASON_/, "");
  return name === "" || name === "UNSPECIFIED" ? "UNKNOWN" : name;
}

/** The name of a fault by its number in the contract. */
export function faultName(fault: Fault): FaultName {
  return faultNames.get(fault) ?? "unknown";
}

/** A fault as REST spells it (`provider`, `FAULT_PROVIDER`), as its name. */
export function faultFromText(text: string): FaultName {
  const name = text.toLowerCase().replace(/^fault_/, "");
  return [...faultNames.values()].find((known) => known === name) ?? "unknown";
}
