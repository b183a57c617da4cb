/** `edge-lb install` and `edge-lb uninstall`: this executable as a service of the machine, and the way back. */
import { exampleFile } from "../../config/options/example.ts";
import { EdgeError } from "../../errors.ts";
import { Installer, type Step } from "../../install/install.ts";
import { PLACES } from "../../install/places.ts";
import { realSystem } from "../../install/system.ts";
import { uninstallSteps } from "../../install/uninstall.ts";
import { command, type Call } from "../line/command.ts";
import { toggle } from "../line/command-option.ts";
import { COMPLETION_SCRIPTS } from "../completion/scripts.ts";
import { EXIT } from "../terminal/exit-code.ts";
import { manPage } from "./man.ts";

const DRY_RUN = { "dry-run": toggle("Say every step, do none") };

export const INSTALL = command({
  name: "install",
  help: "Make this executable a service: user, file, hardened systemd unit; says every step",
  options: DRY_RUN,
  run(call) {
    const executable = compiledExecutable();
    const texts = { config: exampleFile(), man: manPage(call.commands), ...COMPLETION_SCRIPTS };
    const system = realSystem();
    perform(new Installer(system, { executable, texts }).steps(), call, system.isRoot);
    if (!call.options["dry-run"]) call.io.out(`${PLACES.config} is the file: a change of it takes effect by itself\n`);
    return EXIT.done;
  },
});

export const UNINSTALL = command({
  name: "uninstall",
  help: "Take back what install made; an edited file stays",
  options: DRY_RUN,
  synonyms: ["purge"],
  run(call) {
    const system = realSystem();
    perform(uninstallSteps(system), call, system.isRoot);
    return EXIT.done;
  },
});

type DryCall = Call<typeof DRY_RUN>;

/** @throws EdgeError when a step fails, or root is wanted */
function perform(steps: readonly Step[], { io, options }: DryCall, isRoot: boolean): void {
  const isDry = options["dry-run"];
  if (!isDry && !isRoot) {
    throw new EdgeError("INSTALL_FAILED", "Cannot change this machine: the rights of root wanted", {
      hint: "run with sudo, or see the steps with --dry-run",
    });
  }
  for (const { what, run } of steps) {
    io.out(`${isDry ? "would " : ""}${what}\n`);
    if (!isDry) run?.();
  }
}

/** @throws EdgeError when this runs from its sources, or came with a package */
function compiledExecutable(): string {
  const { execPath } = process;
  if (!import.meta.url.includes("/$bunfs/")) {
    throw new EdgeError("INSTALL_FAILED", "Cannot install: this runs from its sources", {
      hint: "run the executable that npm run build makes",
    });
  }
  if (execPath === "/usr/bin/edge-lb") {
    throw new EdgeError("INSTALL_FAILED", "Cannot install: this edge-lb came with a package, which has the service", {
      hint: "systemctl enable --now edge-lb",
    });
  }
  return execPath;
}
