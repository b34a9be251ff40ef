import { describe, expect, test } from "vitest";
import { ParleyError, reasonName } from "../../errors/index.ts";
import { VirtualRuntime } from "../../runtime/virtual.ts";
import { policySource, type RingPolicy } from "./compile-principal.ts";
import { draftKey } from "../../../test/support/identity.ts";
import { makeKey } from "./key-format.ts";
import { MadeKeys } from "./made-keys.ts";

const policy: RingPolicy = { name: "narrow", allowModels: ["fast"] };
const row = (draft: ReturnType<typeof draftKey>["draft"], revision = 1) => ({
  ...draft,
  revision,
  lastUsedAtMs: undefined,
});

function setUp() {
  const runtime = new VirtualRuntime();
  const made = new MadeKeys(Buffer.alloc(32, 7), runtime, policySource([policy]));
  const end = (text: string): string => {
    try {
      return made.authenticate(text).name;
    } catch (thrown) {
      if (thrown instanceof ParleyError) return `${reasonName(thrown.reason)}: ${thrown.message}`;
      throw thrown;
    }
  };
  return { runtime, made, end };
}

describe("MadeKeys", () => {
  test("takes both texts of a rotated key until the overlap ends, and then the new one only", async () => {
    const { runtime, made, end } = setUp();
    const { draft, text } = draftKey(made);
    const turned = makeKey(new VirtualRuntime({ seed: 99 }), draft.id);
    const validUntilMs = runtime.nowMs() + 60_000;
    made.take([
      row({
        ...draft,
        secrets: [
          { digest: made.digest(turned), createdAtMs: 0, validUntilMs: undefined },
          { ...draft.secrets[0]!, validUntilMs },
        ],
      }),
    ]);
    expect([end(text), end(turned)]).toEqual(["ci", "ci"]);
    await runtime.advance(59_999);
    expect(end(text)).toBe("ci");
    await runtime.advance(1);
    expect([end(text), end(turned)]).toEqual([expect.stringMatching(/^UNAUTHENTICATED: .*overlap is over/), "ci"]);
  });

  test("ends an expired key to the millisecond, and tells no stranger that there was one", async () => {
    const { runtime, made, end } = setUp();
    const { draft, text } = draftKey(made, { expiresAtMs: runtime.nowMs() + 1000 });
    made.take([row(draft)]);
    await runtime.advance(999);
    expect([end(text), made.stateOf(made.row(draft.id)!)]).toEqual(["ci", "active"]);
    await runtime.advance(1);
    expect([end(text), made.stateOf(made.row(draft.id)!)]).toEqual([
      "UNAUTHENTICATED: Cannot authenticate: the key has expired",
      "expired",
    ]);
    const guess = makeKey(new VirtualRuntime({ seed: 98 }), draft.id);
    expect(end(guess)).toMatch(/the key is unknown/);
  });

  test("takes the later of two rows, in whatever order they come", () => {
    const { made, end } = setUp();
    const { draft, text } = draftKey(made);
    made.take([row({ ...draft, revokedAtMs: 5 }, 2), row(draft, 1)]);
    expect(end(text)).toMatch(/the key was revoked/);
  });

  test("refuses a key whose policy a reload took away, until it is back", () => {
    const { made, end } = setUp();
    const { draft, text } = draftKey(made, { policy: "narrow" });
    made.take([row(draft)]);
    expect(made.authenticate(text).allowsModel("slow")).toBe(false);
    made.useSource(policySource([]));
    expect([end(text), made.stateOf(made.row(draft.id)!)]).toEqual([
      expect.stringMatching(/^MISCONFIGURED: .*lacks the policy/),
      "unusable",
    ]);
    made.useSource(policySource([policy]));
    expect(end(text)).toBe("ci");
  });
});
