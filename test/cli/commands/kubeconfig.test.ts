import { describe, expect, test } from "bun:test";
import { command } from "../../../scripts/lab/command.ts";
import { edgeLb } from "../running.ts";

const ONE = `apiVersion: v1
# of the installer
clusters:
- cluster:
    certificate-authority-data: ${"QUJD".repeat(60)}
    server: https://192.168.125.20:6443 # a node
    tls-server-name: old.lab
  name: kubernetes
kind: Config
`;
const TWO = `apiVersion: v1
kind: Config
current-context: b
contexts: [{ name: b, context: { cluster: two, user: u } }]
clusters:
- { name: one, cluster: { server: "https://api.hub.lab:6443" } }
- { name: two, cluster: { server: "https://10.0.0.2:6443" } }
`;
const HUB = ["--cluster", "hub=10.0.0.1", "--cluster", "x=10.0.0.3", "--domain", "lab"];

async function kubeconfig(argv: readonly string[], input = ONE) {
  return edgeLb(["kubeconfig", ...argv], { "-": input });
}

async function server(text: string, at = 0): Promise<unknown> {
  const { out } = await command(["kubectl", "config", "view", "--raw", "-o", "json", "--kubeconfig", "/dev/stdin"], {
    input: text,
  });
  return (JSON.parse(out) as { clusters: { cluster: unknown }[] }).clusters[at]?.cluster;
}

describe("kubeconfig", () => {
  test("has the only cluster reach edge-lb by name, everything else stays", async () => {
    const { code, out, err } = await kubeconfig(["hub", ...HUB]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toBe(
      ONE.replace("https://192.168.125.20:6443", "https://api.hub.lab:6443").replace(
        "    tls-server-name: old.lab\n",
        "",
      ),
    );
    expect(await server(out)).toMatchObject({ server: "https://api.hub.lab:6443" });
  });

  test.each([
    [["--address", "192.168.125.1"], "https://192.168.125.1:6443"],
    [["--address", "fd00::1", "--listen", "api=:7443"], "https://[fd00::1]:7443"],
  ])("goes by address and checks by name: %j", async (more, url) => {
    const { out } = await kubeconfig(["hub", ...HUB, ...more]);
    expect(await server(out)).toMatchObject({ server: url, "tls-server-name": "api.hub.lab" });
  });

  test("makes the name of --domain alone, and takes the listener's port", async () => {
    const { out } = await kubeconfig(["edge", "--domain", "lab", "--listen", "api=:16443"]);
    expect(await server(out)).toMatchObject({ server: "https://api.edge.lab:16443" });
  });

  test.each([
    ["hub", ["https://api.hub.lab:6443", "https://10.0.0.2:6443"]], // by its server's name
    ["x", ["https://api.hub.lab:6443", "https://api.x.lab:6443"]], // of the current context
  ])("of several clusters changes the one that is meant: %s", async (name, urls) => {
    const { out } = await kubeconfig([name, ...HUB], TWO);
    for (const [at, url] of urls.entries()) expect(await server(out, at)).toEqual({ server: url });
  });

  test.each([
    [["hbu", ...HUB], ONE, 1, 'Cannot find cluster "hbu" (NOT_FOUND); did you mean hub'],
    [
      ["hub", "--cluster", "hub=10.0.0.1"],
      ONE,
      1,
      'Cannot name the API of cluster "hub": its domain is not known (NOT_FOUND); give it domain=',
    ],
    [["hub", ...HUB], "", 2, "stdin: Cannot use the kubeconfig: no clusters found, a kubeconfig wanted"],
    [["hub", ...HUB], "a: [", 2, "stdin: Cannot use the kubeconfig: no YAML found"],
    [["hub", ...HUB], TWO.replace("current-context: b", ""), 0, ""],
    [
      ["x", ...HUB],
      TWO.replace("current-context: b", ""),
      2,
      "stdin: Cannot use the kubeconfig: one or two found, one called x wanted",
    ],
    [["hub", "--address", "lab", ...HUB], ONE, 2, 'Cannot use --address: "lab" found, an IPv4 or IPv6 address wanted'],
  ])("%j", async (argv, input, code, line) => {
    const ran = await kubeconfig(argv, input);
    expect(ran.code).toBe(code);
    expect(ran.err).toStartWith(line === "" ? "" : `edge-lb: ${line}`);
  });
});
