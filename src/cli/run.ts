import { parseArgs } from "node:util";
import { didYouMean } from "../config/suggest.ts";
import { auditListCommand, auditVerifyCommand } from "./audit-commands.ts";
import { chatCommand } from "./chat-command.ts";
import { CommandError, type CliContext, type Command, type CommandInput } from "./command.ts";
import { checkCommand, schemaCommand } from "./config-command.ts";
import { explainCommand } from "./explain-command.ts";
import { keyPathCommand } from "./key-command.ts";
import {
  keyCreateCommand,
  keyListCommand,
  keyMintCommand,
  keyRevokeCommand,
  keyRotateCommand,
  keyUpdateCommand,
} from "./key-commands.ts";
import { modelsCommand } from "./models-command.ts";
import { policyPreviewCommand } from "./policy-command.ts";
import { replayCommand } from "./replay-command.ts";
import { usageCommand } from "./usage-command.ts";

/** Every command, by the words that call it. */
const COMMANDS: Readonly<Record<string, Command>> = {
  chat: chatCommand,
  explain: explainCommand,
  models: modelsCommand,
  replay: replayCommand,
  usage: usageCommand,
  "config check": checkCommand,
  "config schema": schemaCommand,
  "key path": keyPathCommand,
  "key create": keyCreateCommand,
  "key list": keyListCommand,
  "key update": keyUpdateCommand,
  "key rotate": keyRotateCommand,
  "key revoke": keyRevokeCommand,
  "key mint": keyMintCommand,
  "policy preview": policyPreviewCommand,
  "audit list": auditListCommand,
  "audit verify": auditVerifyCommand,
};

/** Runs the command line and gives the exit code: 0 done, 1 failed, 2 called wrongly. Never rejects for a failure that has a sentence. */
export async function runCli(argv: readonly string[], context: CliContext): Promise<number> {
  try {
    const [name, command] = findCommand(argv);
    if (!command) {
      context.stdout.write(helpText());
      return 0;
    }
    const input = readInput(argv.slice(name.split(" ").length), name, command);
    if (input.switches.has("help")) context.stdout.write(commandHelp(command));
    else await command.run(input, context);
    return 0;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    context.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
}

/** The command that was called; none for help. */
function findCommand(argv: readonly string[]): [name: string, command: Command | undefined] {
  const [first = "help", second = ""] = argv;
  if (["help", "--help", "-h"].includes(first)) return ["help", undefined];
  for (const name of [`${first} ${second}`, first]) {
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (command) return [name, command];
  }
  const names = Object.keys(COMMANDS);
  const family = names.filter((name) => name.startsWith(`${first} `));
  const hint = family.length > 0 ? `; there is ${family.join(" and ")}` : didYouMean(first, names);
  const typed = family.length > 0 ? `${first} ${second}`.trim() : first;
  throw new CommandError(
    `Cannot run ${JSON.stringify(typed)}: there is no such command${hint || "; help lists them"}`,
    2,
  );
}

function readInput(argv: readonly string[], name: string, command: Command): CommandInput {
  const switchNames = ["help", ...Object.keys(command.switches ?? {})];
  const options: Record<string, { type: "string" | "boolean" }> = {};
  for (const flag of Object.keys(command.flags)) options[flag] = { type: "string" };
  for (const flag of switchNames) options[flag] = { type: "boolean" };
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true });
  const args: string[] = [];
  const flags = new Map<string, string>();
  const switches = new Set<string>();
  for (const token of tokens) {
    if (token.kind === "positional") args.push(token.value);
    else if (token.kind === "option" && switchNames.includes(token.name)) switches.add(token.name);
    else if (token.kind === "option" && Object.hasOwn(command.flags, token.name) && token.value) {
      flags.set(token.name, token.value);
    } else if (token.kind === "option") {
      const isKnown = Object.hasOwn(command.flags, token.name);
      const hint = isKnown ? "it needs a value" : `there is no such flag; ${name} --help lists them`;
      throw new CommandError(`Cannot read the flag ${token.rawName}: ${hint}`, 2);
    }
  }
  const [min, max] = command.counts;
  if (!switches.has("help") && (args.length < min || args.length > max)) {
    const hint = args.length > max ? "; text with spaces needs quotes" : "";
    throw new CommandError(`Cannot run ${name}: expected ${command.usage}${hint}`, 2);
  }
  return { args, flags, switches };
}

function helpText(): string {
  const commands = Object.values(COMMANDS);
  const width = Math.max(...commands.map(({ usage }) => usage.length));
  return [
    "npm run -s parley -- COMMAND",
    "",
    ...commands.map(({ usage, summary }) => `  ${usage.padEnd(width)}  ${summary}`),
    `  ${"help".padEnd(width)}  This text; COMMAND --help tells a command's flags.`,
    "",
    "npm start runs the gateway; npm start -- --help lists its flags.",
    "",
  ].join("\n");
}

function commandHelp(command: Command): string {
  const flags = [
    ...Object.entries(command.flags).map(([flag, what]) => [`--${flag} VALUE`, what] as const),
    ...Object.entries(command.switches ?? {}).map(([flag, what]) => [`--${flag}`, what] as const),
  ];
  const width = Math.max(0, ...flags.map(([flag]) => flag.length));
  return [
    `npm run -s parley -- ${command.usage}`,
    "",
    `  ${command.summary}`,
    ...(flags.length > 0 ? ["", ...flags.map(([flag, what]) => `  ${flag.padEnd(width)}  ${what}`)] : []),
    "",
  ].join("\n");
}
