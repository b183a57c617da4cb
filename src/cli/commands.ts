/** Every command: what it is called, what it takes. What it does is in the file of its name. */
import { GLOBAL, TOP_ROWS } from "../config/options.ts";
import type { Option } from "../config/option.ts";

/** A flag that is no setting: of one command. */
export interface Switch {
  readonly flag: string;
  readonly help: string;
  /** What its value is, as help shows it; left out: it takes none. */
  readonly value?: string;
}

export interface CommandSpec {
  readonly name: string;
  /** Arguments as help shows them: `<NAME|URL>` must be there, `[FILE]` may. */
  readonly args: string;
  readonly help: string;
  /** Makes a configuration of its own, and so takes the whole option table. */
  readonly settings: boolean;
  /** Speaks to the instance that runs. */
  readonly live: boolean;
  readonly switches: readonly Switch[];
}

function command(name: string, help: string, more: Partial<CommandSpec> = {}): CommandSpec {
  return { name, help, args: "", settings: false, live: false, switches: [], ...more };
}

const SAVE: Switch = { flag: "save", help: "Write it to the file, comments and order stay" };

/** The first one is meant when none is named. */
export const COMMANDS: readonly CommandSpec[] = [
  command("run", "Serve; what edge-lb does when no command is named", { settings: true }),
  command("check", "Find every mistake in flags and file, start nothing", {
    settings: true,
    switches: [{ flag: "live", help: "Look at DNS, ports, rights and nodes too" }],
  }),
  command("explain", "Say where a name or URL goes, and why", { args: "<NAME|URL>", settings: true }),
  command("version", "Print the version"),
  command("status", "Show clusters, nodes and connections of the edge-lb that runs", {
    live: true,
    switches: [
      { flag: "json", help: "Everything there is, as JSON" },
      { flag: "watch", help: "Keep it on the screen; ? lists the keys" },
    ],
  }),
  command("reload", "Read the file again, say what changed", { live: true }),
  command("add", "Add or replace a cluster while running; until a restart, or for good with --save", {
    args: "<NAME=ITEM[,ITEM...]>",
    live: true,
    switches: [SAVE],
  }),
  command("rm", "Remove a cluster while running; its tunnels get the drain time", {
    args: "<NAME>",
    live: true,
    switches: [{ flag: "now", help: "Cut its tunnels at once" }, SAVE],
  }),
  command("drain", "Take a node out for new clients; its tunnels get the drain time", {
    args: "<CLUSTER/NODE>",
    live: true,
    switches: [{ flag: "undo", help: "Put it back" }],
  }),
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
  command("dns", "Print the DNS records the clusters need", {
    settings: true,
    switches: [
      { flag: "for", value: "ADDRESS", help: "What the names resolve to (the listener's address)" },
      { flag: "format", value: "hosts|dnsmasq|bind|libvirt", help: "One of them (all)" },
    ],
  }),
];

/** The settings that a command takes as flags. */
export function optionsOf({ settings, live }: CommandSpec): readonly Option<unknown>[] {
  if (settings) return TOP_ROWS;
  return live ? [GLOBAL.control] : [];
}

export function findCommand(name: string): CommandSpec | undefined {
  return COMMANDS.find((command) => command.name === name);
}
