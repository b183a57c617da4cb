/** `--dns`: does the edge-lb that runs answer there? */
import type { ListenAddress } from "../config/values/addresses.ts";
import type { Config } from "../config/model.ts";
import { formatEndpoint } from "../core/address.ts";
import type { LiveEnvironment } from "./environment.ts";
import { fail, ok, warn, type Finding } from "./finding.ts";

/** @param domains Given or learnt, by cluster. */
export async function checkDnsServer(
  { dns }: Pick<Config, "dns">,
  domains: ReadonlyMap<string, string>,
  { running, askServer }: Pick<LiveEnvironment, "running" | "askServer">,
): Promise<readonly Finding[]> {
  const [domain] = domains.values();
  if (domain === undefined) return [];
  return Promise.all(
    dns.map(async (at) => {
      const name = `api.${domain}`;
      const shown = `--dns ${formatEndpoint(at.ip, at.port)}`;
      const answer = await askServer(reachable(at), name);
      if (typeof answer !== "string") return ok(`${shown} answers ${name}: ${answer.join(", ")}`);
      if (running === null) return warn(`${shown} does not answer: no edge-lb runs here`, "start edge-lb");
      return fail(`${shown} does not answer ${name}: ${answer}`, "edge-lb status shows where it answers");
    }),
  );
}

function reachable({ ip, port }: ListenAddress): ListenAddress {
  if (ip === "" || ip === "0.0.0.0") return { ip: "127.0.0.1", port };
  return ip === "::" ? { ip: "::1", port } : { ip, port };
}
