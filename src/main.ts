#!/usr/bin/env node
/** Entry: picks the command, wires the planes, owns exit codes and the worker's path. */
import { runCli } from "./cli/cli.ts";
import { processIo } from "./cli/terminal/process-io.ts";
import { createEventLog } from "./control/log/event-log.ts";
import { DescriptorWatch } from "./control/machine/limits.ts";
import { openSink } from "./control/log/open.ts";
import type { OpenAdmin } from "./control/admin-door.ts";
import { startDiscovery } from "./discover/continuous.ts";
import { runEdgeLb } from "./control/run-edge-lb.ts";
import type { Heir } from "./control/upgrade/heir.ts";
import { HANDOVER_VARIABLE } from "./handover/messages.ts";

/** Right in source, compiled, and in the Node bundle: only this module's own URL is the entry's. */
const workerEntry = new URL(`./data/worker${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);

/** Loaded where it is wanted: the libraries of the status page and its metrics take 1.7 MB, of no use to `--admin off`. */
const openAdmin: OpenAdmin = async (at, access, fds) => {
  const admin = await import("./admin/server.ts");
  return admin.openAdmin(at, access, fds);
};

const io = processIo();
/** Another edge-lb has started this one to take its place: what is complained of before that is said to it as well. */
const heir = HANDOVER_VARIABLE in process.env ? await findHeir() : null;
async function findHeir(): Promise<Heir | null> {
  const { Heir } = await import("./control/upgrade/heir.ts");
  return Heir.find(process.env);
}

/** Sockets that the service manager listens on; it passed them to whoever was first. */
const passed = heir === null ? (io.passed ?? []) : heir.sockets.passed;

/** What was started: this executable, or an interpreter with this file. */
const isCompiled = import.meta.url.includes("/$bunfs/");
const program = {
  file: process.execPath,
  before: isCompiled ? [] : process.argv.slice(1, 2),
  args: process.argv.slice(2),
};

/** What still has to be said must not keep an ended process. */
const LAST_WORDS_MS = 1_000;

/** After a fault that nothing caught the state is unknown, so the process ends; what started edge-lb can start it again. */
function fail(error: unknown): void {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  io.err(`edge-lb: Cannot go on: ${stack.replaceAll(/\s*\n\s*/g, " | ")} (INTERNAL)\n`);
  void io.flush(LAST_WORDS_MS).then(() => process.exit(1));
}
process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);

/** The process that this one started goes on in its place. */
async function endAlone(code: number): Promise<void> {
  const kernel = await import("./runtime/kernel/orphans.ts");
  kernel.endAlone(code);
}

const err = (text: string): void => {
  io.err(text);
  heir?.complain(text);
};
const code = await runCli(
  process.argv.slice(2),
  { ...io, err, passed },
  {
    run: async (config, load) => {
      const sink = await openSink(config.logTo, config.log);
      new DescriptorWatch({ log: createEventLog(sink, config.log === "json" ? "json" : "text") }).start();
      const { out, flush, isTerminal } = io;
      const { code, replaced } = await runEdgeLb({
        config,
        load,
        workerEntry,
        openAdmin,
        startDiscovery,
        sink,
        out,
        flush,
        isTerminal,
        passed,
        program,
        heir,
      });
      await flush(LAST_WORDS_MS);
      if (replaced) await endAlone(code);
      return code;
    },
  },
);
process.exit(code);
