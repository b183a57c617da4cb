/** What `check --live` checks besides the configuration; everything it asks has an end in time. */
import type { Config } from "../config/model.ts";
import { checkClientSource } from "./client-source.ts";
import { checkClusters } from "./clusters.ts";
import { checkDns } from "./dns.ts";
import { checkDnsServer } from "./dns-server.ts";
import type { LiveEnvironment } from "./environment.ts";
import type { FindingGroup } from "./finding.ts";
import { checkFirewall } from "./firewall.ts";
import { checkMachine, checkPorts } from "./machine.ts";
import { checkPrograms } from "./programs.ts";

/** Machine, firewall, ports and nodes at once; then DNS, which may need a domain that certificates gave away. */
export async function runLiveCheck(config: Config, environment: LiveEnvironment): Promise<readonly FindingGroup[]> {
  const [machine, firewall, source, programs, ports, clusters] = await Promise.all([
    checkMachine(config, environment),
    checkFirewall(config, environment),
    checkClientSource(config, environment),
    checkPrograms(config),
    checkPorts(config, environment),
    checkClusters(config, environment),
  ]);
  const dns = await checkDns(config, clusters.domains, environment);
  const server = await checkDnsServer(config, clusters.domains, environment);
  return [
    { title: "machine", findings: [...machine, ...firewall, ...source, ...programs] },
    { title: "ports", findings: ports },
    { title: "dns", findings: [...dns, ...server] },
    ...clusters.groups,
  ].filter(({ findings }) => findings.length > 0);
}
