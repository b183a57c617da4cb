/**
 * A machine to try things on: this one's files below an overlay that takes what is written, gone afterwards. Programs in it see what this machine
 * has, and can break none of it; systemd does not seem to run there. Linux, as root.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command, type CommandOptions, type CommandResult } from "./command.ts";
import { program } from "./programs.ts";

/** `$1` is an empty folder. Says `ready` once the machine is there, and keeps it until stdin ends. */
const ENTER = `
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount -t tmpfs tmpfs "$1/root/run"
mount -t tmpfs tmpfs "$1/root/mnt"
exec chroot "$1/root" sh -c 'echo ready; exec cat'
`;

export class ScratchRoot {
  private readonly folder: string;
  private readonly holder: Bun.Subprocess<"pipe", "pipe", "inherit">;

  private constructor(folder: string, prefix: readonly string[]) {
    this.folder = folder;
    writeFileSync(join(folder, "enter.sh"), ENTER);
    mkdirSync(join(folder, "root"));
    const mounts = [program("unshare"), "--mount", "--propagation", "private"];
    const argv = [...prefix, ...mounts, "sh", join(folder, "enter.sh"), join(folder, "root")];
    this.holder = Bun.spawn(argv, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  }

  /** @param prefix Put before a command line, it runs in another network. */
  static async open(prefix: readonly string[] = []): Promise<ScratchRoot> {
    const root = new ScratchRoot(mkdtempSync(join(tmpdir(), "edge-lb-root-")), prefix);
    const { done } = await root.holder.stdout.getReader().read();
    if (!done) return root;
    await root.close();
    throw new Error("Cannot make a scratch root: an overlay of / is what this machine does not let us mount");
  }

  /** Put before a command line, it runs there, in a folder with nothing in it. */
  get prefix(): readonly string[] {
    const target = ["--target", String(this.holder.pid)];
    return [program("nsenter"), ...target, "--mount", "--net", "--root", "env", "--chdir=/mnt"];
  }

  /** Runs a script of sh there, until its first line that fails. */
  sh(script: string, options: CommandOptions = {}): Promise<CommandResult> {
    return command([...this.prefix, "sh", "-e", "-c", script], options);
  }

  async close(): Promise<void> {
    this.holder.stdin.end();
    await this.holder.exited;
    rmSync(this.folder, { recursive: true, force: true }); // its mounts ended with the process
  }
}
