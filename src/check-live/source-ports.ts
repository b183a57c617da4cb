/** Whether connections to nodes have ports to leave from. */
import { MANY_PORTS, REUSE_PORTS, type SourcePorts } from "../control/machine/source-ports.ts";
import { type Finding, ok, warn } from "./finding.ts";

/** A port waits as long after its connection, in TIME_WAIT. */
const WAIT_SECONDS = 60;

export function checkSourcePorts(ports: SourcePorts | null | undefined): readonly Finding[] {
  if (ports === null || ports === undefined) return [];
  const { count, reused, busiest } = ports;
  const most = busiest === null ? "none" : `at most ${busiest.used} (to ${busiest.to})`;
  const text = `source ports: ${count} towards each node, ${most} in use`;
  if (busiest !== null && busiest.used > count * MANY_PORTS) {
    const reuse = reused ? [] : [`sudo ${REUSE_PORTS}`];
    return [warn(text, ...reuse, 'sudo sysctl -w net.ipv4.ip_local_port_range="1024 65535"')];
  }
  if (reused) return [ok(`${text}, and used again at once (tcp_tw_reuse)`)];
  const rate = Math.floor(count / WAIT_SECONDS);
  return [ok(`${text}; enough for ${rate} short connections a second to each, more with net.ipv4.tcp_tw_reuse=1`)];
}
