import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/** The repository's folder. */
export const projectDir = join(import.meta.dirname, "../..");

/** How a process ended: its exit code, or the signal that ended it. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Where and with what a process runs. */
export interface ProcessOptions {
  readonly cwd?: string;
  /** On top of `PATH`, `HOME` and where Node keeps compiled code: nothing else of the test's own environment reaches the process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it leads a process group, so that what it has started can be ended with it. */
  readonly isGroup?: boolean;
}

const running = new Set<TestProcess>();
process.once("exit", () => running.forEach((one) => one.kill("SIGKILL")));

/** A child process whose output can be waited for. It ends with the test that started it. */
export class TestProcess implements AsyncDisposable {
  stdout = "";
  stderr = "";
  /** Resolves when the process is gone and its output has been read. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #isGroup: boolean;
  readonly #watchers = new Set<() => void>();
  #hasExited = false;

  constructor(command: string, args: readonly string[], options: ProcessOptions = {}) {
    const { PATH = "", HOME = tmpdir(), NODE_COMPILE_CACHE = "" } = process.env;
    this.#isGroup = options.isGroup ?? false;
    this.#child = spawn(command, args, {
      cwd: options.cwd ?? tmpdir(),
      env: { PATH, HOME, NODE_COMPILE_CACHE, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: this.#isGroup,
    });
    running.add(this);
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => this.#grow("stdout", text));
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => this.#grow("stderr", text));
    this.exited = new Promise((resolve, reject) => {
      this.#child.once("error", reject);
      this.#child.once("close", (code, signal) => {
        running.delete(this);
        this.#hasExited = true;
        this.#tell();
        resolve({ code, signal });
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The first match in what the process has printed or will print. Rejects when it ends without. */
  async until(pattern: RegExp, output: "stdout" | "stderr" = "stdout"): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this[output]);
      if (match) return match;
      if (this.#hasExited) throw new Error(`It ended before it printed ${pattern}:\n${this.stdout}\n${this.stderr}`);
      await new Promise<void>((resolve) => this.#watchers.add(resolve));
    }
  }

  /** Sends a signal to this process alone. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Sends a signal to this process and, where it leads a group, to everything it has started. */
  kill(name: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      if (this.#isGroup) process.kill(-pid, name);
      else if (!this.#hasExited) this.#child.kill(name);
    } catch {
      // Already gone, which is what is wanted.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.exited;
  }

  #grow(output: "stdout" | "stderr", text: string): void {
    this[output] += text;
    this.#tell();
  }

  #tell(): void {
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const watcher of watchers) watcher();
  }
}

/** Starts `src/main.ts` on the repository's own Node. */
export function startMain(args: readonly string[], options: ProcessOptions = {}): TestProcess {
  return new TestProcess("node", [join(projectDir, "src/main.ts"), ...args], options);
}

/** Runs a command to its end. */
export async function runToEnd(command: string, args: readonly string[], options: ProcessOptions = {}) {
  const child = new TestProcess(command, args, options);
  const { code, signal } = await child.exited;
  return { code, signal, stdout: child.stdout, stderr: child.stderr };
}

/** The `PATH` of somebody who has only cloned the repository: without its own Node and tools. */
export function strangersPath(): string {
  const own = join("node_modules", ".bin");
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.filter((folder) => !folder.endsWith(own)).join(delimiter);
}

/** A temporary folder that is gone after the test. */
export class TestFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "parley-process-"));

  /** Writes a file of it, and gives its path. */
  write(name: string, text: string): string {
    const path = join(this.path, name);
    writeFileSync(path, text);
    return path;
  }

  /** Makes a folder below it, and gives its path. */
  folder(name: string): string {
    const path = join(this.path, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A gateway that runs as a process of its own, in a folder of its own. */
export interface GatewayProcess extends AsyncDisposable {
  readonly process: TestProcess;
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  readonly localKey: string;
  readonly adminKey: string;
}

/** How a gateway's process differs from `npm start` without a file. */
export interface GatewayProcessOptions extends ProcessOptions {
  /** Text of its configuration file, `parley.yaml` in its folder; without, none is written. */
  readonly yaml?: string;
  readonly args?: readonly string[];
}

/** Starts the gateway in a folder, with a free port and the folder's `data`, and waits until it listens. */
export async function startGatewayProcess(
  folder: TestFolder,
  options: GatewayProcessOptions = {},
): Promise<GatewayProcess> {
  if (options.yaml !== undefined) folder.write("parley.yaml", options.yaml);
  const child = startMain(["--port", "0", ...(options.args ?? [])], { cwd: folder.path, ...options });
  const [, port = ""] = await child.until(/^Parley listens on http:\/\/127\.0\.0\.1:(\d+) [^]*\n/);
  const dataDir = join(folder.path, "data");
  const keyOf = (name: string): string => {
    const file = join(dataDir, `${name}.key`);
    return existsSync(file) ? readFileSync(file, "utf8").trim() : "";
  };
  return {
    process: child,
    url: `http://127.0.0.1:${port}`,
    port: Number(port),
    dataDir,
    localKey: keyOf("local"),
    adminKey: keyOf("admin"),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
