/** `edge-lb upgrade`: a new executable takes over, with every tunnel, and nobody who is connected notices. */
import { resolve } from "node:path";
import { upgradedText, type Upgraded } from "../../control/upgrade/upgraded.ts";
import { fit } from "../../config/values/text.ts";
import { asking } from "../live/client.ts";
import { command } from "../line/command.ts";
import { single } from "../line/command-option.ts";
import { EXIT } from "../terminal/exit-code.ts";
import { LIVE } from "../live/live-command.ts";

/** The new one has 30 s to be ready, and the tunnels a minute. */
const ANSWER_MS = 120_000;

export const UPGRADE = command({
  name: "upgrade",
  help: "Have a new edge-lb take over, all tunnels included",
  ...LIVE,
  options: { to: single("FILE", "The new executable; without it, what stands where the running one was started", fit) },
  async run(call) {
    const { to } = call.options;
    const path = to === null ? "upgrade" : `upgrade?to=${encodeURIComponent(resolve(to))}`;
    const ask = { withinMs: ANSWER_MS };
    const done = await asking(call.settings, call.io, (client) => client.ask("POST", path), ask);
    call.io.out(`${upgradedText(done as Upgraded)}\n`);
    return EXIT.done;
  },
});
