import type { OpaqueState, Origin, Part } from "../contract/index.ts";
import type { DialectTarget } from "./dialect.ts";

// Provider state goes back to whoever made it and to nobody else: the same configured provider, wire format and model.

/** The origin of whatever a target answers in a dialect. */
export function originAt(
  target: DialectTarget,
  dialect: string,
): { readonly provider: string; readonly dialect: string; readonly model: string } {
  return { provider: target.provider, dialect, model: target.model };
}

/** Whether something of `origin` may go back to the target. */
export function isOrigin(origin: Origin | undefined, target: DialectTarget, dialect: string): boolean {
  return origin?.provider === target.provider && origin.dialect === dialect && origin.model === target.model;
}

/** The texts of a part's states in a format that may go back to the target. */
export function statesFor(
  { state }: Pick<Part, "state">,
  format: string,
  target: DialectTarget,
  dialect: string,
): readonly string[] {
  return state.flatMap((one: OpaqueState) =>
    one.format === format && one.payload.case === "text" && isOrigin(one.origin, target, dialect)
      ? [one.payload.value]
      : [],
  );
}

/** Why something of another origin is left out; the reason's first word is for programs. */
export function notPortableTo(what: string, origin: Origin | undefined, target: DialectTarget): string {
  const maker = origin ? `${origin.provider}/${origin.model}` : "an unknown model";
  return `STATE_NOT_PORTABLE: ${what} of ${maker} is not sent to ${target.provider}/${target.model}`;
}
