/** `source=client`: nodes are dialled from the client's address, which takes the engine and the right for it. */
import { cannotDialFromClient } from "../../config/checks.ts";
import type { Config } from "../../config/model.ts";
import { quote } from "../../config/values/text.ts";
import { EdgeError } from "../../errors.ts";
import type { Engine } from "../../seam/mail.ts";

/** @throws EdgeError naming the cluster, what is missing and what helps */
export async function requireClientSource({ clusters }: Config, engine: Engine): Promise<void> {
  const first = clusters.find(({ source }) => source === "client");
  if (first === undefined) return;
  const { where } = first;
  if (engine !== "linux") {
    const { message, hint } = cannotDialFromClient(first, engine);
    throw new EdgeError("CONFIG_INVALID", message, { where, hint });
  }
  const { mayDialFromAnywhere } = await import("../../runtime/kernel/transparent.ts");
  if (mayDialFromAnywhere()) return;
  const message = `Cannot use source=client of cluster ${quote(first.name)}: CAP_NET_ADMIN is missing`;
  throw new EdgeError("CONFIG_INVALID", message, { where, hint: DIAL_RIGHT });
}

/** What gives the right to dial from a client's address. */
export const DIAL_RIGHT =
  "run as root, or add CAP_NET_ADMIN to AmbientCapabilities= and CapabilityBoundingSet= of the unit";
