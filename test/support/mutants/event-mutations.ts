import { eventsOf, isStream, streamOf, type Mutation } from "./answer.ts";
import type { Dice } from "./dice.ts";

// Mutations of a stream's events: which there are, and in which order.

type Change = (events: string[], dice: Dice, foreign: readonly string[]) => void;

const ODD_EVENTS = [
  "data: [DONE]",
  ": comment",
  "data:",
  "event: ping",
  "id: 7\nretry: 0",
  "data: {}",
  "data: null",
  "data: 7",
  'data: "text"',
  "data: []",
  "data: <html>",
  "data: {",
  "event: error\ndata: oops",
  "\ufeffdata: {}",
  'data: {"error":{"message":"no","type":"server_error","code":500}}',
  'data: {"type":"error","error":{"type":"overloaded_error","message":"no"}}',
  'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"no"}}',
  'data: {"error":null}',
  'data: {"error":"no"}',
  "event: message\ndata: x\ndata: y",
];

const CHANGES: Readonly<Record<string, Change>> = {
  dropped: (events, dice) => void events.splice(dice.below(events.length), 1 + dice.below(3)),
  "without the last": (events, dice) => void events.splice(-1 - dice.below(3)),
  "without the first": (events, dice) => void events.splice(0, 1 + dice.below(2)),
  doubled: (events, dice) => {
    const at = dice.below(events.length);
    events.splice(at, 0, ...events.slice(at, at + 1 + dice.below(3)));
  },
  swapped: (events, dice) => {
    const [a, b] = [dice.below(events.length), dice.below(events.length)];
    [events[a], events[b]] = [events[b] ?? "", events[a] ?? ""];
  },
  shuffled: (events, dice) => {
    for (let at = events.length - 1; at > 0; at--) {
      const other = dice.below(at + 1);
      [events[at], events[other]] = [events[other] ?? "", events[at] ?? ""];
    }
  },
  reversed: (events) => void events.reverse(),
  "twice over": (events) => void events.push(...events),
  "the last one first": (events) => void events.unshift(events.pop() ?? ""),
  "with an odd one": (events, dice) => void events.splice(dice.below(events.length + 1), 0, dice.pick(ODD_EVENTS)),
  "with one of another answer": (events, dice, foreign) =>
    void events.splice(dice.below(events.length + 1), 0, dice.pick(foreign)),
  "going over into another answer": (events, dice, foreign) =>
    void events.splice(dice.below(events.length), events.length, ...foreign.slice(dice.below(foreign.length))),
  "without names": (events) => {
    for (const [at, event] of events.entries()) events[at] = event.replace(/^event:.*(?:\r\n|\r|\n)/m, "");
  },
  "with wrong names": (events, dice) => {
    const name = dice.pick(["message", "message_stop", "response.completed", "ping", "x"]);
    const at = dice.below(events.length);
    events[at] = `event: ${name}\n${(events[at] ?? "").replace(/^event:.*(?:\r\n|\r|\n)/m, "")}`;
  },
};

/** Mutations of events, by what they do; whole answers stay as they are. */
export const EVENT_MUTATIONS: Readonly<Record<string, Mutation>> = Object.fromEntries(
  Object.entries(CHANGES).map(([name, change]): [string, Mutation] => [
    `events ${name}`,
    (answer, dice, others) => {
      if (!isStream(answer.body)) return answer;
      const events = eventsOf(answer.body.toString("utf8"));
      const foreign = eventsOf(dice.pick(others).body.toString("utf8"));
      if (events.length > 0 && foreign.length > 0) change(events, dice, foreign);
      return { ...answer, body: Buffer.from(streamOf(events)) };
    },
  ]),
);
