/** edge-lb with workers that can be ended from outside; everything else as in src/main.ts. */
import { openAdmin } from "../../../src/admin/server.ts";
import { runCli } from "../../../src/cli/cli.ts";
import { processIo } from "../../../src/cli/terminal/process-io.ts";
import { openSink } from "../../../src/control/log/open.ts";
import { startDiscovery } from "../../../src/discover/continuous.ts";
import { runEdgeLb } from "../../../src/control/run-edge-lb.ts";

const workerEntry = new URL("./worker.ts", import.meta.url);

const io = processIo();

const code = await runCli(process.argv.slice(2), io, {
  run: async (config, load) => {
    const sink = await openSink(config.logTo, config.log);
    const { out, flush } = io;
    const program = { file: process.execPath, before: process.argv.slice(1, 2), args: process.argv.slice(2) };
    const { code } = await runEdgeLb({
      config,
      load,
      workerEntry,
      openAdmin,
      startDiscovery,
      sink,
      out,
      flush,
      isTerminal: false,
      program,
      heir: null,
    });
    return code;
  },
});
process.exit(code);
