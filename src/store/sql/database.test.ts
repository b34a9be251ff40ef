import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql, type Kysely } from "kysely";
import { describe, expect, test } from "vitest";
import { startPostgres, testDatabase } from "../../../test/support/services/postgres.ts";
import { openDatabase, type DatabaseOptions } from "./database.ts";
import { migrate, type Migration } from "./migrate.ts";
import { MIGRATIONS } from "./migrations/index.ts";

/** Each database, with what ends it. */
const PLACES: readonly [string, () => Promise<AsyncDisposable & { readonly options: DatabaseOptions }>][] = [
  [
    "SQLite",
    () => {
      const folder = mkdtempSync(join(tmpdir(), "parley-sql-"));
      const end = (): Promise<void> => Promise.resolve(rmSync(folder, { recursive: true }));
      return Promise.resolve({ options: { file: join(folder, "parley.sqlite") }, [Symbol.asyncDispose]: end });
    },
  ],
  [
    "PostgreSQL",
    async () => {
      const place = await testDatabase();
      return { options: { url: place.url }, [Symbol.asyncDispose]: () => place[Symbol.asyncDispose]() };
    },
  ],
];

describe.each(PLACES)("%s", { timeout: 60_000 }, (kind, makePlace) => {
  test("gets its tables once, however many open it at once", async () => {
    await using place = await makePlace();
    const opened = await Promise.all(
      Array.from({ length: kind === "SQLite" ? 1 : 4 }, () => openDatabase(place.options)),
    );
    opened.push(await openDatabase(place.options));
    const [database] = opened;
    const steps = await database!.run("look", (query) =>
      sql<{ name: string }>`select name from schema_steps`.execute(query),
    );
    expect(steps.rows.map(({ name }) => name)).toEqual(MIGRATIONS.map(({ name }) => name));
    await Promise.all(opened.map((one) => one.close()));
  });

  test("takes only the steps that are missing, each whole or not at all", async () => {
    await using place = await makePlace();
    const database = await openDatabase(place.options);
    const made: string[] = [];
    const step = (name: string, fails = false): Migration => ({
      name,
      async up(schema: Kysely<unknown>) {
        made.push(name);
        await schema.schema.createTable(`t_${name}`).addColumn("a", "bigint").execute();
        if (fails) throw new RangeError("made by a test");
      },
    });
    await migrate(database, [...MIGRATIONS, step("one")]);
    const failing = migrate(database, [...MIGRATIONS, step("one"), step("two", true)]);
    await expect(failing).rejects.toThrow(/^Cannot bring the tables up to date: /);
    await migrate(database, [...MIGRATIONS, step("one"), step("two")]);
    expect(made).toEqual(["one", "two", "two"]);
    await database.close();
  });

  test("is refused when a newer program made it", async () => {
    await using place = await makePlace();
    const database = await openDatabase(place.options);
    await migrate(database, [...MIGRATIONS, { name: "9999-future", up: () => Promise.resolve() }]);
    await database.close();
    await expect(openDatabase(place.options)).rejects.toThrow(
      "Cannot use the database: its step 9999-future is of a newer Parley; start that one, or use another database",
    );
  });

  test("keeps whole numbers up to 2^53", async () => {
    await using place = await makePlace();
    const database = await openDatabase(place.options);
    const row = { account: "a", bucket: 1_790_000_000_000, nano_usd: Number.MAX_SAFE_INTEGER };
    await database.run("write", (query) => query.insertInto("spend").values(row).execute());
    expect(await database.run("look", (query) => query.selectFrom("spend").selectAll().execute())).toEqual([row]);
    await database.close();
  });

  test("says what it could not do, and undoes it whole", async () => {
    await using place = await makePlace();
    const database = await openDatabase(place.options);
    const row = { account: "a", bucket: 1, nano_usd: 1 };
    const twice = database.transaction("charge the account", async (query) => {
      await query.insertInto("spend").values(row).execute();
      await query.insertInto("spend").values(row).execute();
    });
    await expect(twice).rejects.toThrow("Cannot charge the account: it is there already");
    expect(await database.run("look", (query) => query.selectFrom("spend").selectAll().execute())).toEqual([]);
    const wrong = database.run("look", (query) => sql`select nonsense from spend`.execute(query));
    await expect(wrong).rejects.toThrow(/^Cannot look: the database refuses the statement \(.+\)$/);
    await database.close();
  });
});

describe("a database that cannot be had", { timeout: 60_000 }, () => {
  test("is told without its address", async () => {
    const opening = openDatabase({ url: "postgresql://parley:hunter2@127.0.0.1:1/parley" });
    await expect(opening).rejects.toThrow(
      "Cannot open the database of PARLEY_DATABASE_URL: it does not answer (ECONNREFUSED)",
    );
    await expect(openDatabase({ url: "no address" })).rejects.toThrow(
      "Cannot open the database of PARLEY_DATABASE_URL",
    );
    await expect(openDatabase({ file: "/proc/none/parley.sqlite" })).rejects.toThrow(
      "Cannot open /proc/none/parley.sqlite: it does not answer (ENOENT)",
    );
  });

  test("that dies within a transaction ends nothing but the transaction", async () => {
    await using server = await startPostgres();
    const database = await openDatabase({ url: server.url });
    const dying = database.transaction("charge", async (query) => {
      await query.insertInto("spend").values({ account: "a", bucket: 1, nano_usd: 1 }).execute();
      await server.kill();
      // The connection's own error comes between two queries, when nobody waits for an answer.
      await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
      await query.insertInto("spend").values({ account: "a", bucket: 2, nano_usd: 1 }).execute();
    });
    await expect(dying).rejects.toThrow(/^Cannot charge: the database does not answer/);
    await server.restart();
    const rows = await database.run("look", (query) => query.selectFrom("spend").select("bucket").execute());
    expect(rows).toEqual([]);
    await database.close();
  });

  test("is typed while it is away, and used again when it is back", async () => {
    await using server = await startPostgres();
    const database = await openDatabase({ url: server.url });
    const add = (bucket: number): Promise<unknown> =>
      database.transaction("charge", (query) =>
        query.insertInto("spend").values({ account: "a", bucket, nano_usd: 1 }).execute(),
      );
    await add(1);
    await server.kill();
    await expect(add(2)).rejects.toThrow(/^Cannot charge: the database does not answer/);
    await server.restart();
    await add(3);
    const rows = await database.run("look", (query) => query.selectFrom("spend").select("bucket").execute());
    expect(rows).toEqual([{ bucket: 1 }, { bucket: 3 }]);
    await database.close();
  });

  test("does not let others read its file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "parley-sql-"));
    const database = await openDatabase({ file: join(folder, "parley.sqlite") });
    expect(statSync(join(folder, "parley.sqlite")).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "parley.sqlite-wal")).mode & 0o777).toBe(0o600);
    await database.close();
    rmSync(folder, { recursive: true });
  });
});
