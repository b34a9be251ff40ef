import type { Config } from "./config.ts";
import type { KeyPath } from "./document.ts";
import type { LoadedConfig } from "./load.ts";
import type { ConfigProblem } from "./problem.ts";

/** What only a restart can change, as it stands in the file and in the configuration. */
const RESTART_ONLY: readonly { readonly path: KeyPath; readonly value: (config: Config) => unknown }[] = [
  { path: ["server", "host"], value: ({ server }) => server.host },
  { path: ["server", "port"], value: ({ server }) => server.port },
  { path: ["server", "data"], value: ({ server }) => server.dataDir },
  { path: ["server", "tls"], value: ({ server }) => server.tls },
  { path: ["server", "durability"], value: ({ server }) => server.durability },
  { path: ["server", "limits", "headers"], value: ({ server }) => server.limits.headerBytes },
  { path: ["server", "limits", "connections"], value: ({ server }) => server.limits.connections },
  {
    path: ["server", "limits", "streams_per_connection"],
    value: ({ server }) => server.limits.streamsPerConnection,
  },
  { path: ["server", "timeouts", "client_headers"], value: ({ server }) => server.timeouts.clientHeadersMs },
  { path: ["server", "timeouts", "client_body"], value: ({ server }) => server.timeouts.clientBodyMs },
  { path: ["sandbox"], value: ({ sandbox }) => sandbox },
];

/** A problem for each change from `running` to `next` that a running gateway cannot make. */
export function restartProblems(running: Config, next: LoadedConfig): ConfigProblem[] {
  return RESTART_ONLY.filter(({ value }) => JSON.stringify(value(running)) !== JSON.stringify(value(next.config))).map(
    ({ path }) =>
      next.problem(
        "needs_restart",
        path,
        "it cannot change while the gateway runs: restart it, or take the change back",
      ),
  );
}
