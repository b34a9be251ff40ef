import type { OpaqueState, Origin, Part } from "../contract/index.ts";
import type { Adaptations } from "./adaptations.ts";
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

/** Where state that does not go out is told of. */
interface StateContext {
  readonly target: DialectTarget;
  readonly adaptations: Adaptations;
}

/** Notes state of a part that does not go out because somebody else made it; `formats` are those the dialect takes back. */
export function noteForeignState(
  { target, adaptations }: StateContext,
  part: Part,
  field: string,
  dialect: string,
  formats: ReadonlySet<string>,
): void {
  for (const { format, payload, origin } of part.state) {
    if (formats.has(format) && payload.case === "text" && isOrigin(origin, target, dialect)) continue;
    adaptations.addPart(`${field}.state`, undefined, notPortableTo("state", origin, target));
  }
}

/** Notes the dialect's own state on a part that callers write, which goes nowhere. On results of tools it may. */
export function noteMisplacedState(
  { target, adaptations }: StateContext,
  { kind, state }: Part,
  field: string,
  dialect: string,
): void {
  if (kind.case === "toolResult" || !state.some(({ origin }) => isOrigin(origin, target, dialect))) return;
  const reason = "STATE_NOT_PORTABLE: state goes back only on the part of the answer that it came with";
  adaptations.addPart(`${field}.state`, undefined, reason);
}

/** Why something of another origin is left out; the reason's first word is for programs. */
export function notPortableTo(what: string, origin: Origin | undefined, target: DialectTarget): string {
  const maker = origin ? `${origin.provider}/${origin.model}` : "an unknown model";
  return `STATE_NOT_PORTABLE: ${what} of ${maker} is not sent to ${target.provider}/${target.model}`;
}
