/** Back-pressure: each side is read as long as the other takes it, and large bodies are left to the runtime. */
import type { Body } from "../message/body.ts";
import type { SessionEffects } from "./effects.ts";

/** From this many known bytes on, the runtime moves a body without showing it; below, one or two reads do as well. */
export const PASS_LEAST = 65_536;

export class Flow {
  /** The side takes nothing more until its drain. */
  clientFull = false;
  nodeFull = false;
  /** Bytes of this exchange to the node and to the client. */
  upBytes = 0;
  downBytes = 0;
  private readonly effects: SessionEffects;
  private clientReading = true;
  private nodeReading = true;
  /** Bytes the runtime still has to move; 0: it moves none. */
  private up = 0;
  private down = 0;

  constructor(effects: SessionEffects) {
    this.effects = effects;
  }

  /** What of the request does not move is held up by the node. */
  get nodeHolds(): boolean {
    return this.nodeFull || (this.up > 0 && this.effects.nodeIsFull());
  }

  toNode(bytes: Uint8Array): void {
    this.upBytes += bytes.length;
    this.nodeFull = !this.effects.toNode(bytes);
  }

  toClient(bytes: Uint8Array): void {
    this.downBytes += bytes.length;
    this.clientFull = !this.effects.toClient(bytes);
  }

  /** A new connection to a node is read from, and takes bytes. */
  nodeNew(): void {
    this.nodeFull = false;
    this.nodeReading = true;
    this.up = 0;
    this.down = 0;
  }

  /** Once per event. @param held The client is ahead: it sent what cannot be taken yet. */
  settle(held: boolean, nodeOpen: boolean): void {
    const fromClient = !held && !this.nodeFull;
    if (fromClient !== this.clientReading && this.up === 0) {
      this.clientReading = fromClient;
      this.effects.readClient(fromClient);
    }
    const fromNode = !this.clientFull;
    if (fromNode !== this.nodeReading && nodeOpen && this.down === 0) {
      this.nodeReading = fromNode;
      this.effects.readNode(fromNode);
    }
  }

  tryUp(body: Body): void {
    if (this.nodeFull || this.up > 0 || body.known < PASS_LEAST) return;
    this.readClient();
    this.up = body.known;
    this.effects.passUp(this.up);
  }

  tryDown(body: Body): void {
    if (this.clientFull || this.down > 0 || body.known < PASS_LEAST) return;
    this.readNode();
    this.down = body.known;
    this.effects.passDown(this.down);
  }

  /** @param bytes Moved since the last call; null: all that were left. */
  movedUp(body: Body, bytes: number | null): void {
    const moved = bytes ?? this.up;
    this.up -= moved;
    this.upBytes += moved;
    if (moved > 0) body.skip(moved);
  }

  movedDown(body: Body, bytes: number | null): void {
    const moved = bytes ?? this.down;
    this.down -= moved;
    this.downBytes += moved;
    if (moved > 0) body.skip(moved);
  }

  private readClient(): void {
    if (!this.clientReading) this.effects.readClient(true);
    this.clientReading = true;
  }

  private readNode(): void {
    if (!this.nodeReading) this.effects.readNode(true);
    this.nodeReading = true;
  }
}
