/** What another program's configuration cannot say, or says otherwise: told in the file and to who exports. */
import type { Config } from "../../config/model.ts";

export type ExportTarget = "haproxy" | "nginx";

/** @returns one sentence for each setting that was given and is left out */
export function leftOut({ clusters, acceptProxy }: Config, target: ExportTarget): readonly string[] {
  const having = (has: (cluster: Config["clusters"][number]) => boolean): string =>
    clusters
      .filter(has)
      .map(({ name }) => name)
      .join(", ");
  const clients = having((cluster) => cluster.clients.length > 0);
  const source = having((cluster) => cluster.source === "client");
  return [
    ...(clients === ""
      ? []
      : [`clients= of ${clients} is left out: who says no name gets --default, wherever it comes from`]),
    ...(target === "haproxy" || acceptProxy.length === 0
      ? []
      : [
          "accept-proxy is left out: nginx wants a PROXY header of every peer of a listener (listen ... proxy_protocol) or of none",
        ]),
    ...(target === "haproxy" || source === ""
      ? []
      : [
          `source=client of ${source} is left out: nginx has it for a whole server (proxy_bind $remote_addr transparent), as root`,
        ]),
  ];
}

const OWN_CLUSTER = "a node that says no name is not led to its own cluster here: it gets what --default says";

/** The same for the head of the file. */
export function leftOutLines(config: Config, target: ExportTarget): string[] {
  return [...leftOut(config, target), OWN_CLUSTER].map((text) => `# ${text}`);
}
