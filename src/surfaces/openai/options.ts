import type { Log } from "../../observe/log.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { Gateway } from "../gateway.ts";
import type { InFlightBudget } from "../in-flight-budget.ts";

/** What the OpenAI surface needs. Sizes in bytes, times in milliseconds. */
export interface OpenAiSurfaceOptions {
  readonly gateway: Gateway;
  readonly runtime: Runtime;
  readonly log: Log;
  readonly limits: {
    /** Most bytes of a request without media. */
    readonly requestBytes: number;
    /** Most bytes of a request with images, sound or files in it. */
    readonly requestWithMediaBytes: number;
    /** Most levels of nested objects and arrays. */
    readonly jsonDepth: number;
    /** Most bytes of a stream that wait for a slow reader. */
    readonly streamBufferBytes: number;
  };
  readonly timeouts: {
    /** For a request's body to arrive. */
    readonly clientBodyMs: number;
  };
  /** The bytes of all requests in flight, shared by all surfaces. Unset: unbounded. */
  readonly budget?: InFlightBudget;
}
