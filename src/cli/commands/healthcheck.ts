/** `edge-lb healthcheck`: whether clients should be sent to the edge-lb that runs; for keepalived, containers and scripts. */
import type { Readiness } from "../../control/api/api.ts";
import { EdgeError, EdgeErrors } from "../../errors.ts";
import { asking } from "../live/client.ts";
import { command } from "../line/command.ts";
import { EXIT } from "../terminal/exit-code.ts";
import { LIVE } from "../live/live-command.ts";

/** keepalived asks every second: who cannot answer within this is as good as gone. */
const ANSWER_MS = 900;

export const HEALTHCHECK = command({
  name: "healthcheck",
  help: "Exit 0 when the edge-lb that runs takes clients, 1 when not",
  ...LIVE,
  synonyms: ["health", "ready", "ping"],
  async run({ settings, io }) {
    const reason = await asking(
      settings,
      io,
      async (client) => ((await client.ask("GET", "ready")) as Readiness).reason,
      { withinMs: ANSWER_MS },
    ).catch(whyNot);
    io.out(reason === null ? "ready\n" : `not ready: ${reason}\n`);
    return reason === null ? EXIT.done : EXIT.failed;
  },
});

/** @throws what is wrong with the command line */
function whyNot(error: unknown): string {
  const all = error instanceof EdgeErrors ? error.errors : [error];
  if (all.some((each) => !(each instanceof EdgeError) || each.code === "USAGE")) throw error;
  return all.map((each) => (each instanceof EdgeError ? each.message : "")).join("; ");
}
