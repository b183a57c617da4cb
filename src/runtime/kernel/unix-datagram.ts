/** Datagrams to unix sockets (syslog's /dev/log, systemd's notify socket), which neither Bun nor Node can send. For control. */
import { AF_UNIX, libc, libcProblem, NONBLOCK_CLOEXEC } from "./libc.ts";

const SOCK_DGRAM = 2;
/** sun_path of struct sockaddr_un. */
const PATH_BYTES = 108;

export interface UnixDatagram {
  /** @param path `@name` is an abstract socket. @returns false when nobody took it: no such socket, not a datagram one, or full */
  send(path: string, message: Uint8Array): boolean;
  close(): void;
}

/** Null where there is no C library to call. */
export function openUnixDatagram(): UnixDatagram | null {
  return libcProblem === null ? new Sender() : null;
}

class Sender implements UnixDatagram {
  private fd = -1;
  private connectedTo = "";

  send(path: string, message: Uint8Array): boolean {
    if (this.connectedTo === path && this.write(message)) return true;
    // the daemon was restarted: its socket is another one behind the same path
    return this.connect(path) && this.write(message);
  }

  close(): void {
    if (this.fd >= 0) libc.close(this.fd);
    this.fd = -1;
    this.connectedTo = "";
  }

  private connect(path: string): boolean {
    this.close();
    const address = unixAddress(path);
    if (address === null) return false;
    this.fd = libc.socket(AF_UNIX, SOCK_DGRAM | NONBLOCK_CLOEXEC, 0);
    if (this.fd < 0) return false;
    if (libc.connect(this.fd, address, address.length) === 0) this.connectedTo = path;
    else this.close();
    return this.connectedTo === path;
  }

  private write(message: Uint8Array): boolean {
    return libc.write(this.fd, message, message.length) === message.length;
  }
}

/** struct sockaddr_un: the family in native byte order, then the path; an abstract name has a NUL in place of its `@`. */
export function unixAddress(path: string): Uint8Array | null {
  const name = new TextEncoder().encode(path);
  const abstract = name[0] === 0x40;
  if (name.length === 0 || name.length >= PATH_BYTES) return null;
  const address = new Uint8Array(2 + name.length + (abstract ? 0 : 1));
  new Uint16Array(address.buffer, 0, 1)[0] = AF_UNIX;
  address.set(name, 2);
  if (abstract) address[2] = 0;
  return address;
}
