// A program outside the repository that has installed the SDK from its packed tarball, as its users do.
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const sdkFolder = fileURLToPath(new URL("..", import.meta.url));
const rootFolder = join(sdkFolder, "..");
const binFolder = join(rootFolder, "node_modules", ".bin");
const peers = ["@bufbuild/protobuf", "@connectrpc/connect", "@connectrpc/connect-node", "@connectrpc/connect-web"];

/** What a command printed. */
export interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

export class PackedConsumer implements AsyncDisposable {
  /** Folder with the installed packages. */
  readonly folder: string;
  /** The SDK's package before it was packed. */
  readonly stage: string;
  /** The packed SDK. */
  readonly tarball: string;
  readonly #base: string;

  private constructor(base: string, tarball: string) {
    this.#base = base;
    this.folder = join(base, "consumer");
    this.stage = join(base, "stage");
    this.tarball = tarball;
  }

  /** Builds the SDK beside the working tree, packs it and installs it, all without a network. */
  static async install(): Promise<PackedConsumer> {
    const base = await mkdtemp(join(tmpdir(), "parley-sdk-"));
    const stage = join(base, "stage");
    await mkdir(stage);
    for (const file of ["package.json", "README.md", "LICENSE"]) await cp(join(sdkFolder, file), join(stage, file));
    await tool("tsc", ["-p", join(sdkFolder, "tsconfig.build.json"), "--outDir", join(stage, "dist")], base);
    const installed = peers.map((name) => join(rootFolder, "node_modules", name));
    await run("npm", ["pack", "--ignore-scripts", "--silent", stage, ...installed], { cwd: base });
    const tarballs = (await readdir(base)).filter((file) => file.endsWith(".tgz"));
    const consumer = new PackedConsumer(base, join(base, tarballs.find((file) => file.includes("sdk")) ?? "missing"));
    const dependencies: Record<string, string> = {};
    for (const name of ["@parley-gateway/sdk", ...peers]) {
      const prefix = `${name.slice(1).replace("/", "-")}-`;
      const file = tarballs.find((one) => one.startsWith(prefix) && /^\d/.test(one.slice(prefix.length)));
      dependencies[name] = `file:../${file}`;
    }
    await mkdir(consumer.folder);
    await consumer.write("package.json", JSON.stringify({ private: true, type: "module", dependencies }));
    const flags = ["--offline", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    await run("npm", ["install", ...flags], { cwd: consumer.folder });
    return consumer;
  }

  /** Writes a file of the program. */
  async write(file: string, text: string): Promise<void> {
    await writeFile(join(this.folder, file), text);
  }

  /** Compiles every file of the program. Rejects with the compiler's words. */
  async compile(module: "nodenext" | "bundler"): Promise<void> {
    const compilerOptions = {
      ...(module === "nodenext" ? { module } : { module: "esnext", moduleResolution: module }),
      target: "esnext",
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
      types: ["node"],
      typeRoots: [join(rootFolder, "node_modules", "@types")],
    };
    await this.write(`tsconfig.${module}.json`, JSON.stringify({ compilerOptions, include: ["*.ts"] }));
    await tool("tsc", ["-p", `tsconfig.${module}.json`], this.folder);
  }

  /** Runs a file of the program on Node; one that does not end by itself within 20 s is a failure. */
  async run(file: string, env: Readonly<Record<string, string>>, flags: readonly string[] = []): Promise<Printed> {
    const { PATH = "", NODE_COMPILE_CACHE = "" } = process.env;
    const options = { cwd: this.folder, env: { PATH, NODE_COMPILE_CACHE, ...env }, timeout: 20_000 };
    return run(process.execPath, [...flags, file], options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#base, { recursive: true, force: true });
  }
}

/** Runs a command of the repository's own tools. Rejects with what it printed. */
export async function tool(name: string, args: readonly string[], cwd: string): Promise<Printed> {
  try {
    return await run(join(binFolder, name), [...args], { cwd });
  } catch (thrown) {
    const { stdout, stderr } = thrown as Printed;
    throw new Error(`${name} failed:\n${stdout}\n${stderr}`, { cause: thrown });
  }
}

/** The TypeScript blocks of the SDK's README. */
export async function readmeBlocks(): Promise<string[]> {
  const text = await readFile(join(sdkFolder, "README.md"), "utf8");
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block]) => block ?? "");
}
