/** Options that there are once for every service: where it listens, and whose it is when nobody is named. */
import { SERVICES, type BuiltInName, type Service, type ServiceName } from "../../seam/services.ts";
import { isPrivate, LISTEN_ADDRESS, type ListenAddress } from "../values/addresses.ts";
import { readDomain } from "../values/names.ts";
import { LISTEN_PATTERN, NAME_PATTERN } from "../values/patterns.ts";
import { unfit } from "../values/text.ts";
import { plain } from "../values/values.ts";
import { listOf, type Codec } from "../values/codec.ts";
import { atMostOnce, many, maybe, type Option } from "./option.ts";

/** A machine-config server hands out secrets. */
const PRIVATE_ADDRESS: Codec<ListenAddress> = {
  read(text) {
    const at = LISTEN_ADDRESS.read(text);
    return at.ok && !isPrivate(at.value.ip) ? unfit("a private, link-local or loopback address") : at;
  },
  show: (at) => LISTEN_ADDRESS.show(at),
  form: { pattern: LISTEN_PATTERN },
};

const CLUSTER_NAME = plain((text) => {
  const name = readDomain(text);
  const [service = "", cluster = ""] = text.split("=");
  const hint = text.includes("=")
    ? { hint: `in the file: default: { ${service || "SERVICE"}: ${cluster || "CLUSTER"} }` }
    : {};
  return name.ok ? name : unfit("the name of a cluster", hint);
}, NAME_PATTERN);

/** On services that `DEFAULTS` says nothing of. */
export const DEFAULT_CLUSTER = atMostOnce(
  maybe({
    flag: "default",
    value: "[SERVICE=]CLUSTER",
    help: "Cluster that takes connections without a name (no SNI, HTTP/1.0 without Host), on every service or on one (repeatable)",
    of: CLUSTER_NAME,
  }),
);

type PerService<T> = Readonly<Record<BuiltInName, Option<T>>>;

/** `--listen SERVICE=ADDR:PORT`, repeatable. */
export const LISTEN = Object.fromEntries(
  SERVICES.map((service) => [service.name, listenOption(service)]),
) as PerService<readonly ListenAddress[]>;

/** `--default SERVICE=CLUSTER`, repeatable. */
export const DEFAULTS = Object.fromEntries(SERVICES.map(({ name }) => [name, defaultOption(name)])) as PerService<
  string | null
>;

function defaultOption(name: ServiceName): Option<string | null> {
  const { value: _, help, flag, parse } = DEFAULT_CLUSTER;
  const own = maybe({
    flag,
    item: name,
    value: "CLUSTER",
    yaml: `default.${name}`,
    help,
    of: CLUSTER_NAME,
  });
  return { ...own, parse };
}

type Listened = Pick<Service, "name" | "address" | "help" | "privateOnly">;

function listenOption({ name, address, help, privateOnly }: Listened): Option<readonly ListenAddress[]> {
  return many({
    flag: "listen",
    item: name,
    value: "ADDR:PORT|off",
    yaml: `listen.${name}`,
    fallback: address,
    help,
    reload: false,
    inert: "off",
    of: listOf(privateOnly ? PRIVATE_ADDRESS : LISTEN_ADDRESS),
  });
}

/** The same, with those of further services. */
export function optionsWith(further: readonly ServiceName[]): {
  readonly defaults: typeof DEFAULTS;
  readonly listen: typeof LISTEN;
} {
  const help = "A further service: TLS, with the names and nodes of the API";
  const ofEach = <T>(optionOf: (name: ServiceName) => Option<T>): Readonly<Record<ServiceName, Option<T>>> =>
    Object.fromEntries(further.map((name) => [name, optionOf(name)]));
  return {
    defaults: { ...DEFAULTS, ...ofEach(defaultOption) },
    listen: { ...LISTEN, ...ofEach((name) => listenOption({ name, address: "off", help, privateOnly: false })) },
  };
}
