import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Role } from "../src/contract/index.ts";
import { CATALOGUE } from "../src/errors/index.ts";
import { doorsOf, type Door, type Outcome } from "./support/doors.ts";
import { startGateway, type TestGateway } from "./support/gateway.ts";
import { Dice, seedOf } from "./support/mutants/dice.ts";
import { mutate, type Mutant } from "./support/mutants/mutate.ts";
import { startMutantServer, type MutantServer } from "./support/mutants/mutant-server.ts";
import { OWN_ANSWERS } from "./support/mutants/own-answers.ts";
import { expectGoodEnds, runMutants } from "./support/mutants/run.ts";
import { mutantSources } from "./support/mutants/sources.ts";
import { FOREIGN_REASONS, tryMutant } from "./support/mutants/trial.ts";

// Whatever bytes a provider sends, the caller gets one honest end. The seed is fixed here, so that a change shows what it
// breaks and nothing else; the slow test plays others. A defect names its mutant, which can be tried on its own:
// node test/support/mutants/child.ts 1 SEED NUMBER
const SEED = Number(process.env["PARLEY_MUTANT_SEED"] ?? 1);
const MANY = 2_000;
const OVER_HTTP = 300;
const AT_ONCE = 12;
const PATIENCE = { timeout: 60_000 };

test.each(OWN_ANSWERS)("what no mutation has touched is read: $name", async (source) => {
  const { end, defects } = await tryMutant({ ...source, source, changes: [] }, 1);
  expect(defects).toEqual([]);
  expect(end === "completed").toBe(source.status === 200);
  const cut = await tryMutant(
    { ...source, body: source.body.subarray(0, source.body.length / 2), source, changes: [] },
    1,
  );
  expect(cut).toEqual({ end: expect.not.stringMatching("completed"), defects: [] });
});

const PROVIDERS = `version: 1
sandbox: true
server:
  timeouts: { first_content: 400ms, reasoning_first_content: 400ms, progress: 400ms, total: 1500ms }
providers:
`;
const KINDS: Readonly<Record<string, string>> = {
  "openai-chat": "openai-compatible",
  "openai-responses": "openai, api: responses",
  "anthropic-messages": "anthropic",
  "gemini-generate": "gemini",
};

describe.concurrent("malformed answers", () => {
  let gateway: TestGateway;
  let server: MutantServer;
  const mutants: Mutant[] = [];

  beforeAll(async () => {
    const { sources } = mutantSources();
    for (let index = 0; index < OVER_HTTP; index++) {
      const dice = new Dice(seedOf(SEED + 1, index));
      const source = dice.pick(sources);
      const siblings = sources.filter(({ dialect }) => dialect === source.dialect);
      mutants.push(mutate(source, siblings, dice));
    }
    server = await startMutantServer(mutants);
    const providers = Object.entries(KINDS).map(
      ([dialect, kind]) =>
        `  ${dialect}: { kind: ${kind}, base_url: "${server.url}", api_key: a-key-of-a-provider, models: any }\n`,
    );
    gateway = await startGateway({ yaml: PROVIDERS + providers.join("") });
  });

  afterAll(async () => {
    await gateway.close();
    await server.close();
  });

  const askNumber = async (index: number, doors: readonly Door[]): Promise<string[]> => {
    const { source, changes, stream } = mutants[index]!;
    const fitting = doors.filter((door) => door.stream === stream);
    const door = fitting[index % fitting.length]!;
    const problem = problemOf(await door.ask({ ...QUESTION, model: `${source.dialect}/mutant-${index}` }));
    return problem === undefined ? [] : [`${door.name}, ${source.name} (${changes.join(", ")}): ${problem}`];
  };

  test(`${MANY} of them end once each, typed, and leave no memory behind`, PATIENCE, async () => {
    expectGoodEnds(await runMutants(MANY, SEED), MANY);
  });

  test(`${OVER_HTTP} of them end so over HTTP and through every door, and the gateway lives on`, PATIENCE, async () => {
    const doors = doorsOf(gateway.url, gateway.adminKey);
    const problems: string[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < mutants.length) problems.push(...(await askNumber(next++, doors)));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    expect(problems).toEqual([]);
    for (const door of doors) {
      expect((await door.ask({ ...QUESTION, model: "sandbox/echo" })).text).toBe("hi");
      door.close();
    }
  });
});

const QUESTION = {
  messages: [{ role: Role.USER, parts: [{ kind: { case: "text" as const, value: { text: "hi" } } }] }],
};

function problemOf({ end, terminals }: Outcome): string | undefined {
  if (terminals !== 1) return `${terminals} terminals`;
  if (end === "completed") return undefined;
  return Object.hasOwn(CATALOGUE, end) && !FOREIGN_REASONS.has(end) ? undefined : end;
}
