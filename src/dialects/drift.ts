const MAX_REPORTS = 32;
const MAX_PATH_CHARS = 128;

/** Tells of what a codec does not know, each thing once per answer, and only the first few of them. */
export class Drift {
  readonly #report: ((path: string) => void) | undefined;
  #reported: Set<string> | undefined;

  /** Without a listener it does nothing. */
  constructor(report: ((path: string) => void) | undefined) {
    this.#report = report;
  }

  /** Notes an unknown thing, for example `stop_reason=foo`. */
  note(path: string): void {
    if (!this.#report) return;
    const reported = (this.#reported ??= new Set());
    const short = path.slice(0, MAX_PATH_CHARS);
    if (reported.size >= MAX_REPORTS || reported.has(short)) return;
    reported.add(short);
    this.#report(short);
  }

  /** Notes the members of an object that are not among the known ones. */
  members(value: unknown, known: ReadonlySet<string>, prefix: string): void {
    if (!this.#report || typeof value !== "object" || value === null || Array.isArray(value)) return;
    for (const member in value) if (!known.has(member)) this.note(prefix + member.slice(0, 64));
  }
}

/** A set of the words of a list that white space divides. */
export function wordSet(list: string): ReadonlySet<string> {
  return new Set(list.split(/\s+/).filter((word) => word !== ""));
}
