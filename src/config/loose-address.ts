/** What completes an address that its variable gives in part. */
export interface AddressRest {
  /** The port where neither port nor scheme is given. */
  readonly port: number;
  /** Where the API begins, for example `/v1`. */
  readonly path: string;
}

const SCHEME_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };

/**
 * The base URL that an address in a loose form means: `host`, `host:port`, `:port`, `[::1]`, `http://host/path` and so on.
 * An address that stands for all of a machine's is called on this machine. Undefined: it means none.
 */
export function readLooseAddress(text: string, rest: AddressRest): string | undefined {
  const trimmed = text.trim().replace(/^(["'])(.*)\1$/, "$2");
  const [, scheme = "http", address = ""] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(trimmed) ?? [];
  const usualPort = trimmed.includes("://") ? SCHEME_PORTS[scheme.toLowerCase()] : rest.port;
  const [, hostAndPort = "", path = ""] = /^([^/]*)(.*)$/s.exec(address) ?? [];
  const parts = splitPort(hostAndPort);
  if (usualPort === undefined || !parts || /[\s?#@\\]/.test(address)) return undefined;
  const { host, port = usualPort } = parts;
  const base = `${scheme.toLowerCase()}://${callable(host)}:${port}`;
  if (port > 65_535 || !URL.canParse(base)) return undefined;
  const prefix = path.replace(/\/+$/, "");
  const { origin } = new URL(base);
  return origin + (prefix.endsWith(rest.path) ? prefix : prefix + rest.path);
}

// An address of IPv6 has colons of its own; alone, it may lack its brackets.
function splitPort(text: string): { readonly host: string; readonly port?: number } | undefined {
  if ((text.match(/:/g)?.length ?? 0) > 1 && !text.startsWith("[")) return { host: `[${text}]` };
  const [, host, port] = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(text) ?? [];
  if (host === undefined) return undefined;
  return port === undefined || port === "" ? { host } : { host, port: Number(port) };
}

function callable(host: string): string {
  if (host === "" || host === "0.0.0.0") return "127.0.0.1";
  return /^\[[0:]+\]$/.test(host) ? "[::1]" : host;
}
