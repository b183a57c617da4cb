/** A file to begin with: the article's lab, and every setting with its default, as a comment. */
import { CLUSTER_KEYS } from "./cluster-options.ts";
import type { Option } from "./option.ts";
import { SECTIONS } from "./options.ts";

/** A `#` without a blank behind it stands before a setting that could be used as it is; prose has the blank. */
export function exampleFile(): string {
  return `${[INTRO, CLUSTERS, clusterKeys(), ...SECTIONS.flatMap(sectionLines)].join("\n\n")}\n`;
}

const INTRO = `# edge-lb: put many Kubernetes clusters behind one address.
# Every mistake in this file, and what the machine lacks: edge-lb check --live -c FILE
# A change takes effect by itself within seconds, and never with a mistake in it; what says (restart) waits for one.
# Keys and values in an editor: edge-lb schema > edge-lb.schema.json, then
# yaml-language-server: $schema=edge-lb.schema.json`;

const CLUSTERS = `# cluster hub gets api.hub.linuxera.lab and *.apps.hub.linuxera.lab, unless it says otherwise
domain: linuxera.lab

clusters:
  # the API is on .20 to .22, the routers are on .23 to .25
  hub:
    domain: hub-cluster.linuxera.lab
    api: 192.168.125.20-22
    ingress: 192.168.125.23-25
  # which node serves what, edge-lb finds out
  managed1:
    nodes: 192.168.125.30-35
  managed2:
    nodes: [192.168.125.40-42, worker-1.linuxera.lab]`;

/** What the lab above says of itself. */
const SHOWN: ReadonlySet<string> = new Set(["nodes", "api", "ingress"]);

function clusterKeys(): string {
  const options = [...CLUSTER_KEYS.values()].filter(({ item, yaml }) => yaml !== null && !SHOWN.has(item ?? ""));
  return [
    "    # what else a cluster may say",
    ...options.map((option) => settingLine(option, option.item ?? "", "    ")),
  ].join("\n");
}

function sectionLines({ title, options }: (typeof SECTIONS)[number]): readonly string[] {
  const inFile = options.filter(({ yaml }) => yaml !== null && yaml !== "domain");
  const groups = [...new Set(inFile.map(groupOf))];
  const blocks = groups.flatMap((group) => {
    const members = inFile.filter((option) => groupOf(option) === group);
    if (group === "") return members.map((option) => settingLine(option, option.yaml ?? "", ""));
    return [`#${group}:`, ...members.map((option) => settingLine(option, option.item ?? "", "  "))];
  });
  return blocks.length === 0 ? [] : [[`# ${title}`, ...blocks].join("\n")];
}

/** `timeouts` of `timeouts.hello`; "" of a key that stands alone. */
function groupOf({ yaml }: Option<unknown>): string {
  return yaml?.includes(".") === true ? (yaml.split(".")[0] ?? "") : "";
}

/** In a row, where helps begin. */
const HELP_COLUMN = 44;

function settingLine(option: Option<unknown>, key: string, indent: string): string {
  const { fallback, fallbackShown, value, help, reload } = option;
  const restart = reload ? "" : " (restart)";
  if (typeof fallback === "string") {
    return `${`${indent}#${key}: ${scalar(fallback)}`.padEnd(HELP_COLUMN)} # ${help}${restart}`;
  }
  return `${`${indent}# ${key}: ${value}`.padEnd(HELP_COLUMN)} # ${help} (${fallbackShown || "none"})${restart}`;
}

/** `:6443` would be a mistake without quotes. */
function scalar(text: string): string {
  return /^[A-Za-z0-9/][A-Za-z0-9./-]*$/.test(text) ? text : JSON.stringify(text);
}
