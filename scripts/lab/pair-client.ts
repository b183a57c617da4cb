/**
 * The node and the clients of a pair, one process in the clients' network: serves HTTP on its own address, and asks the shared address
 * every 50 ms on a connection of its own. `pair-client.ts OWN-IP NODE-PORT SHARED-IP SECONDS` prints a line per request: when it began, ok or why not.
 */
import http from "node:http";

const EVERY_MS = 50;
/** A client's patience: an address that nobody has costs it this much. */
const WITHIN_MS = 500;

const [ownIp = "", nodePort = "", sharedIp = "", seconds = ""] = process.argv.slice(2);
const node = http.createServer((_, response) => response.end("node"));
node.listen(Number(nodePort), ownIp);

function ask(): void {
  const began = Date.now();
  const tell = (outcome: string): void => console.log(`${began} ${outcome}`);
  const request = http.get({ host: sharedIp, port: 80, agent: false, headers: { host: "www.hub.lab" } });
  let told = false;
  const once = (outcome: string): void => {
    if (!told) tell(outcome);
    told = true;
  };
  request.setTimeout(WITHIN_MS, () => request.destroy(new Error("timeout")));
  const deadline = setTimeout(() => request.destroy(new Error("timeout")), WITHIN_MS);
  request.on("response", (response) => {
    response.resume();
    response.on("end", () => once(response.statusCode === 200 ? "ok" : String(response.statusCode)));
  });
  request.on("error", (error) => once(error.message.replaceAll(" ", "-")));
  request.on("close", () => {
    clearTimeout(deadline);
    once("closed");
  });
}

const asking = setInterval(ask, EVERY_MS);
setTimeout(
  () => {
    clearInterval(asking);
    setTimeout(() => process.exit(0), 2 * WITHIN_MS);
  },
  Number(seconds) * 1_000,
);
