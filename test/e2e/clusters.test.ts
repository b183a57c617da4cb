/** The article's three clusters behind one address, reached by the programs their users have. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { command, type CommandResult } from "../../scripts/lab/command.ts";
import { CLUSTERS, type ClusterName, type Lab, LISTENERS, startLab } from "../../scripts/lab/lab.ts";
import type { IngressAnswer } from "../../scripts/lab/toy/answers.ts";

let lab: Lab;
beforeAll(async () => {
  lab = await startLab({ block: "127.20.0" });
});
afterAll(() => lab?.stop());

const kubectl = (cluster: ClusterName, path: string): Promise<CommandResult> => {
  // the name is resolved by nobody here, so kubectl is told the address and which name to ask for
  const server = `https://127.0.0.1:${lab.ports.api}`;
  const trust = ["--certificate-authority", join(lab.folder, `${cluster}.pem`)];
  const name = ["--tls-server-name", lab.host(cluster, "api")];
  const user = ["--token", "toy"]; // without one it asks for a user name
  const env = { KUBECONFIG: "/dev/null", HOME: lab.folder };
  return command(["kubectl", "--server", server, trust, name, user, "get", "--raw", path], { env });
};

/** What `openssl s_client` sees: the subject of the certificate behind a name, and whether the authority vouches for it. */
const sClient = (cluster: ClusterName, port: number, name: string): Promise<CommandResult> =>
  command([
    ["openssl", "s_client", "-connect", `127.0.0.1:${port}`, "-servername", name, "-verify_hostname", name],
    ["-CAfile", join(lab.folder, `${cluster}.pem`), "-verify_return_error"],
  ]);

const ingress = async (cluster: ClusterName, listener: "https" | "http", ...more: string[]): Promise<IngressAnswer> => {
  const { out, err } = await lab.curl(cluster, listener, "/path?query=1", ...more);
  expect(err).toBe("");
  return JSON.parse(out) as IngressAnswer;
};

const header = ({ headers }: IngressAnswer, name: string): string[] =>
  headers.filter((_, at) => at % 2 === 1 && headers[at - 1]?.toLowerCase() === name);

describe("edge-lb run", () => {
  test("says in its ready line what it does", () => {
    const { engine, api, https, http, clusters, nodes } = lab.edge.ready;
    expect(engine).toMatch(/^(linux|bun|node)$/);
    expect({ api, https, http }).toEqual({
      api: `127.0.0.1:${lab.ports.api}`,
      https: `127.0.0.1:${lab.ports.https}`,
      http: `127.0.0.1:${lab.ports.http}`,
    });
    expect({ clusters, nodes }).toEqual({ clusters: "3", nodes: "12" });
  });
});

describe.each(CLUSTERS)("cluster %s", (cluster) => {
  test.each(LISTENERS)("answers curl through %s", async (listener) => {
    const { out, err, code } = await lab.curl(cluster, listener, listener === "api" ? "/version" : "/");
    expect({ err, code }).toEqual({ err: "", code: 0 });
    expect(JSON.parse(out)).toMatchObject({ cluster, ...(listener === "api" ? {} : { protocol: listener }) });
  });

  test("answers kubectl get --raw /readyz and /version", async () => {
    expect(await kubectl(cluster, "/readyz")).toMatchObject({ code: 0, out: "ok" });
    const { out } = await kubectl(cluster, "/version");
    expect(JSON.parse(out)).toMatchObject({ cluster, gitVersion: "v1.32.4" });
  });

  test("shows its own certificates to openssl s_client", async () => {
    for (const listener of ["api", "https"] as const) {
      const { out, code } = await sClient(cluster, lab.ports[listener], lab.host(cluster, listener));
      expect(out).toContain("Verify return code: 0 (ok)");
      expect(out).toContain(`CN = ${listener === "api" ? "api" : "*.apps"}.${lab.clusters[cluster].domain}`);
      expect(code).toBe(0);
    }
  });

  test("is found by api-int, in any case, and by a name deep below apps", async () => {
    const { domain } = lab.clusters[cluster];
    for (const [port, name] of [
      [lab.ports.api, `api-int.${domain}`],
      [lab.ports.api, `API.${domain.toUpperCase()}`],
      [lab.ports.https, `oauth.apps.${domain}`],
    ] as const) {
      expect((await sClient(cluster, port, name)).out).toContain("Verify return code: 0 (ok)");
    }
    const deep = await command([
      ["curl", "--silent", "--show-error", "--header", `Host: A.b.c.apps.${domain}.:80`],
      `http://127.0.0.1:${lab.ports.http}/`,
    ]);
    expect(JSON.parse(deep.out)).toMatchObject({ cluster, host: `A.b.c.apps.${domain}.:80` });
  });

  test("sees Host, path and method as the client sent them", async () => {
    const host = `${lab.host(cluster, "http")}:${lab.ports.http}`;
    const wanted = { host, path: "/path?query=1", method: "PATCH" };
    expect(await ingress(cluster, "http", "--request", "PATCH")).toMatchObject(wanted);
  });

  test("sees who the client is, and not what the client says about it", async () => {
    const lie = ["--header", "X-Forwarded-For: 6.6.6.6", "--header", "X-Forwarded-Proto: https"];
    const answer = await ingress(cluster, "http", ...lie);
    expect(header(answer, "x-forwarded-for")).toEqual(["127.0.0.1"]);
    expect(header(answer, "x-forwarded-proto")).toEqual(["http"]);
    expect(header(answer, "x-forwarded-port")).toEqual([String(lab.ports.http)]);
    expect(header(answer, "x-forwarded-host")).toEqual([`${lab.host(cluster, "http")}:${lab.ports.http}`]);
  });

  test("gets the bytes of a TLS request untouched", async () => {
    const answer = await ingress(cluster, "https", "--header", "X-Forwarded-For: 6.6.6.6");
    expect(header(answer, "x-forwarded-for")).toEqual(["6.6.6.6"]);
  });
});

describe("a body", () => {
  test.each(["https", "http"] as const)("of 64 MB comes back whole through %s", async (listener) => {
    const input = new Uint8Array(64 << 20).fill(7);
    const host = lab.host("hub", listener);
    const { out, err } = await command(
      [
        ["curl", "--silent", "--show-error", "--upload-file", "-", "--write-out", "%{stderr}%{http_code}"],
        ["--cacert", join(lab.folder, "hub.pem"), "--resolve", `${host}:${lab.ports[listener]}:127.0.0.1`],
        `${listener}://${host}:${lab.ports[listener]}/echo`,
      ],
      { input },
    );
    expect(err).toBe("200");
    expect(out.length).toBe(input.length);
    expect(Bun.hash(out)).toBe(Bun.hash("\x07".repeat(input.length)));
  });

  test("that comes slowly is not held back", async () => {
    const { out } = await lab.curl("managed1", "http", "/slow/3", "--write-out", "%{time_starttransfer} %{time_total}");
    const [first = 9, total = 0] = (out.split("\n").at(-1) ?? "").split(" ").map(Number);
    expect(out).toStartWith("line 1\nline 2\nline 3\n");
    expect(first).toBeLessThan(total - 0.1);
  });
});
