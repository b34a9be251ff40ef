const MAX_REPORTS = 32;
const MAX_PATH_CHARS = 128;

/** Tells of what a codec does not know: each path once per answer, and not more than 32 of them. */
export class Drift {
  readonly #report: ((path: string) => void) | undefined;
  readonly #reported = new Set<string>();

  constructor(report: ((path: string) => void) | undefined) {
    this.#report = report;
  }

  /** Something unknown at a path such as `message.usage.foo`. */
  note(path: string): void {
    const short = path.slice(0, MAX_PATH_CHARS);
    if (!this.#report || this.#reported.size >= MAX_REPORTS || this.#reported.has(short)) return;
    this.#reported.add(short);
    this.#report(short);
  }

  /** Notes the members of an object that are not among the known ones; `prefix` ends with a dot or is empty. */
  members(value: unknown, known: ReadonlySet<string>, prefix: string): void {
    if (!this.#report || typeof value !== "object" || value === null || Array.isArray(value)) return;
    for (const member of Object.keys(value)) if (!known.has(member)) this.note(prefix + member);
  }
}

/** Words of a list, for tables of known names. */
export function wordSet(list: string): ReadonlySet<string> {
  return new Set(list.split(/\s+/));
}
