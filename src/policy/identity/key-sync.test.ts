import { describe, expect, test } from "vitest";
import { testDatabase } from "../../../test/support/services/postgres.ts";
import { ParleyError } from "../../errors/index.ts";
import { VirtualRuntime } from "../../runtime/virtual.ts";
import type { ChangeFeed } from "../../store/change-feed.ts";
import { openDatabase, type Database } from "../../store/sql/database.ts";
import { createSqlKeyStore } from "../../store/sql/key-store.ts";
import type { KeyStore } from "../../store/key-store.ts";
import { policySource } from "./compile-principal.ts";
import { draftKey, entryAbout, sharedFile } from "../../../test/support/identity.ts";
import { openIdentity, type Identity } from "./open-identity.ts";

interface Replica {
  readonly store: KeyStore;
  readonly identity: Identity;
  readonly reachable: boolean[];
}

async function replicaOn(database: Database, runtime: VirtualRuntime, feed?: ChangeFeed): Promise<Replica> {
  const store = createSqlKeyStore(database, runtime);
  const reachable: boolean[] = [];
  const identity = await openIdentity({ store, runtime, feed, onReachable: (one) => reachable.push(one) });
  identity.made.useSource(policySource([]));
  return { store, identity, reachable };
}

function lookUp({ identity }: Replica, text: string): string {
  try {
    return identity.made.authenticate(text).keyId;
  } catch (thrown) {
    if (thrown instanceof ParleyError) return thrown.message.replace("Cannot authenticate: ", "");
    throw thrown;
  }
}

/** A feed as a shared store would be: others hear of what one announces. */
function feeds(count: number): ChangeFeed[] {
  const listeners = Array.from({ length: count }, () => new Set<() => void>());
  return listeners.map((own) => ({
    announce: () => listeners.filter((one) => one !== own).forEach((one) => one.forEach((listener) => listener())),
    onChange(_topic, listener) {
      own.add(listener);
      return () => own.delete(listener);
    },
  }));
}

/** Lets real reads of the database end while virtual time stands still. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

// One after the other: two connections to a file in one process wait for each other's transactions in vain.
async function closeAll(...replicas: readonly Replica[]): Promise<void> {
  for (const { identity } of replicas) await identity.close();
}

describe("replicas on one database", () => {
  test("share the pepper, and know each other's keys, rotations and revocations within a second", async () => {
    await using file = sharedFile();
    const runtime = new VirtualRuntime();
    const [one, other] = [await replicaOn(await file.open(), runtime), await replicaOn(await file.open(), runtime)];
    const { draft, text } = draftKey(one.identity.made);
    expect(other.identity.made.digest(text)).toBe(one.identity.made.digest(text));
    const { row } = await one.store.save(draft, 0, entryAbout(draft));
    one.identity.made.take([row]);
    expect([lookUp(one, text), lookUp(other, text)]).toEqual([draft.id, expect.stringContaining("unknown")]);
    await runtime.advance(1000);
    await until(() => lookUp(other, text) === draft.id);
    await other.store.save({ ...row, revokedAtMs: runtime.nowMs() }, row.revision, entryAbout(draft, "key.revoke"));
    await runtime.advance(1000);
    await until(() => [one, other].every((replica) => lookUp(replica, text) === "the key was revoked"));
    await closeAll(one, other);
    expect(runtime.pendingTimers).toBe(0);
  });

  test("hear of a change at once where a feed tells", async () => {
    await using file = sharedFile();
    const runtime = new VirtualRuntime();
    const [here, there] = feeds(2);
    const one = await replicaOn(await file.open(), runtime, here);
    const other = await replicaOn(await file.open(), runtime, there);
    const { draft, text } = draftKey(one.identity.made);
    await one.store.save(draft, 0, entryAbout(draft));
    here!.announce("keys");
    await until(() => lookUp(other, text) === draft.id);
    await closeAll(one, other);
  });

  test("do not pass over a change that came before one of their own", async () => {
    await using file = sharedFile();
    const runtime = new VirtualRuntime();
    const [one, other] = [await replicaOn(await file.open(), runtime), await replicaOn(await file.open(), runtime)];
    const theirs = draftKey(one.identity.made);
    await other.store.save(theirs.draft, 0, entryAbout(theirs.draft));
    const own = draftKey(one.identity.made);
    one.identity.made.take([(await one.store.save(own.draft, 0, entryAbout(own.draft))).row]);
    await one.identity.refresh();
    expect([lookUp(one, theirs.text), lookUp(one, own.text)]).toEqual([theirs.draft.id, own.draft.id]);
    await closeAll(one, other);
  });

  test("keep what they know while the database is away, say so once, and catch up", async () => {
    await using file = sharedFile();
    const runtime = new VirtualRuntime();
    const store = createSqlKeyStore(await file.open(), runtime);
    let away = false;
    const reachable: boolean[] = [];
    const identity = await openIdentity({
      runtime,
      onReachable: (one) => reachable.push(one),
      store: {
        ...store,
        changedSince: (from) => (away ? Promise.reject(new Error("away")) : store.changedSince(from)),
      },
    });
    identity.made.useSource(policySource([]));
    const { draft, text } = draftKey(identity.made);
    const replica = { store, identity, reachable };
    const { row } = await store.save(draft, 0, entryAbout(draft));
    await runtime.advance(1000);
    await until(() => lookUp(replica, text) === draft.id);
    away = true;
    await store.save({ ...row, revokedAtMs: 1 }, row.revision, entryAbout(draft));
    await runtime.advance(5000);
    await until(() => reachable.length > 0);
    expect([lookUp(replica, text), reachable]).toEqual([draft.id, [false]]);
    away = false;
    await runtime.advance(1000);
    await until(() => lookUp(replica, text) === "the key was revoked");
    expect(reachable).toEqual([false, true]);
    await identity.close();
  });

  test("write when keys were used, to the minute and off the path", async () => {
    await using file = sharedFile();
    const runtime = new VirtualRuntime();
    const replica = await replicaOn(await file.open(), runtime);
    const { draft, text } = draftKey(replica.identity.made);
    replica.identity.made.take([(await replica.store.save(draft, 0, entryAbout(draft))).row]);
    for (let times = 0; times < 100; times++) lookUp(replica, text);
    const minute = Math.floor(runtime.nowMs() / 60_000) * 60_000;
    expect(replica.identity.made.row(draft.id)?.lastUsedAtMs).toBe(minute);
    await replica.identity.close();
    expect(await replica.store.changedSince(0)).toMatchObject([{ id: draft.id, lastUsedAtMs: minute, revision: 1 }]);
  });
});

test(
  "in PostgreSQL changes at once from many replicas become visible in the order of their places",
  { timeout: 60_000 },
  async () => {
    await using place = await testDatabase();
    const runtime = new VirtualRuntime();
    const databases = await Promise.all([1, 2, 3].map(() => openDatabase({ url: place.url })));
    const replicas = await Promise.all(databases.map((database) => replicaOn(database, runtime)));
    const drafts = Array.from({ length: 30 }, () => draftKey(replicas[0]!.identity.made));
    let writing = true;
    const seen: number[] = [];
    const reader = (async () => {
      while (writing)
        seen.push(...(await replicas[2]!.store.changedSince(seen.at(-1) ?? 0)).map(({ revision }) => revision));
    })();
    await Promise.all(drafts.map(({ draft }, index) => replicas[index % 2]!.store.save(draft, 0, entryAbout(draft))));
    writing = false;
    await reader;
    seen.push(...(await replicas[2]!.store.changedSince(seen.at(-1) ?? 0)).map(({ revision }) => revision));
    expect(seen).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
    const [row] = await replicas[0]!.store.changedSince(29);
    const late = [1, 2].map((which) =>
      replicas[which]!.store.save({ ...row!, name: `${which}` }, row!.revision, entryAbout(row!)),
    );
    const ends = await Promise.allSettled(late);
    expect(ends.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    await Promise.all(replicas.map(({ identity }) => identity.close()));
    await Promise.all(databases.map((database) => database.close()));
  },
);
