import fc from "fast-check";
import { expect, test } from "vitest";
import { SwapList, type Listed } from "./swap-list.ts";

test("SwapList holds what a set would hold, whatever comes and goes", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(9))), (steps) => {
      const all: Listed[] = Array.from({ length: 10 }, () => ({ place: -1 }));
      const list = new SwapList<Listed>();
      const set = new Set<Listed>();
      for (const [adds, index] of steps) {
        const item = all[index]!;
        if (!adds) list.delete(item);
        else if (!set.has(item)) list.add(item);
        if (adds) set.add(item);
        else set.delete(item);
        expect(list.size).toBe(set.size);
        expect(new Set(list.items())).toEqual(set);
      }
    }),
  );
});
