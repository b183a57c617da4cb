/** A successor that is killed right after the step of the handover that its last argument names; `other-version`: it cannot take tunnels. */
import { Channel } from "../../src/handover/channel.ts";
import { HANDOVER_VARIABLE, HANDOVER_VERSION, type FromNew, type FromOld } from "../../src/handover/messages.ts";
import { DescriptorSocket } from "../../src/runtime/kernel/rights.ts";

const step = process.argv.at(-1);
const channel = new Channel<FromNew, FromOld>(new DescriptorSocket(Number(process.env[HANDOVER_VARIABLE])));

function at(name: string): void {
  if (name === step) process.kill(process.pid, "SIGKILL");
}

async function heard(kind: FromOld["kind"]): Promise<FromOld> {
  const next = await channel.next(20_000);
  if (next?.message.kind !== kind) throw new Error(`${kind} wanted, ${next?.message.kind} came`);
  at(kind);
  return next.message;
}

const version = step === "other-version" ? HANDOVER_VERSION + 1 : HANDOVER_VERSION;
await heard("hello");
await channel.send({ kind: "ready", version, release: "9.9.9", pid: process.pid });
at("ready");
await heard("lead");
await channel.send({ kind: "leading" });
at("leading");
if (step !== "other-version") await heard("tunnels");
while ((await channel.next(60_000)) !== null);
