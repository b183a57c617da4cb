/** Free TCP ports, from below the range that the kernel hands to outgoing connections. */
import { once } from "node:events";
import net from "node:net";

const LOWEST = 10_240;
const HIGHEST = 32_000;

/** So many different ports that are free on every address at this moment. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  while (found.size < count) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  return [...found];
}

async function isFree(port: number): Promise<boolean> {
  const server = net.createServer();
  try {
    server.listen({ port, host: "0.0.0.0", exclusive: true });
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
