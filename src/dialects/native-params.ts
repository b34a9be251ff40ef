import type { ChatRequest, RawParams } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { DialectTarget } from "./dialect.ts";
import { objectMembers, type RawJson } from "./json-text.ts";

/** A field of a provider's own API that a caller has set, and where in the request. */
export interface NativeParam {
  readonly name: string;
  readonly value: RawJson;
  readonly field: string;
}

/**
 * The fields of `raw_params` that are for a target. Throws `INVALID_REQUEST` where one is modelled by the contract,
 * which has its own field for it.
 */
export function nativeParams(
  request: ChatRequest,
  target: DialectTarget,
  dialect: string,
  modelled: ReadonlySet<string>,
): NativeParam[] {
  const found: NativeParam[] = [];
  for (const [index, params] of request.rawParams.entries()) {
    if (!isFor(params, target, dialect)) continue;
    const field = `raw_params[${index}].json`;
    const members = objectMembers(params.json);
    if (!members) {
      throw new ParleyError("INVALID_REQUEST", `Cannot use ${field}: it is not the JSON text of an object`, { field });
    }
    for (const [name, value] of members) {
      if (modelled.has(name)) {
        const message = `Cannot set "${name}" through ${field}: the contract has its own field for it, use that one`;
        throw new ParleyError("INVALID_REQUEST", message, { field });
      }
      found.push({ name, value, field });
    }
  }
  return found;
}

function isFor(params: RawParams, target: DialectTarget, dialect: string): boolean {
  if (params.provider !== undefined && params.provider !== target.provider) return false;
  return params.provider === undefined ? params.dialect === dialect : (params.dialect ?? dialect) === dialect;
}
