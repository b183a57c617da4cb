/**
 * Tells when the text of the configuration file changed. The kernel's events make it quick; what counts is a look every two
 * seconds, which also sees what one folder's events do not: a link that leads elsewhere, a bind-mounted file, a folder made anew.
 */
import { readFileSync, statSync, watch, type FSWatcher } from "node:fs";
import { readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { codeOf } from "../../errors.ts";

const LOOK_MS = 2_000;
/** Editors and slow writers write in several steps: a changed file counts once it has been quiet for so long. */
const QUIET_MS = 1_000;
/** Kubernetes swaps this link for a new folder when a ConfigMap changes. */
const CONFIG_MAP_LINK = "..data";

export interface FileWatchInput {
  readonly file: string;
  readonly onChange: () => void;
  /** The kernel will not say when the file changes: in words. Changes are seen all the same, a little later. */
  readonly onTrouble: (why: string) => void;
  /** @default 2 s */
  readonly lookMs?: number;
  /** @default 1 s */
  readonly quietMs?: number;
}

export class FileWatch {
  private readonly input: FileWatchInput;
  private readonly watcher: FSWatcher | null;
  private readonly looking: ReturnType<typeof setInterval>;
  private text: string | null;
  /** What tells a changed file without reading it. */
  private seen: string | null = null;
  private settling: ReturnType<typeof setTimeout> | undefined;
  private busy = false;
  private stopped = false;

  /** Watches from now on. */
  constructor(input: FileWatchInput) {
    this.input = input;
    this.text = readNow(input.file);
    this.watcher = this.watchFolder();
    this.looking = setInterval(() => void this.look(), input.lookMs ?? LOOK_MS);
    this.looking.unref();
    void this.look();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.settling);
    clearInterval(this.looking);
    this.watcher?.close();
  }

  /** The file's folder is watched, since editors replace files. */
  private watchFolder(): FSWatcher | null {
    const { file, onTrouble } = this.input;
    try {
      const watcher = watch(dirname(file), (_event, name) => {
        if (name === null || name === basename(file) || name === CONFIG_MAP_LINK) void this.look();
      });
      // the folder is gone: looking goes on
      watcher.on("error", () => watcher.close());
      return watcher;
    } catch (error) {
      onTrouble(troubleWords(dirname(file), error));
      return null;
    }
  }

  /** Never waits for a file system that hangs: the next look comes when this one has ended. */
  private async look(): Promise<void> {
    if (this.busy || this.stopped) return;
    this.busy = true;
    const found = await signature(this.input.file);
    this.busy = false;
    if (this.stopped || found === this.seen) return;
    this.seen = found;
    clearTimeout(this.settling);
    this.settling = setTimeout(() => void this.settled(), this.input.quietMs ?? QUIET_MS);
  }

  private async settled(): Promise<void> {
    const before = this.seen;
    await this.look(); // it may have changed since; then the wait begins anew
    if (this.stopped || this.seen !== before || before === null) return;
    const now = await readFile(this.input.file, "utf8").catch(() => null);
    if (this.stopped || now === null || now === this.text) return;
    this.text = now;
    this.input.onChange();
  }
}

/** Null between two steps of an editor, when there is no file; and for what is no file, which can be read only once. */
async function signature(file: string): Promise<string | null> {
  try {
    const [path, found] = await Promise.all([realpath(file), stat(file, { bigint: true })]);
    return found.isFile() ? [path, found.dev, found.ino, found.mtimeNs, found.size].join(" ") : null;
  } catch {
    return null;
  }
}

function readNow(file: string): string | null {
  try {
    return statSync(file).isFile() ? readFileSync(file, "utf8") : null;
  } catch {
    return null;
  }
}

function troubleWords(folder: string, error: unknown): string {
  const code = codeOf(error) ?? String(error);
  if (code === "EMFILE" || code === "ENOSPC")
    return `this user's inotify instances or watches are used up (fs.inotify.max_user_instances, ${code})`;
  return code === "EACCES" ? `the folder ${folder} may not be read (EACCES)` : `${folder}: ${code}`;
}
