/** The start of the control plane: engine, sockets, DNS, another user, workers and probes, in this order. */
import { chooseEngine, workersFor } from "./engine.ts";
import { createEventLog } from "../log/event-log.ts";
import { remembered } from "../log/recent-events.ts";
import { requireClientSource } from "../machine/client-source.ts";
import { dropRoot } from "../machine/drop-root.ts";
import { openAll } from "./passed-listeners.ts";
import { ControlPlane } from "./control-plane.ts";
import type { Supervisor, SupervisorInput } from "./supervisor.ts";

/** Resolves when every listener accepts. @throws EdgeError when edge-lb cannot start */
export async function startSupervisor(input: SupervisorInput): Promise<Supervisor> {
  const { config, sink } = input;
  const log = remembered(createEventLog(sink, config.log === "json" ? "json" : "text"), input.events);
  const chosen = await chooseEngine(config.engine, config.ring);
  const { engine, ring, note } = chosen;
  if (note !== null) log.warn("engine", `${note}; using ${engine}`, { engine });
  if (ring?.on === false && config.ring === "auto")
    log.info("engine", `no io_uring: ${ring.why}; each send and receive is a system call of its own`, { engine });
  const count = workersFor(engine, config.workers);
  if (count < config.workers)
    log.warn("engine", `engine ${engine} runs one worker here: Node before 23.1 cannot share a port`, { engine });
  await requireClientSource(config, engine);
  const sockets = await openAll(config, engine, count, input.passed, input.before?.sockets);
  const plane = new ControlPlane(input, log, chosen, count, sockets);
  // the process before has that port until it lets go
  if (input.before === undefined) await plane.openDns();
  plane.user = await dropRoot(config, engine, log);
  await plane.start();
  return plane;
}
