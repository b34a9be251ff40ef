import { expect, test } from "vitest";
import { blockDelta, type StreamEvent } from "../../contract/index.ts";
import { StreamSink } from "./stream-sink.ts";

const delta = (chars: number): StreamEvent => blockDelta(0, 0, { case: "text", value: "x".repeat(chars) });

test("StreamSink asks for a pause above its bound and lets go on at half of it", async () => {
  const sink = new StreamSink(1000);
  let drains = 0;
  sink.onDrain = () => (drains += 1);
  expect(sink.write([delta(300)])).toBe(true);
  expect(sink.write([delta(300)])).toBe(true);
  expect(sink.write([delta(300)])).toBe(false);
  expect(sink.write([delta(1)])).toBe(false);
  const events = sink.events(() => false);
  await events.next();
  await events.next();
  expect(drains).toBe(0);
  await events.next();
  expect(drains).toBe(0);
  await events.next();
  expect(drains).toBe(1);
  expect(sink.write([delta(1)])).toBe(true);
});

test("StreamSink hands on in order what comes before and after it is read, and ends when all is over", async () => {
  const sink = new StreamSink(1000);
  let over = false;
  sink.write([delta(1), delta(2)]);
  const seen: number[] = [];
  const reading = (async () => {
    for await (const { event } of sink.events(() => over)) {
      if (event.case === "blockDelta" && event.value.delta.case === "text") seen.push(event.value.delta.value.length);
    }
  })();
  await Promise.resolve();
  sink.write([delta(3)]);
  over = true;
  sink.wake();
  await reading;
  expect(seen).toEqual([1, 2, 3]);
});

test("StreamSink holds nothing for a reader who has left", async () => {
  const sink = new StreamSink(1000);
  const events = sink.events(() => false);
  sink.write([delta(1)]);
  await events.next();
  await events.return();
  for (let count = 0; count < 10; count++) expect(sink.write([delta(1000)])).toBe(true);
});
