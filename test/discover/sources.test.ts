import { afterAll, describe, expect, test } from "bun:test";
import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAuthority } from "../../scripts/lab/toy/certificate.ts";
import { readSource, type DiscoverSource } from "../../src/config/values/discover-source.ts";
import { openSource } from "../../src/discover/open-source.ts";

const folder = mkdtempSync(join(tmpdir(), "edge-lb-sources-"));
const stops: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
afterAll(() => {
  for (const stop of stops) stop();
});

function spec(text: string): DiscoverSource {
  const read = readSource(text);
  if (!read.ok) throw new Error(read.wanted);
  return read.value;
}
const find = (text: string, env: Readonly<Record<string, string>> = {}): Promise<unknown> =>
  openSource(spec(text), { env: { PATH: process.env["PATH"], ...env } }).find();

/** Answers JSON by path, to those with the right authorization; else 401. */
async function api(authorization: string, answers: Readonly<Record<string, unknown>>) {
  const authority = await createAuthority("api");
  const { cert, key } = await authority.issue({ names: ["localhost"] });
  const seen: string[] = [];
  const server = https.createServer({ cert, key }, (request, response) => {
    seen.push(request.headers.authorization ?? "");
    const known = answers[request.url ?? ""];
    response.statusCode = request.headers.authorization !== authorization ? 401 : known === undefined ? 500 : 200;
    response.end(JSON.stringify(known ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(() => server.close());
  const fingerprint = createHash("sha256").update(new X509Certificate(cert).raw).digest("hex");
  return { port: (server.address() as AddressInfo).port, fingerprint, ca: authority.ca, seen };
}

describe("libvirt", () => {
  test("gives the addresses of running domains that can be reached", async () => {
    writeFileSync(
      join(folder, "virsh"),
      `#!/bin/sh
case "$*" in
  "--readonly --connect qemu:///system list --name --state-running") printf 'hub 1\\n-odd\\n\\n';;
  *"--domain hub 1 --source lease"*) sleep 0.2; printf ' Name MAC Protocol Address\\n---\\n vnet0 52:54:00:00:00:01 ipv4 192.168.125.20/24\\n';;
  *"--domain hub 1 --source agent"*) printf ' lo 00:00:00:00:00:00 ipv4 127.0.0.1/8\\n eth0 52:54:00:00:00:01 ipv4 192.168.125.20/24\\n eth0 - ipv6 fe80::1/64\\n';;
  *"--domain -odd --source arp"*) printf ' vnet1 52:54:00:00:00:02 ipv4 192.168.125.21/0\\n';;
  *) echo "error: no agent" >&2; exit 1;;
esac
`,
      { mode: 0o755 },
    );
    const env = { PATH: `${folder}:${process.env["PATH"]}` };
    expect(await find("libvirt:qemu:///system", env)).toEqual([
      { ip: "192.168.125.20", label: "hub 1" },
      { ip: "192.168.125.21", label: "-odd" },
    ]);
    await expect(find("libvirt:qemu:///other", env)).rejects.toThrow("Cannot discover libvirt:qemu:///other: no agent");
  });

  test("says that there is no virsh", async () => {
    await expect(find("libvirt", { PATH: "/nowhere" })).rejects.toThrow("there is no program virsh");
  });
});

describe("proxmox", async () => {
  const token = "root@pam!edge=secret";
  const lab = await api(`PVEAPIToken=${token}`, {
    "/api2/json/cluster/resources?type=vm": {
      data: [
        { type: "qemu", status: "running", node: "pve", vmid: 100, name: "hub-1" },
        { type: "qemu", status: "stopped", node: "pve", vmid: 101 },
        { type: "qemu", status: "running", node: "pve", vmid: 103 },
        { type: "lxc", status: "running", node: "pve", vmid: 102, name: "k3s" },
      ],
    },
    "/api2/json/nodes/pve/qemu/100/agent/network-get-interfaces": {
      data: { result: [{ "ip-addresses": [{ "ip-address": "192.168.125.20" }, { "ip-address": "127.0.0.1" }] }] },
    },
    "/api2/json/nodes/pve/lxc/102/interfaces": { data: [{ inet: "192.168.125.40/24" }, { inet: 7 }] },
  });
  const at = `proxmox:https://127.0.0.1:${lab.port}`;
  const env = { EDGE_LB_PROXMOX_TOKEN: token };

  test("gives the addresses of running guests", async () => {
    expect(await find(`${at},fingerprint=${lab.fingerprint}`, env)).toEqual([
      { ip: "192.168.125.20", label: "hub-1" },
      { ip: "192.168.125.40", label: "k3s" },
    ]);
  });

  test("gives no token to a server with another certificate", async () => {
    const asked = lab.seen.length;
    await find(`${at},fingerprint=${"0".repeat(64)}`, env).then(
      () => expect.unreachable(),
      (error: Error) => expect(error.message).toContain(`fingerprint ${lab.fingerprint} found`),
    );
    await find(at, env).then(
      () => expect.unreachable(),
      (error: Error) => expect(error.message).toContain("certificate"),
    );
    expect(lab.seen.length).toBe(asked);
  });

  test("says that its token is refused", async () => {
    const wrong = { EDGE_LB_PROXMOX_TOKEN: "root@pam!edge=wrong" };
    await expect(find(`${at},fingerprint=${lab.fingerprint}`, wrong)).rejects.toThrow("answered with 401");
  });
});

describe("kubeconfig", async () => {
  const addresses = [{ address: "192.168.125.20" }, { address: "master-0" }];
  const lab = await api("Bearer t", { "/api/v1/nodes?limit=1000": { items: [{ status: { addresses } }] } });

  test("gives the addresses of nodes, and of the API", async () => {
    const file = join(folder, "kubeconfig");
    const cluster = {
      server: `https://127.0.0.1:${lab.port}`,
      "certificate-authority-data": Buffer.from(lab.ca).toString("base64"),
      "tls-server-name": "localhost",
    };
    const config = {
      contexts: [
        { name: "hub", context: { cluster: "hub", user: "admin" } },
        { name: "gone", context: { cluster: "none", user: "none" } },
      ],
      clusters: [{ name: "hub", cluster }],
      users: [{ name: "admin", user: { token: "t" } }],
    };
    writeFileSync(file, JSON.stringify(config));
    expect(await find(`kubeconfig:${file}`)).toEqual([{ ip: "192.168.125.20", label: "hub" }]);
  });

  test.each([
    ["", "no contexts found"],
    ["a: [", "the file cannot be read: no YAML"],
  ])("refuses %p", async (text, words) => {
    const file = join(folder, "bad");
    writeFileSync(file, text);
    await expect(find(`kubeconfig:${file}`)).rejects.toThrow(words);
  });
});
