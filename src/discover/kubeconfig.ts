/** `kubeconfig:FILE`: the APIs of its contexts, and with their credentials the addresses of their nodes. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { sourceText, type DiscoverSource } from "../config/values/discover-source.ts";
import { readWhole } from "../control/files/read-file.ts";
import { codeOf } from "../errors.ts";
import { reachable } from "./addresses.ts";
import { fields, items, JsonClient, text } from "./json-client.ts";
import { sourceFault, type Candidate, type Source } from "./source.ts";

const EVERY_MS = 60_000;
/** Should the path be a pipe's: everything else waits meanwhile. */
const PATIENCE = { writerMs: 500, silentMs: 2_000 };
/** Contexts of one file that are asked. */
const CONTEXTS_MOST = 64;

export function kubeconfigSource(spec: DiscoverSource): Source {
  return { spec, everyMs: EVERY_MS, find: () => findNodes(spec) };
}

type Fields = Readonly<Record<string, unknown>>;

/** A context's API, and who may ask it. */
interface Context {
  readonly name: string;
  readonly cluster: Fields;
  readonly user: Fields;
}

async function findNodes(spec: DiscoverSource): Promise<readonly Candidate[]> {
  const contexts = readContexts(spec);
  const answers = await Promise.all(
    contexts.map((context) =>
      askContext(context, dirname(resolve(spec.place))).catch((error: unknown) => String(error)),
    ),
  );
  const found = answers.flatMap((answer) => (typeof answer === "string" ? [] : answer));
  const why = answers.find((answer) => typeof answer === "string");
  if (found.length === 0 && why !== undefined) throw sourceFault(sourceText(spec), why.replace(/^Error: /, ""));
  return found;
}

function readContexts(spec: DiscoverSource): readonly Context[] {
  const config = readConfig(spec);
  const named = (list: string, name: unknown, part: string): Fields =>
    fields(fields(items(config[list]).find((each) => fields(each)["name"] === name))[part]);
  return items(config["contexts"])
    .slice(0, CONTEXTS_MOST)
    .map((each) => {
      const context = fields(fields(each)["context"]);
      return {
        name: text(fields(each)["name"]) ?? "",
        cluster: named("clusters", context["cluster"], "cluster"),
        user: named("users", context["user"], "user"),
      };
    });
}

function readConfig(spec: DiscoverSource): Fields {
  try {
    const config = fields(parse(readWhole(spec.place, PATIENCE)));
    if (items(config["contexts"]).length > 0) return config;
  } catch (error) {
    throw sourceFault(sourceText(spec), `the file cannot be read: ${fileFault(error)}`);
  }
  throw sourceFault(sourceText(spec), "no contexts found, a kubeconfig wanted");
}

/** @throws Error in words when neither its API's address nor its nodes can be found */
async function askContext({ name, cluster, user }: Context, folder: string): Promise<readonly Candidate[]> {
  const server = text(cluster["server"]) ?? "";
  if (!URL.canParse(server)) throw new Error(`context ${name}: no server found`);
  const { hostname, origin } = new URL(server);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const own = isIP(host) > 0 ? [host] : await addressesOf(host);
  const nodes = await nodeAddresses(origin, cluster, user, folder).catch((error: unknown) => {
    if (own.length > 0) return [];
    throw new Error(`context ${name}: ${error instanceof Error ? error.message : String(error)}`);
  });
  return [...reachable(own), ...reachable(nodes)].map((ip) => ({ ip, label: name }));
}

async function addressesOf(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.map(({ address }) => address);
}

async function nodeAddresses(
  origin: string,
  cluster: Fields,
  user: Fields,
  folder: string,
): Promise<readonly string[]> {
  const token = text(user["token"]) ?? fileText(user["tokenFile"], folder)?.trim() ?? null;
  const pem = (key: string, from: Fields): string | null => {
    const data = text(from[`${key}-data`]);
    return data === null ? fileText(from[key], folder) : Buffer.from(data, "base64").toString("utf8");
  };
  const [ca, cert, key] = [
    pem("certificate-authority", cluster),
    pem("client-certificate", user),
    pem("client-key", user),
  ];
  const servername = text(cluster["tls-server-name"]);
  const client = new JsonClient({
    origin,
    headers: { accept: "application/json", ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
    fingerprint: null,
    tls: {
      ...(ca === null ? {} : { ca }),
      ...(cert === null || key === null ? {} : { cert, key }),
      ...(servername === null ? {} : { servername }),
      ...(cluster["insecure-skip-tls-verify"] === true ? { rejectUnauthorized: false } : {}),
    },
  });
  const listed = items(fields(await client.get("/api/v1/nodes?limit=1000"))["items"]);
  const addresses = listed.flatMap((node) => items(fields(fields(node)["status"])["addresses"]));
  return addresses.flatMap((each) => text(fields(each)["address"]) ?? []).filter((address) => isIP(address) > 0);
}

function fileText(path: unknown, folder: string): string | null {
  const name = text(path);
  return name === null ? null : readWhole(resolve(folder, name), PATIENCE);
}

/** What the YAML parser throws has a code of its own. */
function fileFault(error: unknown): string {
  const code = codeOf(error) ?? "";
  return /^E[A-Z]+$/.test(code) ? code : "no YAML";
}
