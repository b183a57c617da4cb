/** `edge-lb version`: which edge-lb this is and, with `--json`, what it was made of and what works here. */
import manifest from "../../../package.json" with { type: "json" };
import { workingEngines, worksWithRing } from "../../control/serve/engine.ts";
import { command } from "../line/command.ts";
import { toggle } from "../line/command-option.ts";
import { EXIT } from "../terminal/exit-code.ts";

/** Put in by scripts/build.ts. */
declare const EDGE_LB_COMMIT: string | undefined;

export const VERSION_COMMAND = command({
  name: "version",
  help: "Print the version",
  options: { json: toggle("Version, commit, build, Bun and the engines that work here, as JSON") },
  async run({ io, options }) {
    io.out(options.json ? `${JSON.stringify(await aboutThis(), null, 2)}\n` : `edge-lb ${manifest.version}\n`);
    return EXIT.done;
  },
});

async function aboutThis(): Promise<object> {
  const engines = await workingEngines();
  return {
    version: manifest.version,
    /** Null: run from its sources. */
    commit: typeof EDGE_LB_COMMIT === "string" ? EDGE_LB_COMMIT : null,
    build: `${process.platform}-${process.arch}`,
    /** Null: another runtime. */
    bun: process.versions.bun ?? null,
    /** What `--engine auto` takes stands first. */
    engines,
    /** Engine linux sends through io_uring here. */
    ioUring: engines.includes("linux") && (await worksWithRing()),
  };
}
