/** A client that upgrades its HTTP connection and then holds it, whatever becomes of it. */
import net from "node:net";
import type { Door } from "../../scripts/lab/crowd.ts";

export interface HeldUpgrade {
  /** waiting: no answer yet; held: 101, the tunnel stands; refused: another answer, see `answer`; gone: closed without one. */
  state(): "waiting" | "held" | "refused" | "gone";
  /** Everything that came. */
  answer(): string;
  /** Sends text, resolves once as many bytes came back; false when it is closed before. */
  echo(text: string): Promise<boolean>;
  close(): void;
}

export function holdUpgrade({ ip, port, host }: Door, from?: string): HeldUpgrade {
  let answer = "";
  let bytes = 0;
  let closed = false;
  let news = (): void => {};
  const socket = net.connect({ host: ip, port, ...(from === undefined ? {} : { localAddress: from }) });
  socket.on("error", () => undefined);
  socket.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (answer.length < 4_096) answer += chunk.toString("latin1");
    news();
  });
  socket.on("end", () => socket.end());
  socket.on("close", () => {
    closed = true;
    news();
  });
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`);
  return {
    state() {
      if (answer.startsWith("HTTP/1.1 101 ")) return closed ? "gone" : "held";
      if (answer !== "") return "refused";
      return closed ? "gone" : "waiting";
    },
    answer: () => answer,
    echo(text) {
      const wanted = bytes + text.length;
      return new Promise((resolve) => {
        news = () => {
          if (bytes >= wanted || closed) resolve(bytes >= wanted);
        };
        news();
        socket.write(text);
      });
    },
    close: () => socket.destroy(),
  };
}
