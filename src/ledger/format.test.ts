import { crc32 } from "node:zlib";
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { attemptEnded, checkpoint, compensated, forwarded, requestEnded } from "../../test/support/ledger.ts";
import { CostSchema, Modality, UsageSchema, UsageSource } from "../contract/index.ts";
import { decodeLine, encodeLine } from "./format.ts";
import type { LedgerRecord } from "./records.ts";

const at = { epoch: 3, seq: 17 };
const decode = (line: string) => decodeLine(Buffer.from(line.slice(0, -1)));

const wholeUsage = create(UsageSchema, {
  inputTokens: 1,
  cacheReadTokens: 2,
  cacheWrites: [{ ttlSeconds: 300, tokens: 3 }, { tokens: 4 }],
  toolPromptTokens: 5,
  outputTokens: 6,
  reasoningTokens: 7,
  inputModalities: [{ modality: Modality.IMAGE, tokens: 8 }],
  outputModalities: [{ modality: Modality.AUDIO, tokens: 9 }],
  acceptedPredictionTokens: 10,
  rejectedPredictionTokens: 11,
  meters: [{ unit: "audio_seconds", quantity: 12.5 }],
  source: UsageSource.PARTIAL,
  reportedTotalTokens: 4_294_967_295,
  balanced: true,
});

const RECORDS: readonly (readonly [string, LedgerRecord])[] = [
  ["a forward", forwarded('r"\n\u2028', 1, { tags: { ключ: "значение", __proto__x: "y" } })],
  ["an end with every figure", attemptEnded("r", 1, { usage: wholeUsage })],
  ["an end with no figure", attemptEnded("r", 1, { usage: create(UsageSchema), cost: create(CostSchema) })],
  [
    "a cost beyond 2^53",
    attemptEnded("r", 1, { cost: create(CostSchema, { nanoUsd: 9_223_372_036_854_775_807n, estimated: true }) }),
  ],
  ["a hold", forwarded("r", 1, { hold: { nanoUsd: 5, buckets: [{ account: "key:a|rolling_24h", bucket: 497_222 }] } })],
  ["a checkpoint", checkpoint("r", 2, { usage: wholeUsage })],
  ["a checkpoint without a price", checkpoint("r", 2, { cost: undefined })],
  ["a correction", compensated("r", 2, { deltaNanoUsd: -Number.MAX_SAFE_INTEGER, reason: 'a "bill"\n' })],
  ["an end of a request", requestEnded("r", { state: "failed", reason: "cancelled" })],
];

describe("a line of the journal", () => {
  test.each(RECORDS)("brings back %s", (_, record) => {
    const line = encodeLine(at, record);
    expect(line.indexOf("\n")).toBe(line.length - 1);
    expect(decode(line)).toEqual({ ...at, content: record });
  });

  test("is JSON with version, place and checksum, and money as text", () => {
    const json = JSON.parse(encodeLine(at, attemptEnded("r"))) as Record<string, unknown>;
    expect(json).toMatchObject({
      v: 2,
      epoch: 3,
      seq: 17,
      kind: "attempt_ended",
      usage: { input: 100, output: 20, source: "reported", balanced: true },
      cost: { nano_usd: "65000", prices: "2026-07-24" },
    });
    expect(Object.keys(json).at(-1)).toBe("crc");
    expect(json["crc"]).toMatch(/^[0-9a-f]{8}$/);
  });

  test("is read as the first version wrote it", () => {
    const body =
      '{"v":1,"epoch":3,"seq":17,"kind":"request_ended","request":"r","state":"completed","ended_ms":5,"attempts":1';
    const line = Buffer.from(`${body},"crc":"${crc32(body).toString(16).padStart(8, "0")}"}`);
    expect(decodeLine(line)).toEqual({ ...at, content: requestEnded("r", { endedAtMs: 5 }) });
  });

  test("keeps times in whole milliseconds", () => {
    const { content } = decode(encodeLine(at, attemptEnded("r", 1, { firstContentMs: 15.605068000000301 })))!;
    expect(content).toMatchObject({ firstContentMs: 16 });
  });

  test("is not read when any byte of it is changed or any part of its end is missing", () => {
    const bytes = Buffer.from(encodeLine(at, forwarded("r")).slice(0, -1));
    expect(decodeLine(bytes)).toBeDefined();
    const read: string[] = [];
    for (let index = 0; index < bytes.length; index++) {
      const changed = Buffer.from(bytes);
      changed[index] = changed[index]! ^ 0x01;
      if (decodeLine(changed)) read.push(`byte ${index}`);
      if (decodeLine(bytes.subarray(0, index))) read.push(`cut at ${index}`);
    }
    expect(read).toEqual([]);
  });
});
