/** A port that takes nothing but connections with a PROXY header, as a router does that was told to; behind it a toy's port. */
import net from "node:net";

export interface ProxyGate {
  /** What the header said, of each connection that had one. */
  readonly seen: readonly ProxyHeader[];
  /** Connections whose first bytes were something else; a connection without any byte is none of them. */
  readonly refused: () => number;
  close(): Promise<void>;
}

export interface ProxyHeader {
  readonly version: 1 | 2;
  readonly from: string;
  readonly fromPort: number;
}

/** First 12 bytes of version 2; PROXY protocol §2.2. */
const SIGNATURE = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);

export async function openProxyGate(ip: string, port: number, inside: number): Promise<ProxyGate> {
  const seen: ProxyHeader[] = [];
  const open = new Set<net.Socket>();
  let refused = 0;
  const server = net.createServer({ allowHalfOpen: true }, (outer) => {
    open.add(outer);
    outer.on("error", () => outer.destroy());
    outer.on("close", () => open.delete(outer));
    outer.once("end", () => outer.end());
    // the header comes in one segment: it is written before anything else
    outer.once("data", (first: Buffer) => {
      const read = readHeader(first);
      if (read === null) {
        refused += 1;
        return outer.destroy();
      }
      seen.push(read.header);
      const inner = net.connect({ host: ip, port: inside, allowHalfOpen: true });
      inner.on("error", () => outer.destroy());
      inner.write(first.subarray(read.bytes));
      outer.pipe(inner);
      inner.pipe(outer);
      return undefined;
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, ip, resolve);
  });
  return {
    seen,
    refused: () => refused,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

function readHeader(first: Buffer): { header: ProxyHeader; bytes: number } | null {
  const text = first.toString("latin1").match(/^PROXY TCP4 (\S+) \S+ (\d+) \d+\r\n/);
  if (text !== null) {
    const [line, from = "", port] = text;
    return { header: { version: 1, from, fromPort: Number(port) }, bytes: line.length };
  }
  if (first.length < 28 || !first.subarray(0, 12).equals(SIGNATURE)) return null;
  const [command, family] = [first.readUInt8(12), first.readUInt8(13)];
  if (command !== 0x21 || family !== 0x11) return null; // PROXY, TCP over IPv4
  const from = [...first.subarray(16, 20)].join(".");
  return { header: { version: 2, from, fromPort: first.readUInt16BE(24) }, bytes: 16 + first.readUInt16BE(14) };
}
