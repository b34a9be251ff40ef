import type { Kysely } from "kysely";
import type { Migration } from "../migrate.ts";

/** What keeps leases true where writes come late and counters are left behind. */
export const leases: Migration = {
  name: "0003-leases",
  async up({ schema }: Kysely<unknown>) {
    for (const column of ["operation", "changed_at_ms"]) {
      await schema
        .alterTable("lease")
        .addColumn(column, "bigint", (definition) => definition.notNull().defaultTo(0))
        .execute();
    }
    await schema
      .createTable("lease_generation")
      .addColumn("account", "text", (column) => column.primaryKey())
      .addColumn("generation", "bigint", (column) => column.notNull())
      .execute();
    await schema
      .createTable("spend_of_replica")
      .addColumn("account", "text", (column) => column.notNull())
      .addColumn("bucket", "bigint", (column) => column.notNull())
      .addColumn("replica", "text", (column) => column.notNull())
      .addColumn("nano_usd", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("spend_of_replica_pk", ["account", "bucket", "replica"])
      .execute();
  },
};
