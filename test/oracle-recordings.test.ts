import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ParleyError } from "../src/errors/index.ts";
import { corpusCases, type CorpusCase } from "./support/corpus.ts";
import { DIFFERENCES } from "./support/oracles/differences.ts";
import { ORACLES } from "./support/oracles/index.ts";
import { differingPaths, ourReading, type Oracle } from "./support/oracles/oracle.ts";
import { startScriptedUpstream, type ScriptedUpstream } from "./support/scripted-upstream.ts";

// The vendors' own clients read the recordings, served over loopback: our decoder has to read the same from the bytes.

const CASES = 315;

interface Subject {
  readonly oracle: Oracle;
  readonly recording: CorpusCase;
  readonly file: string;
}

const cases = corpusCases(
  ORACLES.flatMap(({ apis }) => apis),
  CASES,
);
const subjects = ORACLES.flatMap((oracle): Subject[] =>
  (cases ?? [])
    .filter(({ api }) => oracle.apis.includes(api))
    .map((recording) => ({ oracle, recording, file: recording.file })),
);
const counts = new Map(ORACLES.map(({ name }) => [name, { same: 0, different: 0 }]));
let upstream: ScriptedUpstream;
let served: CorpusCase;

beforeAll(async () => {
  upstream = await startScriptedUpstream(() => ({
    status: served.status,
    body: served.bodyText,
    stream: served.kind === "stream",
  }));
});

afterAll(async () => {
  await upstream[Symbol.asyncDispose]();
  for (const [name, { same, different }] of counts) {
    process.stdout.write(`${name}: ${same} recordings read alike, ${different} differently for a named reason\n`);
  }
});

// Where the status tells of the failure, it must be the same; inside an answer, both must fail.
const IN_THE_ANSWER = "inside the answer";

/** What the vendor's client makes of the recording. */
async function theirs({ oracle, recording }: Subject): Promise<unknown> {
  served = recording;
  const stream = recording.kind === "stream";
  const body = stream ? { ...oracle.smallestBody, stream } : oracle.smallestBody;
  try {
    return await oracle.call(upstream.url, body, { stream, model: "recorded", provider: recording.provider });
  } catch (thrown) {
    return { failed: recording.kind === "error" ? oracle.statusOf(thrown) : IN_THE_ANSWER };
  }
}

function ours({ oracle, recording }: Subject): unknown {
  const model = recording.model ?? "recorded";
  const target = { provider: recording.provider, model, region: undefined, facts: { capabilities: {}, quirks: [] } };
  try {
    return ourReading(oracle.dialect, recording, target);
  } catch (thrown) {
    if (!(thrown instanceof ParleyError)) throw thrown;
    return { failed: recording.kind === "error" ? thrown.upstream?.httpStatus : IN_THE_ANSWER };
  }
}

describe.skipIf(!cases)("the vendors' clients read recordings", () => {
  test.for(subjects)("$oracle.name reads $file as our decoder does", async (subject) => {
    const [seen, expected] = [ours(subject), await theirs(subject)];
    const difference = DIFFERENCES[subject.file];
    expect(difference ? differingPaths(seen, expected) : seen).toEqual(difference?.paths ?? expected);
    counts.get(subject.oracle.name)![difference ? "different" : "same"] += 1;
  });

  test("at most a tenth of the recordings is read differently, and each of those exists", () => {
    const files = new Set(cases?.map(({ file }) => file));
    expect(files.size).toBeGreaterThanOrEqual(CASES);
    expect(Object.keys(DIFFERENCES).filter((file) => !files.has(file))).toEqual([]);
    expect(Object.keys(DIFFERENCES).length).toBeLessThanOrEqual(files.size / 10);
  });
});
