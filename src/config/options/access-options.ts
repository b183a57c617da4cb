/** Options about clients: who may connect, how often, and who is believed about whom. */
import { CIDR } from "../values/addresses.ts";
import { CONNECTIONS_MOST, ON_OFF, whole } from "../values/values.ts";
import { listOf } from "../values/codec.ts";
import { forData, many, one } from "./option.ts";

export const ACCESS = {
  /** Empty: everyone. */
  allow: forData(
    many({
      flag: "allow",
      value: "CIDR,...",
      fallbackShown: "everyone",
      help: "Clients that may connect at all",
      of: listOf(CIDR),
    }),
  ),
  /** Empty: none. */
  acceptProxy: forData(
    many({
      flag: "accept-proxy",
      value: "CIDR,...",
      fallbackShown: "none",
      help: "Peers that have to begin with a PROXY header (v1, v2): the address in it is the client's",
      of: listOf(CIDR),
    }),
  ),
  trustedProxies: forData(
    many({
      flag: "trusted-proxies",
      value: "CIDR,...",
      fallbackShown: "none",
      help: "Clients whose X-Forwarded-*, Forwarded and X-Real-IP are kept and appended to",
      of: listOf(CIDR),
    }),
  ),
  forwarded: forData(
    one({
      flag: "forwarded",
      value: "on|off",
      fallback: "off",
      help: "Tell nodes by Forwarded (RFC 7239), too, who the client is",
      of: ON_OFF,
    }),
  ),
  /** 0: derived from the descriptor limit at start. */
  maxConnections: forData(
    one({
      flag: "max-connections",
      value: "N",
      fallback: "auto",
      fallbackShown: "(open files - 200) / 4",
      help: "Client connections at a time",
      of: whole(1, CONNECTIONS_MOST, { auto: 0 }),
    }),
  ),
  /** 0: no limit. */
  maxConnectionsPerClient: forData(
    one({
      flag: "max-connections-per-client",
      value: "N",
      fallback: "off",
      help: "Client connections of one address at a time",
      of: whole(1, CONNECTIONS_MOST, { off: 0 }),
    }),
  ),
};
