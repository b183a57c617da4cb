/** `edge-lb discover SOURCE...`: looks once which clusters there are. */
import { readSource, sourceText, splitSources, type DiscoverSource } from "../../config/values/discover-source.ts";
import { Problems, quote } from "../../config/values/text.ts";
import { choice } from "../../config/values/values.ts";
import { findClusters } from "../../core/discover/clusters.ts";
import { flagsText, notesOf, yamlText } from "../../discover/findings-text.ts";
import { Looker } from "../../discover/look.ts";
import { Neighbours } from "../../discover/neighbours.ts";
import { lookOnce, type Outcome } from "../../discover/once.ts";
import { openSource } from "../../discover/open-source.ts";
import { Pacer } from "../../discover/pacer.ts";
import { EdgeError } from "../../errors.ts";
import { command } from "../line/command.ts";
import { oneWord } from "../line/command-option.ts";
import { EXIT } from "../terminal/exit-code.ts";

export const DISCOVER = command({
  name: "discover",
  help: "Look once which clusters there are, by the certificates that addresses show",
  args: [{ shown: "SOURCE", count: "any", completes: ["net:", "libvirt", "proxmox:https://", "kubeconfig:"] }],
  options: { format: oneWord(choice("yaml", "flags"), "A file, or flags (yaml)") },
  synonyms: ["find", "scan"],
  async run({ args, options: { format }, io }) {
    const specs = readSources(args);
    const sources = specs.map((spec) => openSource(spec, { env: io.env }));
    const neighbours = new Neighbours();
    const looker = new Looker({ pacer: new Pacer(), isAbsent: (ip) => neighbours.isAbsent(ip) });
    const outcome = await lookOnce(sources, looker);
    const input = inputOf(specs, outcome);
    io.out(format === "flags" ? flagsText(input) : yamlText(input));
    if (format === "flags") for (const note of notesOf(input)) io.err(`${note}\n`);
    for (const fault of outcome.faults) io.err(`edge-lb: ${fault.toLine()}\n`);
    return outcome.faults.length === 0 ? EXIT.done : EXIT.failed;
  },
});

/** @throws EdgeErrors with every source that cannot be one */
function readSources(args: readonly string[]): readonly DiscoverSource[] {
  const texts = args.flatMap(splitSources);
  if (texts.length === 0) {
    throw new EdgeError("USAGE", "Cannot discover: 0 sources found, at least 1 wanted", {
      hint: "edge-lb discover net:192.168.125.0/24",
    });
  }
  const problems = new Problems();
  const specs = texts.flatMap((text) => {
    const read = readSource(text);
    if (read.ok) return [read.value];
    problems.add(
      "",
      `Cannot discover ${quote(text)}: ${read.found ?? quote(text)} found, ${read.wanted} wanted`,
      read.hint,
      "USAGE",
    );
    return [];
  });
  problems.throwIfAny();
  return specs;
}

function inputOf(
  specs: readonly DiscoverSource[],
  { seen, belonging, asked, answered }: Outcome,
): Parameters<typeof yamlText>[0] {
  const ports = new Map(seen.map((each) => [each.ip, each.ports]));
  return {
    findings: findClusters(belonging, []),
    portsOf: (ip) => ports.get(ip) ?? {},
    sources: specs.map(sourceText),
    asked,
    answered,
  };
}
