/** `edge-lb kubeconfig CLUSTER < in > out`: a kubeconfig that reaches the cluster through edge-lb. */
import { COMMAND_LINE, BASE, GLOBAL } from "../../config/options/options.ts";
import { listenOf } from "../../config/clusters/service-settings.ts";
import { didYouMean, fit, quote, unfit, type Reading } from "../../config/values/text.ts";
import type { Status } from "../../control/status/report.ts";
import { canonicalIp, formatEndpoint } from "../../core/address.ts";
import { codeOf, EdgeError } from "../../errors.ts";
import { openClient } from "../live/client.ts";
import { ALL_SETTINGS, argument, command, type Call } from "../line/command.ts";
import { single } from "../line/command-option.ts";
import { configOf } from "../line/configuration.ts";
import { EXIT } from "../terminal/exit-code.ts";
import { retarget } from "./kubeconfig-edit.ts";

const STANDARD_INPUT = "-";
const USUAL_PORT = 6443;

export const KUBECONFIG = command({
  name: "kubeconfig",
  help: "Have a kubeconfig reach its cluster through edge-lb: edge-lb kubeconfig CLUSTER < in > out",
  args: [argument("CLUSTER", "cluster")],
  options: {
    address: single(
      "IP",
      "Reach edge-lb by this address, without DNS; certificates are checked by name all the same",
      readIp,
    ),
  },
  settings: ALL_SETTINGS,
  shown: {
    title: "Whose names and port: those of the edge-lb that runs, or of --config, --cluster or --domain",
    settings: [GLOBAL.control, COMMAND_LINE.file, COMMAND_LINE.clusters, BASE.domain],
    notes: ["It takes every other option too, as a configuration may need them: edge-lb --help lists them"],
  },
  async run(call) {
    const [cluster = ""] = call.args;
    const { name, port } = await apiOf(call, cluster);
    const { address } = call.options;
    const server = `https://${address === null ? `${name}:${port}` : formatEndpoint(address, port)}`;
    const names = [name, name.replace(/^api\./, "api-int.")];
    const tlsServerName = address === null ? null : name;
    call.io.out(retarget(readInput(call), "stdin", { cluster, server, tlsServerName, names }));
    return EXIT.done;
  },
});

function readIp(text: string): Reading<string> {
  const ip = canonicalIp(text);
  return ip === null ? unfit("an IPv4 or IPv6 address") : fit(ip);
}

function readInput({ io }: Call): string {
  try {
    return io.readFile(STANDARD_INPUT);
  } catch (error) {
    throw new EdgeError("CONFIG_UNREADABLE", `Cannot read standard input: ${codeOf(error) ?? "it is closed"}`);
  }
}

/** The name clients reach a cluster's API by, and the port edge-lb listens on for it. */
interface Api {
  readonly name: string;
  readonly port: number;
}

async function apiOf(call: Call, cluster: string): Promise<Api> {
  const given = new Set(call.settings.map(({ flag }) => flag));
  const isGiven = [COMMAND_LINE.clusters, COMMAND_LINE.file, BASE.domain].some(({ flag }) => given.has(flag));
  return isGiven ? apiOfConfig(call, cluster) : apiOfRunning(call, cluster);
}

/** Where `--domain` alone is given, the name is made of it. @throws EdgeError, EdgeErrors */
function apiOfConfig(call: Call, name: string): Api {
  const config = configOf(call);
  const cluster = config.clusters.find((each) => each.name === name);
  const base = call.settings.findLast(({ flag }) => flag === BASE.domain.flag)?.text;
  if (cluster === undefined && (config.clusters.length > 0 || base === undefined)) {
    throw unknownCluster(
      name,
      config.clusters.map((each) => each.name),
    );
  }
  const domain = cluster === undefined ? (name.includes(".") ? name : `${name}.${base}`) : cluster.domain;
  const api = config.services.find((service) => service.name === "api");
  const port = (api === undefined ? [] : listenOf(config, api))[0]?.port ?? USUAL_PORT;
  return { name: apiName(name, domain, cluster?.apiNames), port };
}

async function apiOfRunning({ settings, io }: Call, name: string): Promise<Api> {
  const client = await openClient(settings, io);
  const status = (await client.ask("GET", "status").finally(() => client.close())) as Status;
  const cluster = status.clusters.find((each) => each.name === name);
  if (cluster === undefined)
    throw unknownCluster(
      name,
      status.clusters.map((each) => each.name),
    );
  const address = status.listeners.find(({ kind }) => kind === "api")?.address;
  const port = Number(/:(\d+)$/.exec(address ?? "")?.[1] ?? USUAL_PORT);
  return { name: apiName(name, cluster.domain), port };
}

function apiName(cluster: string, domain: string | null, apiNames: readonly string[] = []): string {
  const name = domain === null ? apiNames[0] : `api.${domain}`;
  if (name !== undefined) return name;
  throw new EdgeError("NOT_FOUND", `Cannot name the API of cluster ${quote(cluster)}: its domain is not known`, {
    hint: "give it domain=, or ask an edge-lb that has seen its certificate",
  });
}

function unknownCluster(name: string, known: readonly string[]): EdgeError {
  const hint = didYouMean(name, known) ?? (known.length === 0 ? undefined : `there are ${known.join(", ")}`);
  return new EdgeError("NOT_FOUND", `Cannot find cluster ${quote(name)}`, { hint });
}
