import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ChatRequestSchema, Role, textPart } from "../contract/index.ts";
import { SeamFilter, VerifiedPrefix, continuationRequest, type Continuation, type SeamStep } from "./seam.ts";

const request = (sampling?: { maxOutputTokens?: number; stop?: string[] }) =>
  create(ChatRequestSchema, {
    model: "fast",
    messages: [{ role: Role.USER, parts: [textPart("Tell me.")] }],
    ...(sampling ? { sampling } : {}),
  });

function continued(delivered: string): Continuation {
  const continuation = continuationRequest(request(), delivered, 1);
  if (!continuation) throw new Error("expected a continuation");
  return continuation;
}

const TEXTS = [
  "Hello, wörld! How are you?",
  "a😀b👨‍👩‍👧c🇩🇪",
  "e\u0301a\u0308 \u0302o\u0323\u0302",
  "one\r\ntwo\r\n\r\nthree\r\n",
  "word  \n  next \t\n",
  " \n\n leading",
  "   \n",
  "na na na na na",
  "abcabca",
  "aaabaaab😀aab",
  "x\u00a0y\u2028z\ufeff.",
  "",
];
const SPACES = " \t\r\n\u00a0\u2028\ufeff\u0085\u001c";
const STOPS = [
  [],
  ["END"],
  ["\n\n", "\r\n\r\n"],
  ["aab", "ab"],
  ["😀"],
  [" "],
  ["e", "na n", "wörld"],
  ["\n  next \t\nand more"],
];
// Texts with a stop sequence at each place, the last one across two lines.
const STOPPED = ["END", "\n\n", "😀b"].flatMap((stop) =>
  ["a", " ", "b", "😀", "\n", "c"].map((_, at, all): [string, string[]] => [
    [...all.slice(0, at), stop, ...all.slice(at)].join(""),
    [stop],
  ]),
);
const CASES: [string, string[]][] = [
  ...TEXTS.flatMap((text) => STOPS.map((stop): [string, string[]] => [text, stop])),
  ...STOPPED,
];

/** Where an answer that says `text` ends, by looking at every prefix of it. */
function unbroken(text: string, stops: readonly string[]) {
  for (let end = 1; end <= text.length; end++) {
    const met = stops.filter((stop) => text.slice(0, end).endsWith(stop)).toSorted((a, b) => b.length - a.length)[0];
    if (met !== undefined) return { cut: end - met.length, end, stop: met };
  }
  return { cut: text.length, end: text.length + 1, stop: undefined };
}

interface Outcome {
  readonly text: string;
  readonly stop: string | undefined;
  readonly mismatch: number | undefined;
}

/** Feeds pieces of `size` code units, and looks at every state on the way: no character may be cut in two. */
function feed(
  filter: SeamFilter | VerifiedPrefix,
  delivered: string,
  said: string,
  size: number,
  metStop?: string,
): Outcome {
  let text = "";
  let isTorn = false;
  const steps: SeamStep[] = [];
  const take = (step: SeamStep): void => {
    steps.push(step);
    if (step.kind !== "mismatch") text += step.text;
    isTorn ||= text !== "" && filter instanceof SeamFilter && !(delivered + text).isWellFormed();
  };
  for (let at = 0; at < said.length; at += size) take(filter.push(said.slice(at, at + size)));
  take(filter.end(metStop));
  expect(isTorn).toBe(false);
  const last = steps.at(-1);
  return {
    text,
    stop: last?.kind === "stopped" ? last.stop : undefined,
    mismatch: last?.kind === "mismatch" ? last.offset : undefined,
  };
}

/** Breaks `text` at every place where an upstream may break, and goes on with what `say` makes of the rest. */
function forEveryBreak(
  text: string,
  stop: readonly string[],
  check: (delivered: string, expected: Outcome) => void,
): void {
  const { cut, end, stop: met } = unbroken(text, stop);
  for (let at = 0; at <= Math.min(text.length, end - 1); at++) {
    // An upstream that does not hold back what may be a stop sequence has delivered a piece of it: nobody takes it back.
    check(text.slice(0, at), { text: text.slice(at, Math.max(at, cut)), stop: met, mismatch: undefined });
  }
}

const SIZES = [1, 2, 3, 1000];

describe("delivered text and what the filter lets through are what an unbroken answer would have delivered", () => {
  test("where the target goes on from the prefill", () => {
    for (const [text, stop] of CASES) {
      forEveryBreak(text, stop, (delivered, expected) => {
        const continuation = continued(delivered);
        const said = text.slice(continuation.prefill.length);
        for (const size of SIZES) {
          const filter = new SeamFilter({ delivered, continuation, stop, repeatsPrefill: false });
          expect({ delivered, said, ...feed(filter, delivered, said, size) }).toEqual({ delivered, said, ...expected });
        }
      });
    }
  });

  test("where the target finds stop sequences itself, in what it says", () => {
    for (const [text, stop] of CASES) {
      forEveryBreak(text, stop, (delivered, expected) => {
        const continuation = continued(delivered);
        const said = text.slice(continuation.prefill.length);
        const own = unbroken(said, stop);
        const filter = new SeamFilter({ delivered, continuation, stop, repeatsPrefill: false });
        const outcome = feed(filter, delivered, said.slice(0, own.cut), 1, own.stop);
        expect({ delivered, said, ...outcome }).toEqual({ delivered, said, ...expected });
      });
    }
  });

  test("where the target repeats the prefill, and where it may but does not", () => {
    for (const [text, stop] of CASES) {
      forEveryBreak(text, stop, (delivered, expected) => {
        const continuation = continued(delivered);
        const { prefill } = continuation;
        const rest = text.slice(prefill.length);
        const sayings = rest.startsWith(prefill) ? [prefill + rest] : [prefill + rest, rest];
        for (const said of sayings) {
          for (const size of SIZES) {
            const filter = new SeamFilter({ delivered, continuation, stop, repeatsPrefill: true });
            expect({ delivered, said, ...feed(filter, delivered, said, size) }).toEqual({
              delivered,
              said,
              ...expected,
            });
          }
        }
      });
    }
  });

  test("where the target says none or a part of the white space again", () => {
    for (const text of TEXTS) {
      forEveryBreak(text, [], (delivered, expected) => {
        const continuation = continued(delivered);
        const { heldBack } = continuation;
        const rest = text.slice(delivered.length);
        if (!heldBack.isWellFormed()) return;
        for (let kept = 0; kept < heldBack.length; kept++) {
          // What goes on like the white space cannot be told from it.
          if (rest[0] === heldBack[kept]) continue;
          const said = heldBack.slice(0, kept) + rest;
          const filter = new SeamFilter({ delivered, continuation, stop: [], repeatsPrefill: false });
          expect({ said, ...feed(filter, delivered, said, 1) }).toEqual({ said, ...expected });
        }
      });
    }
  });

  test("where the target repeats a part of the prefill as its own words, up to a stop sequence", () => {
    const delivered = "abcabc";
    const options = { delivered, continuation: continued(delivered), stop: ["X"], repeatsPrefill: true };
    expect(feed(new SeamFilter(options), delivered, "a", 1)).toEqual({
      text: "a",
      stop: undefined,
      mismatch: undefined,
    });
    expect(feed(new SeamFilter(options), delivered, "a", 1, "X")).toEqual({
      text: "a",
      stop: "X",
      mismatch: undefined,
    });
    expect(new SeamFilter(options).push("no")).toEqual({ kind: "text", text: "no" });
  });

  test("whatever the texts", () => {
    const unit = fc.constantFrom("a", "b", " ", "\n", "😀", "e\u0301");
    const words = fc.array(unit, { maxLength: 14 }).map((units) => units.join(""));
    const stops = fc.array(
      fc.array(unit, { minLength: 1, maxLength: 4 }).map((units) => units.join("")),
      { maxLength: 3 },
    );
    const sizes = fc.constantFrom(...SIZES);
    fc.assert(
      fc.property(words, stops, sizes, (text, stop, size) => {
        forEveryBreak(text, stop, (delivered, expected) => {
          const continuation = continued(delivered);
          const said = text.slice(continuation.prefill.length);
          const own = unbroken(said, stop);
          const options = { delivered, continuation, stop, repeatsPrefill: false };
          expect(feed(new SeamFilter(options), delivered, said, size)).toEqual(expected);
          expect(feed(new SeamFilter(options), delivered, said.slice(0, own.cut), size, own.stop)).toEqual(expected);
        });
      }),
      { numRuns: 1500 },
    );
  });
});

describe("SeamFilter", () => {
  const filterOf = (delivered: string, stop: string[] = []): SeamFilter =>
    new SeamFilter({ delivered, continuation: continued(delivered), stop, repeatsPrefill: false });

  test("finds half of a character to go on as another one, at any place of the white space before it", () => {
    for (const said of ["x", " x", "😁".slice(1), " \ud83e\udd10"]) {
      expect({ said, ...feed(filterOf("hi \ud83d"), "", said, 1) }).toMatchObject({ said, text: "", mismatch: 3 });
    }
    expect(feed(filterOf("hi \ud83d"), "hi \ud83d", "😀!", 1)).toMatchObject({ text: "\ude00!", mismatch: undefined });
    expect(feed(filterOf("hi \ud83d"), "hi \ud83d", "", 1)).toMatchObject({ mismatch: 3 });
  });

  test("holds no more back than may begin a stop sequence, and nothing at the end", () => {
    const filter = filterOf("so", ["stop!"]);
    expect(filter.push(" it goes. st")).toEqual({ kind: "text", text: " it goes. " });
    expect(filter.push("ay s")).toEqual({ kind: "text", text: "stay " });
    expect(filter.end()).toEqual({ kind: "text", text: "s" });
  });

  test("says nothing after a stop", () => {
    const filter = filterOf("a\n", ["\n\n"]);
    expect(filter.push("\n\nb")).toEqual({ kind: "stopped", text: "", stop: "\n\n" });
    expect(filter.push("more")).toEqual({ kind: "stopped", text: "", stop: "\n\n" });
    expect(filter.end()).toEqual({ kind: "stopped", text: "", stop: "\n\n" });
  });

  test("ends by the target's own stop sequence where none that straddles the seam is complete before", () => {
    expect(feed(filterOf("n", ["na n"]), "n", "a ", 1, "na n")).toEqual({
      text: "",
      stop: "na n",
      mismatch: undefined,
    });
    expect(feed(filterOf("a\n ", ["\nx"]), "a\n ", "", 1, "\nx")).toEqual({
      text: "",
      stop: "\nx",
      mismatch: undefined,
    });
    expect(feed(filterOf("a", ["END", "bore"]), "a", "b E", 1, "END")).toMatchObject({ text: "b E", stop: "END" });
  });

  test("does not stop at what lies before the seam as a whole", () => {
    expect(feed(filterOf("a END b", ["END", "a longer one"]), "a END b", " c", 1)).toEqual({
      text: " c",
      stop: undefined,
      mismatch: undefined,
    });
  });

  test("takes time in proportion to the text, also where white space or stop sequences look alike", () => {
    const delivered = `${" ".repeat(60_000)}x${" ".repeat(5_000)}`;
    const stop = Array.from({ length: 64 }, (_, index) => `${"a".repeat(1000)}${index}`);
    const text = feed(filterOf(delivered, stop), delivered, " ".repeat(5_000) + "a".repeat(20_000), 100).text;
    expect(text).toBe("a".repeat(20_000));
  });
});

describe("continuationRequest", () => {
  test("ends with the delivered text as a prefill, and leaves the request as it was", () => {
    const original = request({ maxOutputTokens: 100, stop: ["x"] });
    const before = structuredClone(original);
    const continuation = continuationRequest(original, "The answer", 40);
    expect(original).toEqual(before);
    expect(continuation?.request.messages.slice(0, -1)).toEqual(original.messages);
    expect(continuation?.request.messages.at(-1)).toMatchObject({
      role: Role.ASSISTANT,
      prefill: true,
      parts: [{ kind: { case: "text", value: { text: "The answer" } } }],
    });
    expect(continuation?.request.sampling).toMatchObject({ maxOutputTokens: 60, stop: ["x"] });
    expect(continuation).toMatchObject({ prefill: "The answer", heldBack: "" });
  });

  test.each([
    [100, 99, 1],
    [100, 98.2, 1],
    [100, 99.1, undefined],
    [100, 100, undefined],
    [100, 140, undefined],
    [100, 0, 100],
    [undefined, 5_000, "any"],
  ])("of a limit of %s tokens, %s delivered ones leave %s", (maxOutputTokens, delivered, left) => {
    const sampling = maxOutputTokens === undefined ? {} : { maxOutputTokens };
    const continuation = continuationRequest(request(sampling), "The", delivered);
    expect(continuation && (continuation.request.sampling?.maxOutputTokens ?? "any")).toBe(left);
  });

  test("holds white space at the end back, with half a character behind it, and nothing else", () => {
    for (const text of [...TEXTS, "a\u0085\u001c", "a \ud83d", "\ud83d"]) {
      for (let at = 0; at <= text.length; at++) {
        const { prefill, heldBack } = continued(text.slice(0, at));
        expect(prefill + heldBack).toBe(text.slice(0, at));
        expect(prefill.isWellFormed()).toBe(true);
        expect(SPACES).not.toContain(prefill.at(-1) ?? "a");
        const spaces = heldBack.isWellFormed() ? heldBack : heldBack.slice(0, -1);
        for (const space of spaces) expect(SPACES).toContain(space);
      }
    }
  });

  test("adds no message where there is nothing to continue", () => {
    const original = request();
    expect(continuationRequest(original, " \n", 1)).toMatchObject({ prefill: "", heldBack: " \n" });
    expect(continuationRequest(original, " \n", 1)?.request.messages).toEqual(original.messages);
  });
});

describe("VerifiedPrefix", () => {
  test("suppresses what the caller has had, wherever it broke and however it comes", () => {
    for (const text of TEXTS) {
      for (let at = 0; at <= text.length; at++) {
        for (const size of SIZES) {
          const delivered = text.slice(0, at);
          const outcome = feed(new VerifiedPrefix(delivered), delivered, text, size);
          expect(outcome).toEqual({ text: text.slice(at), stop: undefined, mismatch: undefined });
        }
      }
    }
  });

  test("tells where the second answer differs, or that it ended before", () => {
    for (const text of TEXTS) {
      for (let at = 0; at < text.length; at++) {
        const other = `${text.slice(0, at)}#${text.slice(at + 1)}`;
        for (const size of SIZES) {
          expect(feed(new VerifiedPrefix(text), text, other, size)).toMatchObject({ text: "", mismatch: at });
          expect(feed(new VerifiedPrefix(text), text, text.slice(0, at), size)).toMatchObject({
            text: "",
            mismatch: at,
          });
        }
      }
    }
  });

  test("says nothing after a mismatch", () => {
    const prefix = new VerifiedPrefix("abc");
    expect(prefix.push("ax")).toEqual({ kind: "mismatch", offset: 1 });
    expect(prefix.push("bc and more")).toEqual({ kind: "mismatch", offset: 1 });
  });
});
