/** `edge-lb man`: the manual page as roff, from the commands and the option table. */
import manifest from "../../../package.json" with { type: "json" };
import { CLUSTER_KEYS } from "../../config/options/cluster-options.ts";
import type { Option } from "../../config/options/option.ts";
import { SECTIONS } from "../../config/options/options.ts";
import { argumentsText, command, type Command } from "../line/command.ts";
import { EXIT } from "../terminal/exit-code.ts";
import { describeOption, EXAMPLE, flagText, optionForm } from "./help.ts";

export const MAN = command({
  name: "man",
  help: "Print the manual page (roff): edge-lb man | man -l -",
  run({ io, commands }) {
    io.out(manPage(commands));
    return EXIT.done;
  },
});

export function manPage(commands: readonly Command[]): string {
  const lines = [
    // no date: the same release gives the same page
    `.TH EDGE\\-LB 1 "" "edge\\-lb ${roff(manifest.version)}" "User Commands"`,
    ...section("NAME", [`edge\\-lb \\- ${roff("many Kubernetes and OpenShift clusters behind one IP")}`]),
    ...section("SYNOPSIS", SYNOPSIS),
    ...section("DESCRIPTION", DESCRIPTION.map(roff)),
    ...section("COMMANDS", commands.flatMap(commandLines)),
    ...section("OPTIONS", SECTIONS.flatMap(sectionLines)),
    ...section("KEYS OF A CLUSTER", clusterLines()),
    ...section("EXIT STATUS", tagged(EXIT_STATUS)),
    ...section("SIGNALS", tagged(SIGNALS)),
    ...section("ENVIRONMENT", tagged(ENVIRONMENT)),
    ...section("FILES", tagged(FILES)),
    ...section("EXAMPLES", EXAMPLES.flatMap(exampleLines)),
    ...section("SEE ALSO", ["\\fBkubectl\\fR(1), \\fBhaproxy\\fR(1), \\fBsystemctl\\fR(1)"]),
  ];
  return `${lines.join("\n")}\n`;
}

const SYNOPSIS = [
  "\\fBedge\\-lb\\fR [\\fBrun\\fR] \\fB\\-\\-cluster\\fR \\fINAME\\fR=\\fINODE\\fR[,\\fINODE\\fR...] [\\fIOPTION\\fR...]",
  ".br",
  "\\fBedge\\-lb\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR...]",
];

const DESCRIPTION = [
  "edge-lb accepts connections on the ports of a Kubernetes API (6443) and of an ingress (443, 80) and hands each to the cluster " +
    "it is meant for: by the server name of the TLS hello, or by the Host of an HTTP request. It terminates no TLS.",
];

const EXIT_STATUS = [
  ["0", "Done"],
  ["1", "It failed while running, or what was asked for is not so"],
  ["2", "The command line or the file is wrong; nothing ran"],
  ["3", "import: something of the source could not be carried over"],
] as const;

const SIGNALS = [
  ["SIGTERM, SIGINT", "Take nothing new, give open connections the drain time, end; a second one ends at once"],
  ["SIGHUP", "Read the file again and open log files anew; without a file, end"],
  ["SIGUSR2", "Have the executable that now stands at this one's path take over, as upgrade does"],
] as const;

const ENVIRONMENT = [
  ["EDGE_LB_ADMIN_AUTH", "USER:PASSWORD that viewers of the status page are asked for"],
  ["RUNTIME_DIRECTORY", "Set by systemd for RuntimeDirectory=: where the control socket of a service is"],
  ["XDG_RUNTIME_DIR", "Where the control socket of a user other than root is"],
  ["NOTIFY_SOCKET, WATCHDOG_USEC", "Set by systemd: it is told of readiness, reloads and life"],
] as const;

const FILES = [
  ["/etc/edge-lb.yaml", "What the service of `edge-lb install` and of the packages reads"],
  ["/run/edge-lb.sock, /run/edge-lb/control.sock", "The control socket of root, and of the service"],
] as const;

const EXAMPLES = [
  ["Two clusters, found by their names:", EXAMPLE],
  ["Every mistake in a file, and what the machine lacks:", "edge-lb check --live -c lab.yaml"],
  ["Where a name goes, and why:", "edge-lb explain console.apps.hub.linuxera.lab"],
] as const;

function commandLines(each: Command): readonly string[] {
  const usage = [`\\fB${roff(each.name)}\\fR`, roff(argumentsText(each))].filter((part) => part !== "").join(" ");
  const options = Object.entries(each.options).map(
    ([flag, option]) => [optionForm(flag, option), option.help] as const,
  );
  const inner = options.length === 0 ? [] : [".RS", ...tagged(options), ".RE"];
  return [".TP", usage, roff(each.help), ...inner];
}

function sectionLines({ title, options }: (typeof SECTIONS)[number]): readonly string[] {
  return [`.SS "${roff(title)}"`, ...tagged(options.map((option) => [flagText(option), settingText(option)]))];
}

function clusterLines(): readonly string[] {
  const keys = [...CLUSTER_KEYS.values()].map(
    (option) => [`${option.item}=${option.value}`, settingText(option)] as const,
  );
  return [
    roff("Of --cluster, where an item without = continues the key before it, and of clusters.NAME in the file."),
    ...tagged(keys),
  ];
}

function settingText(option: Option<unknown>): string {
  const file = option.yaml === null || option.flag === "cluster" ? "" : `; in the file ${option.yaml}`;
  return `${describeOption(option)}${file}`;
}

function exampleLines([text, line]: readonly [string, string]): readonly string[] {
  return [".PP", roff(text), ".PP", ".RS", ".nf", roff(line), ".fi", ".RE"];
}

function tagged(entries: readonly (readonly [string, string])[]): readonly string[] {
  return entries.flatMap(([tag, text]) => [".TP", `\\fB${roff(tag)}\\fR`, roff(text)]);
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return [`.SH "${title}"`, ...lines];
}

/** A text that roff prints as it is, also at the start of a line. */
function roff(text: string): string {
  const escaped = text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll('"', "\\(dq");
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}
