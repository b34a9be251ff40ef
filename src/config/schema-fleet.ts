import { choice } from "./scalars.ts";
import { section } from "./section.ts";

/** The section `fleet`: how replicas behave that share a Redis. */
export function fleetSection() {
  return section({
    when_isolated: choice(
      "After 30 s without the shared store, refuse: requests are refused; continue: what needs no shared store is served.",
      ["refuse", "continue"],
      [],
      "refuse",
    ).optional(),
  }).describe("How replicas behave that share a Redis.");
}
