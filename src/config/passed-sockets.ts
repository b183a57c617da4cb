/** Sockets that the service manager listens on for edge-lb: each takes the place of what was asked for under its name. */
import type { Service } from "../seam/services.ts";
import { isPrivate, listenText, type ListenAddress } from "./values/addresses.ts";
import { needsListener, wrongServiceName } from "./layers/service-names.ts";
import type { Config } from "./model.ts";
import type { PassedSocket } from "./options/option.ts";
import { quote, type Problems } from "./values/text.ts";

type Replaced = Pick<Config, "listen" | "admin" | "control">;

/** The settings with the addresses that were passed. One that fits nothing is a mistake. */
export function withPassed<T extends Replaced>(
  settings: T,
  passed: readonly PassedSocket[],
  services: readonly Service[],
  problems: Problems,
): T {
  const listen = new Map<string, ListenAddress[]>();
  let { admin, control } = settings;
  for (const socket of passed) {
    const fault = faultOf(socket, services);
    const { name, fd, at, path } = socket;
    if (fault !== null) {
      problems.add("LISTEN_FDS", `Cannot use descriptor ${fd}: ${fault[0]}`, fault[1]);
    } else if (at !== null) {
      listen.set(name, [...(listen.get(name) ?? []), at]);
    } else {
      control = path;
    }
  }
  admin = listen.get("admin")?.[0] ?? admin;
  listen.delete("admin");
  return { ...settings, admin, control, listen: { ...settings.listen, ...Object.fromEntries(listen) } };
}

/** Found and wanted, and what to do; null: it can be used. */
function faultOf({ name, at, path }: PassedSocket, services: readonly Service[]): readonly [string, string] | null {
  const service = services.find((each) => each.name === name);
  if (service === undefined && name !== "admin" && name !== "control") {
    const names = [...services.map((each) => each.name), "admin", "control"].join(", ");
    const further = wrongServiceName(name) === null ? `, or ${needsListener(name)}` : "";
    return [
      `it is called ${quote(name)}, one of ${names} wanted`,
      `set FileDescriptorName= in the socket unit${further}`,
    ];
  }
  if (name === "control")
    return path === null ? ["it is no unix socket that listens", "ListenStream=/run/edge-lb.sock wanted"] : null;
  if (at === null) return [`it is no TCP socket that listens, ${name} wants one`, "ListenStream=PORT wanted"];
  if (service?.privateOnly === true && !isPrivate(at.ip)) {
    const found = `${name} at ${listenText(at)} can be reached from outside`;
    return [`${found}, a private, link-local or loopback address wanted`, "set ListenStream="];
  }
  return null;
}

/** Descriptors of that name. */
export function fdsOf(passed: readonly PassedSocket[], name: string): readonly number[] {
  return passed.filter((socket) => socket.name === name).map(({ fd }) => fd);
}
