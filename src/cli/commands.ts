/** Every command: what it is called, what it takes. What it does is in the file of its name. */

/** A flag of one command that takes no value. */
export interface Switch {
  readonly flag: string;
  readonly help: string;
  readonly available?: false;
}

export interface CommandSpec {
  readonly name: string;
  /** Arguments as help shows them: `<NAME|URL>` must be there, `[FILE]` may. */
  readonly args: string;
  readonly help: string;
  /** Takes the option table. */
  readonly settings: boolean;
  readonly switches: readonly Switch[];
  /** `false`: known, refused in this version. */
  readonly available: boolean;
}

function command(name: string, help: string, more: Partial<CommandSpec> = {}): CommandSpec {
  return { name, help, args: "", settings: false, switches: [], available: true, ...more };
}

const LATER = { available: false } as const;

/** The first one is meant when none is named. */
export const COMMANDS: readonly CommandSpec[] = [
  command("run", "Serve; what edge-lb does when no command is named", { settings: true }),
  command("check", "Find every mistake in flags and file, start nothing", {
    settings: true,
    switches: [{ flag: "live", help: "Look at DNS, ports, rights and nodes too", available: false }],
  }),
  command("explain", "Say where a name or URL goes, and why", { args: "<NAME|URL>", settings: true }),
  command("version", "Print the version"),
  command("status", "Show clusters, nodes and connections", LATER),
  command("reload", "Read the file again", LATER),
  command("add", "Add a cluster while running", LATER),
  command("rm", "Remove a cluster while running", LATER),
  command("drain", "Take a node out gently", LATER),
  command("import", "Turn a haproxy.cfg into YAML or flags, with a report on every line", {
    args: "<FILE|->",
    switches: [
      { flag: "format <yaml|flags>", help: "What to write (yaml)" },
      { flag: "out <FILE>", help: "Write it there, and the report to stdout" },
      {
        flag: "domain <DOMAIN>",
        help: "For a source that tells no names: api.DOMAIN and *.apps.DOMAIN are its cluster's",
      },
      { flag: "verify", help: "Ask both for every name of the source and its near misses, print the differences" },
      { flag: "json", help: "Report as JSON" },
    ],
  }),
  command("export", "Write a config for HAProxy or nginx that serves the same clusters", {
    args: "<haproxy|nginx>",
    settings: true,
  }),
  command("dns", "Print the DNS records the clusters need", LATER),
];

export function findCommand(name: string): CommandSpec | undefined {
  return COMMANDS.find((command) => command.name === name);
}
