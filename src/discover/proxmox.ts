/** `proxmox:https://HOST:8006`: the addresses of running guests, by the API of Proxmox VE. */
import { isIP } from "node:net";
import { sourceText, type DiscoverSource } from "../config/values/discover-source.ts";
import { EdgeError } from "../errors.ts";
import { reachable } from "./addresses.ts";
import { fields, items, JsonClient, text } from "./json-client.ts";
import { sourceFault, type Candidate, type Source, type SourceInput } from "./source.ts";

const EVERY_MS = 10_000;
export const TOKEN_VARIABLE = "EDGE_LB_PROXMOX_TOKEN";

/** @throws EdgeError CONFIG_INVALID without a token */
export function proxmoxSource(spec: DiscoverSource, { env }: SourceInput): Source {
  const token = (env[TOKEN_VARIABLE] ?? "").replace(/^PVEAPIToken=/, "");
  if (!/^[^\s=]+=[^\s]+$/.test(token)) {
    const found = token === "" ? "no token found" : "something else than a token found";
    throw new EdgeError("CONFIG_INVALID", `Cannot discover ${sourceText(spec)}: ${found}`, {
      hint: `set ${TOKEN_VARIABLE} to USER@REALM!NAME=SECRET`,
    });
  }
  const client = new JsonClient({
    origin: spec.place,
    headers: { authorization: `PVEAPIToken=${token}` },
    fingerprint: spec.fingerprint,
    tls: {},
  });
  return { spec, everyMs: EVERY_MS, find: () => findGuests(client, sourceText(spec)) };
}

interface Guest {
  readonly name: string;
  readonly path: string;
}

async function findGuests(client: JsonClient, source: string): Promise<readonly Candidate[]> {
  const listed = await client.get("/api2/json/cluster/resources?type=vm").catch((error: unknown) => {
    throw sourceFault(source, error instanceof Error ? error.message : String(error), hintFor(error));
  });
  const found: Candidate[] = [];
  for (const { name, path } of items(fields(listed)["data"]).flatMap(guestOf)) {
    // a guest without an agent has no answer
    const answer = await client.get(path).catch(() => null);
    found.push(...reachable(addressesIn(answer)).map((ip) => ({ ip, label: name })));
  }
  return found;
}

function hintFor(error: unknown): string | undefined {
  const words = error instanceof Error ? error.message : "";
  return /certificate|self.signed|UNABLE_TO/i.test(words) && !words.includes("fingerprint")
    ? "add ,fingerprint= with the SHA-256 of its certificate"
    : undefined;
}

function guestOf(resource: unknown): readonly Guest[] {
  const { type, status, node, vmid, name } = fields(resource);
  const host = text(node);
  if (status !== "running" || host === null || typeof vmid !== "number") return [];
  const base = `/api2/json/nodes/${encodeURIComponent(host)}`;
  if (type === "qemu") {
    return [{ name: text(name) ?? `vm ${vmid}`, path: `${base}/qemu/${vmid}/agent/network-get-interfaces` }];
  }
  return type === "lxc" ? [{ name: text(name) ?? `ct ${vmid}`, path: `${base}/lxc/${vmid}/interfaces` }] : [];
}

/** Agents say `ip-address`, containers `inet` and `inet6`. */
function addressesIn(answer: unknown): readonly string[] {
  const { data } = fields(answer);
  const interfaces = Array.isArray(data) ? items(data) : items(fields(data)["result"]);
  return interfaces.flatMap((each) => {
    const { inet, inet6, "ip-addresses": addresses } = fields(each);
    const own = items(addresses).map((address) => fields(address)["ip-address"]);
    return [...own, inet, inet6].flatMap((one) => text(one) ?? []).filter((one) => isIP(one.split("/")[0] ?? "") > 0);
  });
}
