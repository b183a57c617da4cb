/** A machine with four source ports: the fifth connection to one node has none, and everybody is told what it is. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { edgeLbArgv } from "../../scripts/lab/edge-lb.ts";
import { type HealthLab, startHealthLab } from "../../scripts/lab/health-lab.ts";
import { type HeldTunnel, holdTunnel } from "../../scripts/lab/held-tunnel.ts";
import { type FarNetwork, openFarNetwork, whyNoNetwork } from "../../scripts/lab/netns.ts";

const NODES = 3;
const PORTS = 4;

const why = whyNoNetwork();
if (why !== null) console.error(`source-ports: skipped, ${why}`);

describe.skipIf(why !== null)("source ports", () => {
  let net: FarNetwork;
  let lab: HealthLab;
  const tunnels: HeldTunnel[] = [];
  beforeAll(async () => {
    net = openFarNetwork([20, 21, 22]);
    const range = `50000 ${50_000 + PORTS - 1}`;
    const [command = "", ...args] = [...net.prefix, "sysctl", "-qw", `net.ipv4.ip_local_port_range=${range}`];
    expect(spawnSync(command, args, { encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
    const argv = [...net.prefix, ...edgeLbArgv()];
    lab = await startHealthLab({ block: net.block, at: net.edge, argv, items: "check=off" });
  });
  afterAll(async () => {
    for (const tunnel of tunnels) tunnel.close();
    await lab?.stop();
    net?.close();
  });

  test("the next node is taken while there is one, then the client hears of a limit; the log warns before and says why after", async () => {
    for (let i = 0; i < NODES * PORTS; i++) tunnels.push(await holdTunnel(lab.door("api")));
    expect(await holdTunnel(lab.door("api")).then(() => "open", String)).toContain("ALERT_INTERNAL_ERROR");
    await lab.edge.logged(/"end":"limit reached","note":"3 tried, last: no-ports"/);
    await lab.edge.logged(/source ports run short: 4 of 4 towards [^ ]+ are in use; .*tcp_tw_reuse=1/);
    await lab.edge.logged(/no source port left towards a node: .*tcp_tw_reuse=1/);
  });
});
