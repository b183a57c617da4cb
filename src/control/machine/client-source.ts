/** `source=client`: nodes are dialled from the client's address, which takes the engine and the right for it. */
import type { Config } from "../../config/model.ts";
import { quote } from "../../config/values/text.ts";
import { EdgeError } from "../../errors.ts";
import type { Engine } from "../../seam/mail.ts";

/** @throws EdgeError naming the cluster, what is missing and what helps */
export async function requireClientSource({ clusters }: Config, engine: Engine): Promise<void> {
  const first = clusters.find(({ source }) => source === "client");
  if (first === undefined) return;
  const cannot = (found: string, hint: string): EdgeError =>
    new EdgeError("CONFIG_INVALID", `Cannot use source=client of cluster ${quote(first.name)}: ${found}`, {
      where: first.where,
      hint,
    });
  if (engine !== "linux")
    throw cannot(`engine ${engine} cannot dial from a client's address, linux can`, "use --engine linux");
  const { mayDialFromAnywhere } = await import("../../runtime/kernel/transparent.ts");
  if (!mayDialFromAnywhere()) {
    throw cannot(
      "CAP_NET_ADMIN is missing",
      "run as root, or add CAP_NET_ADMIN to AmbientCapabilities= and CapabilityBoundingSet= of the unit",
    );
  }
}
