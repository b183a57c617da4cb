/**
 * A machine to install on: this one's files below an overlay that takes what is written, gone afterwards. Programs in it see what this machine has,
 * and can break none of it. Linux, as root.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command, type CommandResult } from "./command.ts";

/** `$1` an empty folder, `$2` what runs there, by sh. systemd is not seen to run: /run is empty. */
const ENTER = `
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount -t tmpfs tmpfs "$1/root/run"
exec chroot "$1/root" sh "$2"
`;

/** Runs a script of sh there, from its first line to the first that fails. */
export async function inScratchRoot(script: string, timeoutMs: number): Promise<CommandResult> {
  const folder = mkdtempSync(join(tmpdir(), "edge-lb-root-"));
  const [enter, inside, root] = [join(folder, "enter.sh"), join(folder, "inside.sh"), join(folder, "root")];
  writeFileSync(enter, ENTER);
  writeFileSync(inside, `set -e\n${script}\n`);
  try {
    const mounts = ["unshare", "--mount", "--propagation", "private"];
    return await command([...mounts, "sh", "-c", `mkdir "$1" && exec sh "$0" "$@"`, enter, root, inside], {
      timeoutMs,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true }); // its mounts ended with the process
  }
}
