import { ParleyError } from "../../errors/index.ts";
import { wordSet } from "../drift.ts";
import { nativeParams, type NativeParam } from "../native-params.ts";
import { betaOfMember } from "./betas.ts";
import { DIALECT_ID, type Body, type EncodeContext } from "./encode-context.ts";

// Members of the request that the contract models, whether or not this request sets them.
const MODELLED = wordSet(`model max_tokens messages system tools tool_choice output_config output_format thinking
  stop_sequences temperature top_p top_k cache_control service_tier metadata stream anthropic_version`);

/** The member in which the vendor's own clients name features beyond the version; it goes out as a header. */
const BETAS = "betas";

/**
 * Merges the caller's own fields into the request: each replaces the member of that name, null removes it. Throws
 * `INVALID_REQUEST` where one is modelled by the contract, which has its own field for it.
 */
export function mergeRawParams({ request, target, betas }: EncodeContext, body: Body): void {
  for (const param of nativeParams(request, target, DIALECT_ID, MODELLED)) {
    const { name, value } = param;
    if (name === BETAS) for (const beta of betaNames(param)) betas.add(beta);
    else if (value.text === "null") body.delete(name);
    else {
      body.set(name, value);
      const beta = betaOfMember(name, value.text, betas);
      if (beta !== undefined) betas.add(beta);
    }
  }
}

// A name goes into a header, where nothing but names may stand.
function betaNames({ value, field }: NativeParam): readonly string[] {
  const names = JSON.parse(value.text) as unknown;
  const areNames =
    Array.isArray(names) && names.every((name) => typeof name === "string" && /^[\w-]{1,64}$/.test(name));
  if (areNames) return names as readonly string[];
  const message = `Cannot use "${BETAS}" of ${field}: it is not a list of names of letters, digits and hyphens`;
  throw new ParleyError("INVALID_REQUEST", message, { field });
}
