/**
 * A lab without typing: `edge-lb --discover net:192.168.125.0/24 --dns 192.168.125.1:53` on a hypervisor, machines of mixed clusters that boot one after
 * the other, and a client that knows nothing but the hypervisor's name server.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chromium, type Browser } from "playwright-core";
import { command } from "../../scripts/lab/command.ts";
import { edgeLbArgv, startEdgeLb, type EdgeLb } from "../../scripts/lab/edge-lb.ts";
import { BRIDGE_IP, MachineNetwork, REAL_PORTS } from "../../scripts/lab/machine-network.ts";
import { whyNoNetwork } from "../../scripts/lab/netns.ts";
import { until } from "../../scripts/lab/small-lab.ts";
import { createAuthority, type Authority } from "../../scripts/lab/toy/certificate.ts";
import type { NodeCertificates, ToyNode } from "../../scripts/lab/toy/node.ts";

/** From a cluster's first answer until clients reach it. */
const REACHED_MS = 10_000;
const { api, https, http, ready } = REAL_PORTS;
const ROLES = { all: REAL_PORTS, api: { api }, ingress: { https, http, ready }, k3s: { api, https, http } } as const;

interface Booted {
  readonly name: string;
  /** Who answers for the API, and where the apps are; k3s shows no name of those. */
  readonly apiName: string;
  readonly appName: string | null;
  readonly roles: readonly (keyof typeof ROLES)[];
  /** Last byte of the first address. */
  readonly first: number;
  readonly certificates: (authority: Authority) => Promise<NodeCertificates>;
}

function openShift(name: string, domain: string, first: number, roles: Booted["roles"]): Booted {
  const certificates = async (authority: Authority): Promise<NodeCertificates> => ({
    api: await authority.issue({ names: [`api.${domain}`, `api-int.${domain}`] }),
    https: await authority.issue({ names: [`*.apps.${domain}`] }),
  });
  return { name, apiName: `api.${domain}`, appName: `console.apps.${domain}`, roles, first, certificates };
}

const HUB = openShift("hub", "hub.linuxera.lab", 20, ["all", "all", "all"]);
const CLUSTERS: readonly Booted[] = [
  HUB,
  openShift("split", "split.linuxera.lab", 30, ["api", "api", "ingress", "ingress"]),
  openShift("sno", "sno.example.lab", 40, ["all"]),
  {
    name: "k3s",
    apiName: "k3s.example.lab",
    appName: null,
    roles: ["k3s"],
    first: 50,
    certificates: async (authority) => ({
      api: await authority.issue({ names: ["kubernetes", "kubernetes.default.svc", "localhost", "k3s.example.lab"] }),
      https: await authority.issue({ names: ["a1b2.traefik.default"] }),
    }),
  },
];

describe.if(whyNoNetwork() === null)("a lab without typing", () => {
  let network: MachineNetwork;
  let edge: EdgeLb;
  let browser: Browser;
  const nodes: ToyNode[] = [];

  beforeAll(async () => {
    network = MachineNetwork.open();
    const argv = [...network.hypervisor, ...edgeLbArgv()];
    const launch = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];
    const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync"];
    const executablePath = network.clientProgram("chromium");
    [edge, browser] = await Promise.all([
      startEdgeLb(["--discover", "net:192.168.125.0/24", "--dns", `${BRIDGE_IP}:53`], { argv, alone: false }),
      chromium.launch({ executablePath, args: [...launch, ...quiet] }),
    ]);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await edge?.stop();
    await Promise.all(nodes.map((node) => node.kill()));
    network?.close();
  }, 30_000);

  async function onHypervisor(...words: readonly string[]): Promise<string> {
    const there = ["nsenter", "--target", String(edge.pid), "--mount", "--net"];
    return (await command([...there, ...edgeLbArgv(), ...words])).out;
  }

  /** @returns the file with its authority */
  async function boot(cluster: Booted): Promise<string> {
    const { name, roles, first } = cluster;
    const authority = await createAuthority(name);
    const certificates = await cluster.certificates(authority);
    const start = (role: keyof typeof ROLES, at: number): Promise<ToyNode> => {
      const ip = `192.168.125.${first + at}`;
      return network.boot({ cluster: name, node: `${name}-${first + at}`, ip, ports: ROLES[role], certificates });
    };
    nodes.push(...(await Promise.all(roles.map(start))));
    return network.file(`${name}.pem`, authority.ca);
  }

  async function curl(ca: string, url: string): Promise<string> {
    const { out } = await command([...network.client, "curl", "--silent", "--max-time", "8", "--cacert", ca, url]);
    return out === "" ? "" : String(JSON.parse(out).cluster);
  }

  async function kubectl(ca: string, apiName: string, path: string): Promise<string> {
    const server = [
      "--server",
      `https://${apiName}:6443`,
      "--certificate-authority",
      ca,
      "--request-timeout",
      "5s",
      "--token",
      "any",
    ];
    const { out, err } = await command([...network.client, "kubectl", ...server, "get", "--raw", path], {
      env: { KUBECONFIG: "/dev/null", HOME: "/nonexistent" },
    });
    return out === "" ? err : out;
  }

  async function browse(name: string): Promise<string> {
    const page = await browser.newPage({ ignoreHTTPSErrors: true });
    try {
      await page.goto(`https://${name}/`, { timeout: 15_000 });
      return String(JSON.parse((await page.locator("body").textContent()) ?? "").cluster);
    } finally {
      await page.close();
    }
  }

  test.each(CLUSTERS.map((cluster) => [cluster.name, cluster] as const))(
    "%s boots, and its names lead curl, kubectl and a browser to it",
    async (name, cluster) => {
      const ca = await boot(cluster);
      const { apiName, appName } = cluster;
      const urls = [
        `https://${apiName}:6443/version`,
        ...(appName === null ? [] : [`https://${appName}/`, `http://${appName}/`]),
      ];
      const isReached = async (): Promise<boolean> =>
        (await Promise.all(urls.map((url) => curl(ca, url)))).every((who) => who === name);
      await until(`${urls} are ${name}'s`, isReached, REACHED_MS);
      const [version, health, seen] = await Promise.all([
        kubectl(ca, apiName, "/version"),
        kubectl(ca, apiName, "/readyz"),
        appName === null ? name : browse(appName),
      ]);
      expect([JSON.parse(version).cluster, health, seen]).toEqual([name, "ok", name]);
    },
    120_000,
  );

  test("a machine that loses its power takes no client with it", async () => {
    const [node, ca] = [nodes.find(({ ip }) => ip === "192.168.125.20"), network.path("hub.pem")];
    if (node === undefined) throw new Error("192.168.125.20 has not booted");
    await network.powerOff(node);
    for (let round = 0; round < 4; round++) expect(await curl(ca, `https://${HUB.apiName}:6443/version`)).toBe("hub");
    await until("the node is shown as dead", async () => /192\.168\.125\.20 +dead/.test(await onHypervisor("status")));
    expect(await curl(ca, `https://${HUB.appName}/`)).toBe("hub");
  }, 120_000);

  test("a rogue with copied names never gets a byte", async () => {
    const certificates = await HUB.certificates(await createAuthority("hub"));
    const from = edge.logs().length;
    const ip = "192.168.125.10";
    const rogue = await network.boot({ cluster: "rogue", node: "rogue", ip, ports: ROLES.all, certificates });
    nodes.push(rogue);
    await edge.logged(/foreign: 192\.168\.125\.10 shows \S+ signed by another authority/, from);
    const ca = network.path("hub.pem");
    for (let round = 0; round < 4; round++) {
      expect(await curl(ca, `https://${HUB.apiName}:6443/version`)).toBe("hub");
      expect(await curl(ca, `http://${HUB.appName}/`)).toBe("hub");
    }
    const { api: ofApi, https: ofHttps, http: ofHttp } = await rogue.counters();
    expect([ofApi.requests, ofHttps.requests, ofHttp.connections]).toEqual([0, 0, 0]);
    expect(await onHypervisor("status", "--json")).not.toContain(`"${ip}"`);
  }, 120_000);
});
