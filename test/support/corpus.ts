import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";

// Recordings of real provider traffic are not part of the repository. Where they are at hand, tests prove the codecs on
// them; where they are not, tests say so instead of passing in silence.

/** One recorded exchange. */
export interface CorpusCase {
  /** `provider/file.json`, for messages. */
  readonly file: string;
  readonly provider: string;
  /** Shape of the wire, for example `openai.chat`. */
  readonly api: string;
  readonly kind: "unary" | "stream" | "error";
  readonly features: readonly string[];
  readonly model: string | undefined;
  readonly request: { readonly body?: unknown } | null;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The body as text; JSON bodies are written anew from the recording. */
  readonly bodyText: string;
}

// `PARLEY_CORPUS`, else `../shared/corpus` beside the repository.
function corpusFolder(): string {
  return resolve(process.env["PARLEY_CORPUS"] ?? join(import.meta.dirname, "../../../shared/corpus"));
}

/**
 * The recorded cases of some APIs, at least `count`. Undefined where there are no recordings: it then says loudly how
 * many checks did not run.
 */
export function corpusCases(apis: readonly string[], count: number): readonly CorpusCase[] | undefined {
  const folder = corpusFolder();
  if (!existsSync(folder)) {
    const what = `${count} checks on recordings of ${apis.join(", ")}`;
    process.stderr.write(`\nNOT RUN: ${what}: ${folder} does not exist; set PARLEY_CORPUS to the recordings\n`);
    return undefined;
  }
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => readdirSync(join(folder, name)).map((file) => `${name}/${file}`))
    .filter((file) => file.endsWith(".json"))
    .toSorted()
    .map((file) => readCase(folder, file))
    .filter(({ api }) => apis.includes(api));
}

interface StoredCase {
  readonly provider: string;
  readonly api: string;
  readonly kind: CorpusCase["kind"];
  readonly features?: readonly string[];
  readonly model?: string;
  readonly request: { readonly body?: unknown } | null;
  readonly response: {
    readonly status: number | null;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: unknown;
    readonly body_text?: string;
  };
}

function readCase(folder: string, file: string): CorpusCase {
  const stored = JSON.parse(readFileSync(join(folder, file), "utf8")) as StoredCase;
  const { response } = stored;
  return {
    file,
    provider: stored.provider,
    api: stored.api,
    kind: stored.kind,
    features: stored.features ?? [],
    model: stored.model,
    request: stored.request,
    // Where only a body was kept, its kind tells the status.
    status: response.status ?? (stored.kind === "error" ? 400 : 200),
    headers: response.headers ?? {},
    bodyText: response.body_text ?? (response.body === undefined ? "" : JSON.stringify(response.body)),
  };
}
