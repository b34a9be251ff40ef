import { relative, resolve } from "node:path";
import { configJsonSchemaText } from "../config/json-schema.ts";
import { loadConfig, type LoadedConfig } from "../config/load.ts";
import { ConfigError, formatConfigError } from "../config/problem.ts";
import { CommandError, type Command } from "./command.ts";

/** `config check`: whether a configuration can be used. */
export const checkCommand: Command = {
  usage: "config check [FILE]",
  summary: "Check a configuration as a start would, placeholders included; nothing is started.",
  flags: {},
  counts: [0, 1],
  async run({ args: [file] }, context) {
    const argv = file === undefined ? [] : ["--config", resolve(context.cwd, file)];
    try {
      const loaded = loadConfig({ argv, env: context.env, cwd: context.cwd, known: await context.known() });
      context.stdout.write(`${summary(loaded, context.cwd)}\n`);
      for (const notice of loaded.notices) context.stdout.write(`Note: ${notice}\n`);
    } catch (error) {
      throw error instanceof ConfigError ? new CommandError(formatConfigError(error).trimEnd()) : error;
    }
  },
};

function summary({ config, file }: LoadedConfig, cwd: string): string {
  const counts = [
    count(config.providers.length + (config.sandbox ? 1 : 0), "provider"),
    count(config.routes.length, "route"),
    count(config.keys.length, "fixed key"),
    count(config.policies.length, "policy", "policies"),
  ].join(", ");
  if (file === undefined) return `There is no configuration file; the environment gives ${counts}`;
  return `${relative(cwd, file) || file} can be used: ${counts}`;
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** `config schema`: the JSON Schema of the configuration file. */
export const schemaCommand: Command = {
  usage: "config schema",
  summary: "Print the JSON Schema of the configuration file, for editors.",
  flags: {},
  counts: [0, 0],
  async run(_input, context) {
    context.stdout.write(configJsonSchemaText(await context.known()));
  },
};
