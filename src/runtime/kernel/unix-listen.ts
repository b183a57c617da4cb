/** A listening unix socket whose descriptor is known, so that another process can be given it. */
import { AF_UNIX, libc, NONBLOCK_CLOEXEC } from "./libc.ts";
import { errno } from "./memory.ts";
import { close } from "./syscalls.ts";
import { unixAddress } from "./unix-datagram.ts";

const SOCK_STREAM = 1;
const ENAMETOOLONG = 36;
const BACKLOG = 128;

/** @returns a descriptor, or the errno negated */
export function listenUnix(path: string): number {
  const address = unixAddress(path);
  if (address === null) return -ENAMETOOLONG;
  const fd = libc.socket(AF_UNIX, SOCK_STREAM | NONBLOCK_CLOEXEC, 0);
  if (fd < 0) return -errno();
  if (libc.bind(fd, address, address.length) === 0 && libc.listen(fd, BACKLOG) === 0) return fd;
  const code = errno();
  close(fd);
  return -code;
}
