/** What `check --live` looks at besides the configuration; every look is bounded in time. */
import type { Config } from "../config/model.ts";
import { checkClusters } from "./live-check-clusters.ts";
import { checkDns } from "./live-check-dns.ts";
import type { LiveEnvironment } from "./live-check-environment.ts";
import type { FindingGroup } from "./live-check-finding.ts";
import { checkFirewall } from "./live-check-firewall.ts";
import { checkMachine, checkPorts } from "./live-check-machine.ts";

/** Machine, firewall, ports and nodes at once; then DNS, which may need a domain that certificates gave away. */
export async function runLiveCheck(config: Config, environment: LiveEnvironment): Promise<readonly FindingGroup[]> {
  const [machine, firewall, ports, clusters] = await Promise.all([
    checkMachine(config, environment),
    checkFirewall(config, environment),
    checkPorts(config, environment),
    checkClusters(config, environment),
  ]);
  const dns = await checkDns(config, clusters.domains, environment);
  return [
    { title: "machine", findings: [...machine, ...firewall] },
    { title: "ports", findings: ports },
    { title: "dns", findings: dns },
    ...clusters.groups,
  ].filter(({ findings }) => findings.length > 0);
}
