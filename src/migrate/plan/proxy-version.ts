import type { Server } from "../source/endpoints.ts";

/** The PROXY header that a server gets. */
export function proxyVersion(server: Server): "off" | "v1" | "v2" {
  if ([...server.options.keys()].some((key) => key.startsWith("send-proxy-v2"))) return "v2";
  return server.options.has("send-proxy") ? "v1" : "off";
}
