import { sql, type RawBuilder } from "kysely";
import type { RequestEvent, UsageDimension, UsageFilter, UsageGroup, UsageSums, UsageStore } from "../usage-store.ts";
import type { Database } from "./database.ts";
import type { EventEntry, LedgerAttemptRow } from "./tables-ledger.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** Sums as text: a number would not hold them. */
type SumRow = Readonly<Record<keyof UsageSums, string>>;

/** The questions in SQL. */
export function createSqlUsageStore(database: Database): UsageStore {
  return {
    async groups(filter, dimensions, { after, limit }) {
      const rows = await database.run("sum up usage", async (query) => {
        const text = groupsSql(database.kind, filter, dimensions, { after, limit });
        return (await text.execute(query)).rows;
      });
      return rows.map((row) => groupOf(row, dimensions.length));
    },
    lines: (filter, after, limit) =>
      database.run("list usage", (query) =>
        query
          .selectFrom("ledger_attempts")
          .selectAll()
          .where(() => sql<boolean>`${allowed(database.kind, filter)}`)
          .$if(after !== undefined, (select) =>
            select.where(
              () =>
                sql<boolean>`(forwarded_at_ms, request_id, attempt) > (${after!.forwarded_at_ms}, ${after!.request_id}, ${after!.attempt})`,
            ),
          )
          .orderBy("forwarded_at_ms")
          .orderBy("request_id")
          .orderBy("attempt")
          .limit(limit)
          .execute(),
      ),
    request: (requestId) =>
      database.run("look up the request", async (query) => {
        const attempts = await query
          .selectFrom("ledger_attempts")
          .selectAll()
          .where("request_id", "=", requestId)
          .orderBy("attempt")
          .execute();
        const compensations = await query
          .selectFrom("ledger_compensations")
          .selectAll()
          .where("request_id", "=", requestId)
          .orderBy("at_ms")
          .orderBy("compensation_id")
          .execute();
        return { attempts, events: eventsOf(attempts), compensations };
      }),
  };
}

/** The kind of an entry that is about the request. */
const REQUEST_END = "request_ended";

// The request's own first.
function eventsOf(attempts: readonly LedgerAttemptRow[]): RequestEvent[] {
  const events = attempts.flatMap(({ request_id, attempt, replica, records }) => {
    let number = 0;
    return (JSON.parse(records) as EventEntry[]).map(([kind, at_ms, epoch, seq, writer = replica]): RequestEvent => {
      const place = { replica: writer, epoch, seq, request_id, kind, at_ms };
      return kind === REQUEST_END ? { ...place, attempt: 0, number: 1 } : { ...place, attempt, number: ++number };
    });
  });
  return events.sort((a, b) => a.attempt - b.attempt);
}

// Values are computed inside and grouped outside: PostgreSQL takes two expressions with parameters for different ones.
function groupsSql(
  kind: Database["kind"],
  filter: UsageFilter,
  dimensions: readonly UsageDimension[],
  { after, limit }: { readonly after: readonly string[] | undefined; readonly limit: number },
): RawBuilder<SumRow & Record<string, string>> {
  const names = dimensions.map((_, index) => sql.ref(`g${index}`));
  const values = dimensions.map((dimension, index) => sql`${valueOf(kind, dimension)} as ${sql.ref(`g${index}`)}`);
  const inner = sql`select ${sql.join([...values, sql`a.*`])} from ledger_attempts as a where ${allowed(kind, filter)}`;
  const list = sql.join(names);
  const behind =
    after && names.length > 0 ? sql`where (${list}) > (${sql.join(after.map((value) => sql`${value}`))})` : sql``;
  const grouped = names.length > 0 ? sql`group by ${list} order by ${list} limit ${limit}` : sql``;
  const columns = sql.join([...names, ...SUMS]);
  return sql<SumRow & Record<string, string>>`select ${columns} from (${inner}) as lines ${behind} ${grouped}`;
}

const sum = (expression: RawBuilder<unknown>, name: keyof UsageSums): RawBuilder<unknown> =>
  sql`cast(coalesce(sum(${expression}), 0) as text) as ${sql.ref(name)}`;

const count = (condition: RawBuilder<unknown>, name: keyof UsageSums): RawBuilder<unknown> =>
  sum(sql`case when ${condition} then 1 else 0 end`, name);

const SUMS: readonly RawBuilder<unknown>[] = [
  count(sql`1 = 1`, "attempts"),
  count(sql`state = 'failed'`, "failed"),
  count(sql`ended_at_ms is null`, "open"),
  sum(sql`estimated`, "estimated"),
  count(sql`ended_at_ms is not null and cost_nano_usd is null and usage <> ''`, "unpriced"),
  sum(sql`input_tokens`, "inputTokens"),
  sum(sql`output_tokens`, "outputTokens"),
  sum(sql`charged_nano_usd`, "nanoUsd"),
  sum(sql`compensated_nano_usd`, "compensatedNanoUsd"),
];

function valueOf(kind: Database["kind"], dimension: UsageDimension): RawBuilder<unknown> {
  switch (dimension) {
    case "organisation":
      return sql`organisation`;
    case "project":
      return sql`project`;
    case "key":
      return sql`key_id`;
    case "provider":
      return sql`provider`;
    case "model":
      return sql`provider || '/' || model`;
    case "requested_model":
      return sql`requested_model`;
    case "day":
      return sql`cast(forwarded_at_ms / ${sql.lit(DAY_MS)} as text)`;
    case "hour":
      return sql`cast(forwarded_at_ms / ${sql.lit(HOUR_MS)} as text)`;
    default:
      return tagOf(kind, dimension.tag);
  }
}

// A tag that an attempt does not have is empty.
function tagOf(kind: Database["kind"], name: string): RawBuilder<unknown> {
  if (kind === "postgres") return sql`coalesce(cast(tags as json) ->> cast(${name} as text), '')`;
  // Not by a path: a quote in the name cannot be written in one.
  return sql`coalesce((select value from json_each(tags) where key = ${name}), '')`;
}

function allowed(kind: Database["kind"], filter: UsageFilter): RawBuilder<unknown> {
  const conditions = [sql`forwarded_at_ms >= ${filter.sinceMs}`, sql`forwarded_at_ms < ${filter.untilMs}`];
  const lists: readonly [RawBuilder<unknown>, readonly string[]][] = [
    [sql`organisation`, filter.organisations],
    [sql`project`, filter.projects],
    [sql`key_id`, filter.keyIds],
    [sql`provider`, filter.providers],
    [sql`provider || '/' || model`, filter.models],
  ];
  for (const [column, values] of lists) {
    if (values.length > 0) conditions.push(sql`${column} in (${sql.join(values.map((value) => sql`${value}`))})`);
  }
  for (const [name, value] of Object.entries(filter.tags)) {
    conditions.push(sql`${tagOf(kind, name)} = ${value}`);
  }
  return sql.join(conditions, sql` and `);
}

function groupOf(row: SumRow & Record<string, string>, dimensions: number): UsageGroup {
  const sums = Object.fromEntries(SUM_NAMES.map((name) => [name, BigInt(row[name])])) as Record<
    keyof UsageSums,
    bigint
  >;
  return { values: Array.from({ length: dimensions }, (_, index) => row[`g${index}`] ?? ""), sums };
}

const SUM_NAMES = [
  "attempts",
  "failed",
  "open",
  "estimated",
  "unpriced",
  "inputTokens",
  "outputTokens",
  "nanoUsd",
  "compensatedNanoUsd",
] as const satisfies (keyof UsageSums)[];
