/** Tells when the text of the configuration file changed. */
import { readFileSync, watch, type FSWatcher } from "node:fs";
import { basename, dirname } from "node:path";

/** Editors write in several steps: read once they are done. */
const SETTLE_MS = 200;

export class FileWatch {
  private readonly file: string;
  private readonly onChange: () => void;
  private readonly watcher: FSWatcher;
  private text: string | null;
  private settling: ReturnType<typeof setTimeout> | undefined;

  /** Watches from now on. The file's folder is watched, since editors replace files. */
  constructor(file: string, onChange: () => void) {
    this.file = file;
    this.onChange = onChange;
    this.text = readText(file);
    this.watcher = watch(dirname(file) || ".", (_event, name) => this.touched(name));
    this.watcher.on("error", () => this.watcher.close()); // the folder is gone; SIGHUP still works
  }

  stop(): void {
    clearTimeout(this.settling);
    this.watcher.close();
  }

  private touched(name: string | null): void {
    if (name !== null && name !== basename(this.file)) return;
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.compare(), SETTLE_MS);
  }

  private compare(): void {
    const now = readText(this.file);
    if (now === null || now === this.text) return;
    this.text = now;
    this.onChange();
  }
}

/** Null between two steps of an editor, when there is no file. */
function readText(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}
