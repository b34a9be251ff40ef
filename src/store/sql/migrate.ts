import { sql, type Kysely } from "kysely";
import { ParleyError } from "../../errors/index.ts";
import type { Database } from "./database.ts";
import { MIGRATIONS } from "./migrations/index.ts";

/** One step of the schema, the same in both databases. */
export interface Migration {
  /** Unique, and never changed once it was published. */
  readonly name: string;
  /** Runs in one transaction with its entry in the list of steps taken. */
  up(schema: Kysely<unknown>, kind: Database["kind"]): Promise<void>;
}

// Any number that no other program is likely to lock: "parley" in hexadecimal.
const LOCK = 0x7061726c6579;

/** What the steps taken are kept in. */
interface MigrationTables {
  readonly schema_steps: { readonly position: number; readonly name: string };
}

/**
 * Takes the steps that are missing, all or none, one process at a time. Throws `MISCONFIGURED` where the database knows a
 * step that this program does not: it was made by a newer one.
 */
export async function migrate(database: Database, steps: readonly Migration[] = MIGRATIONS): Promise<void> {
  await database.transaction("bring the tables up to date", async (transaction) => {
    const query = transaction as unknown as Kysely<MigrationTables>;
    if (database.kind === "postgres") await sql`select pg_advisory_xact_lock(${LOCK})`.execute(query);
    await query.schema
      .createTable("schema_steps")
      .ifNotExists()
      .addColumn("position", "integer", (column) => column.primaryKey())
      .addColumn("name", "text", (column) => column.notNull().unique())
      .execute();
    const taken = await query.selectFrom("schema_steps").select(["position", "name"]).orderBy("position").execute();
    refuseNewer(taken, steps);
    let position = taken.at(-1)?.position ?? 0;
    for (const step of steps) {
      if (taken.some(({ name }) => name === step.name)) continue;
      await step.up(query as unknown as Kysely<unknown>, database.kind);
      position += 1;
      await query.insertInto("schema_steps").values({ position, name: step.name }).execute();
    }
  });
}

function refuseNewer(taken: readonly { readonly name: string }[], steps: readonly Migration[]): void {
  const unknown = taken.find(({ name }) => !steps.some((step) => step.name === name));
  if (!unknown) return;
  throw new ParleyError(
    "MISCONFIGURED",
    `Cannot use the database: its step ${unknown.name} is of a newer Parley; start that one, or use another database`,
  );
}
