import { expect, test } from "vitest";
import { adminDoor, chatEnd } from "./support/admin.ts";
import { startGateway } from "./support/gateway.ts";
import { testDatabase } from "./support/services/postgres.ts";

test(
  "what one replica does to keys holds on another of the same database within a second",
  { timeout: 60_000 },
  async () => {
    await using database = await testDatabase();
    const admin = "an administrator of the fleet";
    const env = { PARLEY_DATABASE_URL: database.url, PARLEY_ADMIN_KEY: admin };
    const yaml = "version: 1\nsandbox: true\n";
    const [here, there] = await Promise.all([startGateway({ yaml, env }), startGateway({ yaml, env })]);
    try {
      const door = adminDoor(here.url, admin);
      const until = async (key: string, end: RegExp): Promise<number> => {
        const since = performance.now();
        while (!end.test(await chatEnd(there.url, key))) if (performance.now() - since > 5000) break;
        return performance.now() - since;
      };
      const { key, text } = await door.keys.createKey({ name: "fleet" });
      expect(await until(text, /^200/)).toBeLessThan(1000);
      const browser = (await adminDoor(there.url, text).keys.mintBrowserKey({})).text;
      expect(await chatEnd(here.url, browser)).toBe("200");
      await door.keys.revokeKey({ id: key!.id });
      expect(await until(text, /^401/)).toBeLessThan(1000);
      expect([await chatEnd(here.url, browser), await chatEnd(there.url, browser)]).toEqual(
        Array(2).fill(expect.stringMatching(/^401/)),
      );
      expect(await adminDoor(there.url, admin).audit.verifyAuditLog({})).toMatchObject({ intact: true });
    } finally {
      await Promise.all([here.close(), there.close()]);
    }
  },
);
