import type { LeaseBook, LeaseRow } from "../lease-book.ts";
import type { Database } from "./database.ts";

/** The leases in the database that holds the ledger. Rejects with a `ParleyError` while it is away. */
export function createSqlLeaseBook(database: Database): LeaseBook {
  return {
    async set({ account, bucket, replica, netNanoUsd }) {
      await database.run("note the lease", (query) =>
        query
          .insertInto("lease")
          .values({ account, bucket, replica, net_nano_usd: netNanoUsd })
          .onConflict((conflict) =>
            conflict.columns(["account", "bucket", "replica"]).doUpdateSet({ net_nano_usd: netNanoUsd }),
          )
          .execute(),
      );
    },
    async leases(account, buckets) {
      if (buckets.length === 0) return [];
      const rows = await database.run("read the leases", (query) =>
        query.selectFrom("lease").selectAll().where("account", "=", account).where("bucket", "in", buckets).execute(),
      );
      return rows.map(leaseOf);
    },
    async ofReplica(replica) {
      const rows = await database.run("read the leases", (query) =>
        query.selectFrom("lease").selectAll().where("replica", "=", replica).execute(),
      );
      return rows.map(leaseOf);
    },
  };
}

function leaseOf(row: {
  readonly account: string;
  readonly bucket: number;
  readonly replica: string;
  readonly net_nano_usd: number;
}): LeaseRow {
  return { account: row.account, bucket: row.bucket, replica: row.replica, netNanoUsd: row.net_nano_usd };
}
