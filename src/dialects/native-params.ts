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
  return nativeObjects(request, target, dialect, objectMembers).flatMap(({ members, field }) =>
    [...members].map(([name, value]) => {
      if (modelled.has(name)) throw modelledError(name, field);
      return { name, value, field };
    }),
  );
}

/** The objects of `raw_params` that are for a target, read by `parse`. Throws `INVALID_REQUEST` where one is none. */
export function nativeObjects<T>(
  request: ChatRequest,
  target: DialectTarget,
  dialect: string,
  parse: (json: string) => T | undefined,
): { readonly members: T; readonly field: string }[] {
  return request.rawParams.flatMap((params, index) => {
    if (!isFor(params, target, dialect)) return [];
    const field = `raw_params[${index}].json`;
    const members = parse(params.json);
    if (members !== undefined) return [{ members, field }];
    throw new ParleyError("INVALID_REQUEST", `Cannot use ${field}: it is not the JSON text of an object`, { field });
  });
}

/** What is thrown where a caller sets through `raw_params` what the contract models. */
export function modelledError(name: string, field: string): ParleyError {
  const message = `Cannot set "${name}" through ${field}: the contract has its own field for it, use that one`;
  return new ParleyError("INVALID_REQUEST", message, { field });
}

function isFor(params: RawParams, target: DialectTarget, dialect: string): boolean {
  if (params.provider !== undefined && params.provider !== target.provider) return false;
  return params.provider === undefined ? params.dialect === dialect : (params.dialect ?? dialect) === dialect;
}
