/** Asking a running edge-lb over its control socket, and running its commands. */
import type { Status } from "../../src/control/status/report.ts";
import type { CommandResult } from "./command.ts";
import { runEdgeLb } from "./edge-lb.ts";

export interface Control {
  readonly path: string;
  status(): Promise<Status>;
  /** Any request; the JSON of its answer. @throws Error with the answer when it is refused */
  ask(method: string, target: string, body?: string): Promise<unknown>;
  /** `edge-lb COMMAND … --control PATH`, as an operator types it. */
  run(...args: readonly string[]): Promise<CommandResult>;
}

export function controlAt(path: string): Control {
  async function ask(method: string, target: string, body?: string): Promise<unknown> {
    const init = { method, unix: path, ...(body === undefined ? {} : { body }) };
    const response = await fetch(`http://edge-lb/v1/${target}`, init as RequestInit);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${target}: ${response.status} ${text}`);
    return JSON.parse(text);
  }
  return {
    path,
    ask,
    status: async () => (await ask("GET", "status")) as Status,
    run: (...args) => runEdgeLb([...args, "--control", path]),
  };
}
