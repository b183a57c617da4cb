/** The descriptor that a listener was given, for an engine that closes what it listens on. */

/** Second descriptors of one socket: neither Bun nor Node can ask the kernel for them. */
export interface SocketCopies {
  /** @throws when no descriptor is free */
  duplicate(fd: number): number;
  closeSocket(fd: number): void;
}

export class Place {
  private given: number;
  /** A second one of the same socket, which outlives the first; negative: there is none. */
  private readonly kept: number;
  private readonly copies: SocketCopies | null;
  /** It can be listened at again after it was closed. */
  readonly again: boolean;

  /** @param given Negative: an address is listened at. */
  constructor(given: number, copies: SocketCopies | null) {
    this.given = given;
    this.copies = copies;
    this.kept = given < 0 || copies === null ? -1 : copies.duplicate(given);
    this.again = given < 0 || this.kept >= 0;
  }

  /** The descriptor to listen on, or a negative number. @throws when no descriptor is free */
  next(): number {
    const { given } = this;
    this.given = -1;
    return given >= 0 || this.kept < 0 || this.copies === null ? given : this.copies.duplicate(this.kept);
  }

  end(): void {
    if (this.kept >= 0) this.copies?.closeSocket(this.kept);
  }
}
