import type { ChangeFeed } from "../change-feed.ts";
import type { RedisBus } from "./bus.ts";

/** Changes over the channels of the shared store; what gets lost there is found by polling. */
export function createRedisChangeFeed(bus: RedisBus): ChangeFeed {
  return {
    announce: (topic) => bus.publish(topic, "changed"),
    onChange: (topic, listener) => bus.subscribe(topic, listener),
  };
}
