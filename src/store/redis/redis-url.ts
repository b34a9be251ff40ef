import { ParleyError, rememberSecret } from "../../errors/index.ts";

/** Where Redis is and how to enter it. */
export interface RedisAddress {
  /** Several servers that share the keys, of which `nodes` are some. */
  readonly isCluster: boolean;
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Number of the database; a cluster has only 0. */
  readonly database: number;
  /** For people: without the credentials. */
  readonly text: string;
}

const DEFAULT_PORT = 6379;
const FORMS = "redis://[user:password@]host[:port][/number], rediss://… or redis+cluster://host:port,host:port";
const SCHEMES: Readonly<Record<string, Pick<RedisAddress, "isCluster" | "tls">>> = {
  redis: { isCluster: false, tls: false },
  rediss: { isCluster: false, tls: true },
  "redis+cluster": { isCluster: true, tls: false },
  "rediss+cluster": { isCluster: true, tls: true },
};

/** Reads `redis://…`, `rediss://…`, `redis+cluster://h1,h2` or `rediss+cluster://…`. Throws `MISCONFIGURED`. */
export function parseRedisUrl(url: string): RedisAddress {
  const [, scheme = "", credentials, hosts = "", path = ""] =
    /^([a-z+]+):\/\/(?:([^@/]*)@)?([^/?#]+)(?:\/(\d{1,4})?)?$/.exec(url) ?? [];
  const kind = SCHEMES[scheme];
  if (!kind) throw unusable(`it is none of ${FORMS}`);
  const nodes = hosts.split(",").map(nodeOf);
  if (!kind.isCluster && nodes.length > 1) throw unusable(`several hosts need ${scheme}+cluster://`);
  if (kind.isCluster && path !== "" && path !== "0")
    throw unusable("a cluster has only database 0: leave the path out");
  const [username, password] = credentialsOf(credentials);
  if (password !== undefined) rememberSecret(password);
  return {
    ...kind,
    nodes,
    username,
    password,
    database: Number(path),
    text: `${scheme}://${hosts}${path === "" ? "" : `/${path}`}`,
  };
}

function nodeOf(text: string): { host: string; port: number } {
  const [, ipv6, name, portText] = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9_.-]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = ipv6 ?? name;
  const port = portText === undefined ? DEFAULT_PORT : Number(portText);
  if (host === undefined || port < 1 || port > 65_535) throw unusable("one of its hosts is no host:port");
  return { host, port };
}

function credentialsOf(text: string | undefined): [string | undefined, string | undefined] {
  if (text === undefined || text === "") return [undefined, undefined];
  const colon = text.indexOf(":");
  try {
    // `user@` without a password makes no sense to Redis, which takes what stands alone for a password.
    if (colon < 0) return [undefined, decodeURIComponent(text)];
    return [decodeURIComponent(text.slice(0, colon)) || undefined, decodeURIComponent(text.slice(colon + 1))];
  } catch {
    throw unusable("its user or password holds a % that is no escape");
  }
}

// The URL itself is not shown: it may hold a password in a place where nothing looks for one.
function unusable(why: string): ParleyError {
  return new ParleyError("MISCONFIGURED", `Cannot use PARLEY_REDIS_URL: ${why}`);
}
