/** `edge-lb healthcheck`: whether clients should be sent to the edge-lb that runs; for keepalived, containers and scripts. */
import { GLOBAL } from "../../config/options/options.ts";
import type { Readiness } from "../../control/api/api.ts";
import type { ListenAddress } from "../../config/values/addresses.ts";
import { formatEndpoint } from "../../core/address.ts";
import { EdgeError, EdgeErrors } from "../../errors.ts";
import { command } from "../line/command.ts";
import { defaultValue, typedValue, type Source } from "../line/configuration.ts";
import { asking, unreached } from "../live/client.ts";
import { send, textOf } from "../live/exchange.ts";
import { EXIT } from "../terminal/exit-code.ts";

/** keepalived asks every second: who cannot answer within this is as good as gone. */
const ANSWER_MS = 900;

export const HEALTHCHECK = command({
  name: "healthcheck",
  help: "Exit 0 when the edge-lb that runs takes clients, 1 when not",
  settings: [GLOBAL.control, GLOBAL.admin],
  shown: {
    title: "Where it runs",
    settings: [GLOBAL.control, GLOBAL.admin],
    notes: ["The admin address is asked where there is no control socket, unless --control alone says where."],
  },
  synonyms: ["health", "ready", "ping"],
  async run({ settings, io }) {
    const reason = await whyUnready({ settings, io }).catch(whyNot);
    io.out(reason === null ? "ready\n" : `not ready: ${reason}\n`);
    return reason === null ? EXIT.done : EXIT.failed;
  },
});

/** @returns null: clients are taken @throws EdgeErrors, EdgeError CONTROL_FAILED: nobody says so */
async function whyUnready(call: Source): Promise<string | null> {
  const [control, typed] = [typedValue(GLOBAL.control, call), typedValue(GLOBAL.admin, call)];
  const admin = typed === undefined ? defaultValue(GLOBAL.admin, call.io) : typed;
  if (control === null && admin !== null) return askAdmin(admin);
  try {
    return await askSocket(call);
  } catch (error) {
    const isSilent = error instanceof EdgeError && error.code === "CONTROL_FAILED";
    const isElsewhere = control !== undefined && typed === undefined;
    if (!isSilent || isElsewhere || admin === null) throw error;
    return askAdmin(admin).catch((alsoSilent: unknown) => Promise.reject(typed === undefined ? error : alsoSilent));
  }
}

async function askSocket({ settings, io }: Source): Promise<string | null> {
  const ready = await asking(settings, io, (client) => client.ask("GET", "ready"), { withinMs: ANSWER_MS });
  return (ready as Readiness).reason;
}

/** `/readyz` is open to probes that have no password. */
async function askAdmin({ ip, port }: ListenAddress): Promise<string | null> {
  const host = ip === "" || ip === "0.0.0.0" ? "127.0.0.1" : ip === "::" ? "::1" : ip;
  const url = `http://${formatEndpoint(host, port)}/readyz`;
  const signal = AbortSignal.timeout(ANSWER_MS);
  const late = new Error(`no answer within ${ANSWER_MS} ms`);
  try {
    const answer = await send({ to: { host, port }, method: "GET", path: "/readyz", signal });
    const [text = ""] = (await textOf(answer)).split("\n");
    if (answer.statusCode === 200 && text === "ok") return null;
    if (answer.statusCode === 503 && text !== "") return text;
    throw new EdgeError("CONTROL_FAILED", `Cannot use the answer on ${url}: ${answer.statusCode} ${text.slice(0, 80)}`);
  } catch (error) {
    throw unreached(signal.aborted ? late : error, url);
  }
}

/** @throws what is wrong with the command line */
function whyNot(error: unknown): string {
  const all = error instanceof EdgeErrors ? error.errors : [error];
  if (all.some((each) => !(each instanceof EdgeError) || each.code === "USAGE")) throw error;
  return all.map((each) => (each instanceof EdgeError ? each.message : "")).join("; ");
}
