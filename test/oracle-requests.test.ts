import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ORACLES } from "./support/oracles/index.ts";
import type { Oracle, Wire } from "./support/oracles/oracle.ts";
import { startScriptedUpstream, type ScriptedUpstream } from "./support/scripted-upstream.ts";

// What our encoders make of each scenario goes through the typed method of the vendor's own client: what arrives at the
// vendor must be the same. A member that the client drops, renames or refuses is a mistake of ours.

const GOLDENS = join(import.meta.dirname, "goldens/requests");
const REFUSED = 418;

interface Golden {
  readonly api?: string;
  readonly url?: string;
  readonly body?: Wire;
}

interface Subject {
  readonly oracle: Oracle;
  readonly file: string;
  readonly url: URL;
  readonly body: Wire;
}

const subjects = ORACLES.flatMap((oracle) =>
  readdirSync(join(GOLDENS, oracle.goldens)).flatMap((name): Subject[] => {
    const file = `${oracle.goldens}/${name}`;
    const { api, url, body } = JSON.parse(readFileSync(join(GOLDENS, file), "utf8")) as Golden;
    // A vendor's other API is asked where the request needs it.
    const asked = ORACLES.find(({ goldens }) => goldens === `${oracle.goldens}.${api}`) ?? oracle;
    return url && body ? [{ oracle: asked, file, url: new URL(url), body }] : [];
  }),
);
let upstream: ScriptedUpstream;

beforeAll(async () => {
  upstream = await startScriptedUpstream(() => ({ status: REFUSED, body: { error: { message: "seen" } } }));
});

afterAll(() => upstream[Symbol.asyncDispose]());

describe("the vendors' clients send what our encoders make", () => {
  test.for(subjects)("$oracle.name sends $file as it is", async ({ oracle, url, body }) => {
    upstream.seen.length = 0;
    const model = /models\/([^:]+):/.exec(url.pathname)?.[1] ?? "";
    const stream = body["stream"] === true || url.pathname.includes("stream");
    const thrown = await oracle.call(upstream.url, body, { stream, model, provider: "" }).catch((error) => error);
    const seen = upstream.seen.map((request) => ({
      ...request,
      body: withoutAdditions(request.body, body, oracle.adds),
    }));
    // A request that did not arrive shows why.
    expect(seen.length > 0 ? seen : String(thrown)).toEqual([
      { method: "POST", path: url.pathname + url.search, body },
    ]);
    expect(oracle.statusOf(thrown)).toBe(REFUSED);
  });

  test("each client sends most scenarios", () => {
    const sent = ORACLES.map(({ goldens }) => [
      goldens,
      subjects.filter(({ oracle }) => oracle.goldens === goldens).length,
    ]);
    process.stdout.write(`requests through the vendors' clients: ${sent.map((one) => one.join(" ")).join(", ")}\n`);
    expect(sent.filter(([, count]) => Number(count) < 20)).toEqual([]);
  });
});

// What arrived, less what the client adds to any request.
function withoutAdditions(arrived: any, ours: any, adds: Wire): unknown {
  if (typeof arrived !== "object" || arrived === null) return arrived;
  if (Array.isArray(arrived)) return arrived.map((item, at) => withoutAdditions(item, ours?.[at], adds));
  const isAdded = (name: string): boolean =>
    ours?.[name] === undefined && name in adds && JSON.stringify(arrived[name]) === JSON.stringify(adds[name]);
  const kept = Object.keys(arrived as Wire).filter((name) => !isAdded(name));
  return Object.fromEntries(kept.map((name) => [name, withoutAdditions(arrived[name], ours?.[name], adds)]));
}
