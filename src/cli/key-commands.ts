import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient, type Client } from "@connectrpc/connect";
import { parseDuration } from "../config/units.ts";
import { KeyService, KeyState, type Key, type KeyRole } from "../contract/admin.ts";
import { ROLE_NAMES, type Role } from "../policy/identity/roles.ts";
import { realRuntime } from "../runtime/real.ts";
import { ROLE_VALUES } from "../services/key-message.ts";
import { CommandError, type CliContext, type Command, type CommandInput } from "./command.ts";
import { callFailure, CLIENT_FLAGS, connectToGateway } from "./gateway-client.ts";
import { writeTable } from "./table.ts";

const MEMBER_FLAGS = {
  policy: "name of a policy of the configuration",
  scopes: "scopes of the role to which it is narrowed, with commas between; docs/keys.md lists them",
  labels: "words of your own, such as team=core,env=dev",
  "expires-in": "how long it may be used, such as 90d, 12h; default: for good",
} as const;

/** `key create`: a new key, shown once. */
export const keyCreateCommand: Command = {
  usage: "key create NAME",
  summary: "Make a key and print it: it is shown only here.",
  flags: {
    role: `what it is for: ${ROLE_NAMES.join(", ")}; default chat`,
    organisation: "the organisation it belongs to",
    project: "the project it belongs to, as organisation/project",
    ...MEMBER_FLAGS,
    ...CLIENT_FLAGS,
  },
  counts: [1, 1],
  async run(input, context) {
    const { flags } = input;
    const role = flags.get("role") ?? "chat";
    if (!ROLE_NAMES.some((name) => name === role)) {
      throw new CommandError(`Cannot make the key: --role is ${role}; expected ${ROLE_NAMES.join(", ")}`, 2);
    }
    const { key, text } = await call(input, context, "make the key", (keys) =>
      keys.createKey({
        name: input.args[0] ?? "",
        role: ROLE_VALUES[role as Role],
        organisation: flags.get("organisation") ?? "",
        project: flags.get("project") ?? "",
        policy: flags.get("policy") ?? "",
        scopes: listIn(flags.get("scopes")),
        labels: labelsIn(flags.get("labels")),
        ...expiryIn(flags.get("expires-in")),
      }),
    );
    showText(context, key, text);
  },
};

/** `key list`: the keys that were made at run time. */
export const keyListCommand: Command = {
  usage: "key list",
  summary: "List the keys that were made at run time.",
  flags: {
    organisation: "only keys of this organisation",
    project: "only keys of this project, as organisation/project",
    ...CLIENT_FLAGS,
  },
  switches: { all: "expired and revoked ones too" },
  counts: [0, 0],
  async run(input, context) {
    const { flags, switches } = input;
    const filter = {
      organisation: flags.get("organisation") ?? "",
      project: flags.get("project") ?? "",
      includeEnded: switches.has("all"),
    };
    const found = await call(input, context, "list the keys", async (keys) => {
      const all: Key[] = [];
      for (let pageToken = ""; ;) {
        const page = await keys.listKeys({ ...filter, pageSize: 1000, pageToken });
        all.push(...page.keys);
        pageToken = page.nextPageToken;
        if (pageToken === "") return all;
      }
    });
    writeTable(context.stdout, found.map(rowOf));
    if (found.length === 0) context.stderr.write("There is no key that you may see\n");
  },
};

/** `key update`: other rights or another end for a key. */
export const keyUpdateCommand: Command = {
  usage: "key update ID",
  summary: "Change a key's name, policy, scopes, labels or end; none as the value takes one away.",
  flags: { name: "a name for people", ...MEMBER_FLAGS, ...CLIENT_FLAGS },
  counts: [1, 1],
  async run(input, context) {
    const { flags } = input;
    const paths = ["name", "policy", "scopes", "labels", "expires-in"].filter((flag) => flags.has(flag));
    if (paths.length === 0) throw new CommandError("Cannot change the key: name what to change, such as --policy", 2);
    const given = (flag: string): string | undefined => (flags.get(flag) === "none" ? undefined : flags.get(flag));
    const { key } = await call(input, context, "change the key", (keys) =>
      keys.updateKey({
        id: input.args[0] ?? "",
        updateMask: { paths: paths.map((path) => (path === "expires-in" ? "expires_at" : path)) },
        name: given("name") ?? "",
        policy: given("policy") ?? "",
        scopes: listIn(given("scopes")),
        labels: labelsIn(given("labels")),
        ...expiryIn(given("expires-in")),
      }),
    );
    writeTable(context.stdout, key ? [rowOf(key)] : []);
  },
};

/** `key rotate`: a new text for a key. */
export const keyRotateCommand: Command = {
  usage: "key rotate ID",
  summary: "Give a key a new text and print it; the old one is taken until the overlap ends.",
  flags: { overlap: "how long the old text is still taken, such as 1h or 0s; default 1d", ...CLIENT_FLAGS },
  counts: [1, 1],
  async run(input, context) {
    const overlap = input.flags.get("overlap");
    const { key, text } = await call(input, context, "rotate the key", (keys) =>
      keys.rotateKey({
        id: input.args[0] ?? "",
        ...(overlap === undefined ? {} : { overlap: durationFromMs(durationIn("overlap", overlap)) }),
      }),
    );
    showText(context, key, text);
  },
};

/** `key revoke`: the end of a key. */
export const keyRevokeCommand: Command = {
  usage: "key revoke ID",
  summary: "End a key for good, on every replica within a second.",
  flags: { ...CLIENT_FLAGS },
  counts: [1, 1],
  async run(input, context) {
    const { key } = await call(input, context, "revoke the key", (keys) => keys.revokeKey({ id: input.args[0] ?? "" }));
    writeTable(context.stdout, key ? [rowOf(key)] : []);
  },
};

/** `key mint`: a browser key of the caller's own. */
export const keyMintCommand: Command = {
  usage: "key mint",
  summary: "Print a short-lived browser key with a part of your own key's rights.",
  flags: {
    lifetime: "at most 1h; default 15m",
    models: "patterns of the only models it may use, with commas between",
    origin: "the only origin that may use it, such as https://app.example.com",
    ...CLIENT_FLAGS,
  },
  counts: [0, 0],
  async run(input, context) {
    const lifetime = input.flags.get("lifetime");
    const { text } = await call(input, context, "mint a browser key", (keys) =>
      keys.mintBrowserKey({
        limits: { models: listIn(input.flags.get("models")), origin: input.flags.get("origin") ?? "" },
        ...(lifetime === undefined ? {} : { lifetime: durationFromMs(durationIn("lifetime", lifetime)) }),
      }),
    );
    context.stdout.write(`${text}\n`);
  },
};

async function call<T>(
  input: CommandInput,
  context: CliContext,
  what: string,
  send: (keys: Client<typeof KeyService>) => Promise<T>,
): Promise<T> {
  const { url, transport } = connectToGateway(input, context);
  try {
    return await send(createClient(KeyService, transport));
  } catch (thrown) {
    throw thrown instanceof CommandError ? thrown : callFailure(what, thrown, url);
  }
}

// The key alone goes to standard output, so that it can be piped into a file or a secret store.
function showText({ stdout, stderr }: CliContext, key: Key | undefined, text: string): void {
  stderr.write(`Key ${key?.id} (${key?.name}); it is shown only here:\n`);
  stdout.write(`${text}\n`);
}

const STATES = new Map<number, string>(Object.entries(KeyState).map(([name, value]) => [value, name.toLowerCase()]));
const ROLES_BY_VALUE = new Map<KeyRole, string>(ROLE_NAMES.map((name) => [ROLE_VALUES[name], name]));

function rowOf(key: Key): string[] {
  const time = (at: { seconds: bigint } | undefined): string =>
    at ? new Date(Number(at.seconds) * 1000).toISOString().slice(0, 16) : "";
  const state = STATES.get(key.state) ?? "";
  const until = key.expiresAt ? `until ${time(key.expiresAt)}` : "";
  const used = key.lastUsedAt ? `used ${time(key.lastUsedAt)}` : "never used";
  const place = key.project || key.organisation;
  return [key.id, key.name, ROLES_BY_VALUE.get(key.role) ?? "", place, key.policy, state, until, used];
}

function listIn(text: string | undefined): string[] {
  return (text ?? "").split(",").filter((word) => word !== "");
}

function labelsIn(text: string | undefined): Record<string, string> {
  return Object.fromEntries(
    listIn(text).map((pair) => {
      const [, name = "", value = ""] = /^([^=]+)=(.*)$/.exec(pair) ?? [];
      if (name === "") throw new CommandError(`Cannot read --labels: ${pair} is not NAME=VALUE`, 2);
      return [name, value];
    }),
  );
}

function expiryIn(text: string | undefined): { expiresAt?: ReturnType<typeof timestampFromMs> } {
  if (text === undefined) return {};
  return { expiresAt: timestampFromMs(realRuntime().nowMs() + durationIn("expires-in", text)) };
}

const DAY_MS = 86_400_000;

function durationIn(flag: string, text: string): number {
  const days = /^(\d{1,5})d$/.exec(text)?.[1];
  const durationMs = days === undefined ? parseDuration(text) : Number(days) * DAY_MS;
  if (durationMs !== undefined) return durationMs;
  throw new CommandError(`Cannot read --${flag}: ${text} is no duration such as 15m, 12h or 90d`, 2);
}
