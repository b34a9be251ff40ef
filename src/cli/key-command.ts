import { existsSync } from "node:fs";
import { join } from "node:path";
import { CommandError, type Command } from "./command.ts";
import { CLIENT_FLAGS, dataDir } from "./gateway-client.ts";

/** `key path`: where a key file is. */
export const keyPathCommand: Command = {
  usage: "key path [admin|local]",
  summary: "Print where the file of the administrator's key, or of the local key, is.",
  flags: { data: CLIENT_FLAGS.data },
  counts: [0, 1],
  async run(input, context) {
    const [name = "admin"] = input.args;
    if (name !== "admin" && name !== "local") {
      throw new CommandError(`Cannot find the key ${JSON.stringify(name)}: expected admin or local`, 2);
    }
    const path = join(dataDir(input, context), `${name}.key`);
    if (!existsSync(path)) {
      throw new CommandError(`Cannot find ${path}: start the gateway once, or name its data folder with --data`);
    }
    context.stdout.write(`${path}\n`);
  },
};
