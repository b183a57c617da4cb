/** A client that comes, is served and goes, again and again. */
import type { ConnEvents, Runtime } from "../../../src/runtime/port.ts";
import { patternAt } from "../plan.ts";
import { ANSWER, greeting, MODE, REQUEST, type Door } from "./talk.ts";

const BYTES = 300;
const BETWEEN_MS = 5;
/** A client gives up then. */
const PATIENCE_MS = 20_000;

export interface Visits {
  served: number;
  faults: string[];
  longestMs: number;
}

export class Visitor {
  private readonly runtime: Runtime;
  private readonly door: Door;
  private readonly port: number;
  private readonly visits: Visits;
  isOver = false;
  private stopping = false;

  constructor(runtime: Runtime, door: Door, port: number, visits: Visits) {
    this.runtime = runtime;
    this.door = door;
    this.port = port;
    this.visits = visits;
  }

  stop(): void {
    this.stopping = true;
  }

  come(): void {
    if (this.stopping) {
      this.isOver = true;
      return;
    }
    const startMs = performance.now();
    const over = (fault: string | null): void => {
      if (fault === null) this.visits.served++;
      else this.visits.faults.push(`visitor of ${this.door}: ${fault}`);
      this.visits.longestMs = Math.max(this.visits.longestMs, performance.now() - startMs);
      this.runtime.timer(BETWEEN_MS, () => this.come());
    };
    const isHttp = this.door === "http";
    this.runtime.dial({
      to: { ip: "127.0.0.1", port: this.port },
      timeoutMs: PATIENCE_MS,
      first: isHttp ? REQUEST : Buffer.concat([greeting(this.door), Uint8Array.of(MODE.echo), patternAt(0, BYTES)]),
      onOpen: (conn) => {
        if (!isHttp) conn.finish();
        const late = this.runtime.timer(PATIENCE_MS, () => conn.destroy());
        return visit(isHttp ? ANSWER.length : BYTES, (fault) => {
          late.cancel();
          if (isHttp) conn.destroy();
          over(fault);
        });
      },
      onFail: (error) => over(`not connected: ${error}`),
    });
  }
}

function visit(wanted: number, over: (fault: string | null) => void): ConnEvents {
  let got = 0;
  let isOver = false;
  const end = (fault: string | null): void => {
    if (isOver) return;
    isOver = true;
    over(fault);
  };
  return {
    onData: (chunk) => void (got += chunk.length),
    onDrain() {},
    onEnd: () => end(got >= wanted ? null : `FIN after ${got} of ${wanted} bytes`),
    onClose: (cause) => end(`${cause} after ${got} of ${wanted} bytes`),
  };
}
