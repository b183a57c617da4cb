/** Where edge-lb has its control socket, and where its commands look for one. */
import type { Machine } from "./option.ts";

/** Where root's edge-lb is found. */
export const ROOT_CONTROL_PATH = "/run/edge-lb.sock";
/** Where the system service's is found: in its RuntimeDirectory. */
export const SERVICE_CONTROL_PATH = "/run/edge-lb/control.sock";

/** The default of `--control`; `off`: nobody gave this user a folder for such a thing. */
export function controlPath({ env, userId }: Machine): string {
  if (userId === 0) return ROOT_CONTROL_PATH;
  // systemd's, for a service with RuntimeDirectory=; it may name several
  const [service = ""] = (env["RUNTIME_DIRECTORY"] ?? "").split(":");
  if (service.startsWith("/")) return `${service}/control.sock`;
  const session = env["XDG_RUNTIME_DIR"];
  return session?.startsWith("/") === true ? `${session}/edge-lb.sock` : "off";
}

/** Where a running edge-lb has its control socket if nobody said otherwise: root's, the service's, and that of a user's service. */
export function serviceControlPaths({ env }: Machine): readonly string[] {
  const session = env["XDG_RUNTIME_DIR"];
  const own = session?.startsWith("/") === true ? [`${session}/edge-lb/control.sock`] : [];
  return [...own, ROOT_CONTROL_PATH, SERVICE_CONTROL_PATH];
}
