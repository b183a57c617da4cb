/** Programs that make packages. */
import { existsSync } from "node:fs";

/**
 * What a command prints.
 * @throws Error with its last lines when it fails, or what to install when it is not there
 */
export function textOf(argv: readonly [string, ...string[]], options: { readonly cwd?: string } = {}): string {
  const [name] = argv;
  if (name.includes("/") && !existsSync(name))
    throw new Error(`Cannot run ${name}: there is no such file; build it first`);
  if (!name.includes("/") && Bun.which(name) === null)
    throw new Error(`Cannot run ${name}: it is not installed${hint(name)}`);
  const { exitCode, stdout, stderr } = Bun.spawnSync([...argv], {
    ...options,
    env: { ...process.env }, // with what was set since the start: SOURCE_DATE_EPOCH
    stdout: "pipe",
    stderr: "pipe",
  });
  if (exitCode === 0) return stdout.toString();
  const said = `${stdout}${stderr}`.trim().split("\n").slice(-5).join("\n");
  throw new Error(`Cannot run ${argv.join(" ")}: it ended with ${exitCode}\n${said}`);
}

/** Debian's packages of the programs that a machine may lack. */
function hint(name: string): string {
  const packages: Readonly<Record<string, string>> = { rpmbuild: "rpm", "dpkg-deb": "dpkg" };
  const found = packages[name];
  return found === undefined ? "" : `; apt-get install ${found}`;
}
