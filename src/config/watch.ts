import { existsSync, realpathSync, watch, type FSWatcher } from "node:fs";
import { basename, dirname } from "node:path";
import type { Runtime, Timer } from "../runtime/runtime.ts";
import { loadConfig, type LoadedConfig, type LoadOptions } from "./load.ts";
import { ConfigError, settingProblem } from "./problem.ts";
import { restartProblems } from "./restart-only.ts";

/** How long the files must be quiet before they are read: editors write in several steps. */
const QUIET_MS = 100;
/** How long a file may be gone while an editor replaces it. */
const GONE_MS = 500;

/** What a watcher needs, and whom it tells. */
export interface WatchOptions {
  /** What the gateway runs with. */
  readonly running: LoadedConfig;
  /** How it was loaded. */
  readonly load: LoadOptions;
  readonly runtime: Runtime;
  /** A changed configuration that passed every check; from now on it counts as the running one. */
  readonly onChange: (next: LoadedConfig) => void;
  /** A change that was refused as a whole; the running configuration stays. */
  readonly onRefused: (error: ConfigError) => void;
  /** A folder that cannot be watched, as a sentence: only `reload` sees changes there. */
  readonly onUnwatchable: (message: string) => void;
}

/** A running watcher. */
export interface ConfigWatcher {
  /** Reads everything again at once, as SIGHUP asks for. */
  reload(): void;
  close(): void;
}

/** Watches every file that the configuration was read from, and reads it again when one of them changes. */
export function watchConfig(options: WatchOptions): ConfigWatcher {
  return new FileWatcher(options);
}

class FileWatcher implements ConfigWatcher {
  readonly #options: WatchOptions;
  readonly #watchers = new Map<string, FSWatcher>();
  #running: LoadedConfig;
  #names = new Set<string>();
  #timer: Timer | undefined;
  #wasRefused = false;
  #isClosed = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#running = options.running;
    this.#watchFolders();
  }

  reload(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#isClosed) return;
    try {
      this.#accept(this.#load());
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#wasRefused = true;
      this.#options.onRefused(error);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #load(): LoadedConfig {
    const next = loadConfig(this.#options.load);
    const { file } = this.#running;
    if (file !== undefined && next.file === undefined) {
      throw new ConfigError([settingProblem("not_found", "", `the configuration file ${file} is gone`)]);
    }
    const problems = restartProblems(this.#running.config, next);
    if (problems.length > 0) throw new ConfigError(problems);
    return next;
  }

  #accept(next: LoadedConfig): void {
    const isSame = sameDigests(this.#running.reads, next.reads);
    if (isSame && !this.#wasRefused) return;
    this.#wasRefused = false;
    this.#running = next;
    this.#watchFolders();
    this.#options.onChange(next);
  }

  #schedule(delayMs: number, mayBeGone: boolean): void {
    this.#timer?.cancel();
    this.#timer = this.#options.runtime.setTimer(delayMs, () => {
      const { file } = this.#running;
      // Between the two steps of a replacement there is no file: that is not a change yet.
      if (mayBeGone && file !== undefined && !existsSync(file)) this.#schedule(GONE_MS, false);
      else this.reload();
    });
  }

  // Folders, not files: an editor that replaces a file leaves a watcher of the old one deaf.
  #watchFolders(): void {
    const paths = [...this.#running.reads.keys()].flatMap((path) => [path, realPath(path)]);
    this.#names = new Set(paths.map((path) => basename(path)));
    const folders = new Set(paths.map((path) => dirname(path)));
    for (const [folder, watcher] of this.#watchers) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    for (const folder of folders) if (!this.#watchers.has(folder)) this.#watchFolder(folder);
  }

  #watchFolder(folder: string): void {
    const fail = (error: unknown): void => {
      this.#watchers.get(folder)?.close();
      this.#watchers.delete(folder);
      const reason = error instanceof Error ? error.message : "unknown reason";
      this.#options.onUnwatchable(
        `Cannot watch ${folder} for changes of the configuration: ${reason}; send SIGHUP instead`,
      );
    };
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (this.#concerns(name)) this.#schedule(QUIET_MS, true);
      });
      watcher.on("error", fail);
      this.#watchers.set(folder, watcher);
    } catch (error) {
      fail(error);
    }
  }

  // Mounted configuration (Kubernetes) changes by swapping a link whose name begins with two dots.
  #concerns(name: string | null): boolean {
    return name === null || name.startsWith("..") || this.#names.has(name);
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // gone since it was read: the next reading will say so
  }
}

function sameDigests(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([path, digest]) => b.get(path) === digest);
}
