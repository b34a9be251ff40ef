import { DEFAULT_LIMITS } from "./defaults.ts";
import { mapAt, type RawMap, type Report } from "./raw.ts";
import { formatSize, parseSize } from "./units.ts";

/** Why a file that the configuration names cannot be read, or undefined where it can. */
export type ReadProblem = (path: string) => string | undefined;

/** Checks what the keys of `server` mean together. */
export function checkServer(server: RawMap, readProblem: ReadProblem, report: Report): void {
  checkSizes(mapAt(server["limits"]), report);
  if (server["admin_host"] !== undefined && server["admin_port"] === undefined) {
    report("missing", ["server", "admin_host"], "expected admin_port beside it: administration is on the main port");
  }
  const tls = mapAt(server["tls"]);
  for (const key of ["cert", "key", "client_ca"]) {
    const file = tls[key];
    const reason = typeof file === "string" && file !== "" ? readProblem(file) : undefined;
    if (reason !== undefined) report("not_found", ["server", "tls", key], `the file cannot be read: ${reason}`);
  }
}

// A larger limit that is below a smaller one would never be reached.
function checkSizes(limits: RawMap, report: Report): void {
  const sizeOf = (key: string, defaultBytes: number): number | undefined => {
    const value = limits[key];
    if (value === undefined) return defaultBytes;
    return typeof value === "string" ? parseSize(value) : undefined;
  };
  const pairs = [
    ["request_with_media", "request"],
    ["in_flight", "request_with_media"],
  ] as const;
  const defaults = {
    request: DEFAULT_LIMITS.requestBytes,
    request_with_media: DEFAULT_LIMITS.requestWithMediaBytes,
    in_flight: DEFAULT_LIMITS.inFlightBytes,
  };
  for (const [larger, smaller] of pairs) {
    const largerBytes = sizeOf(larger, defaults[larger]);
    const smallerBytes = sizeOf(smaller, defaults[smaller]);
    if (largerBytes === undefined || smallerBytes === undefined || largerBytes >= smallerBytes) continue;
    const blamed = limits[larger] === undefined ? smaller : larger;
    const sizes = `${larger} is ${formatSize(largerBytes)} and ${smaller} is ${formatSize(smallerBytes)}`;
    report("conflict", ["server", "limits", blamed], `expected ${larger} to be at least ${smaller}: ${sizes}`);
  }
}
