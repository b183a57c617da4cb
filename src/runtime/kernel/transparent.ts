/** Dialling from an address that is not this machine's: ip(7), IP_TRANSPARENT. */
import { AF, ERRNO, IP, IPV6_TRANSPARENT, SOL, SOL_IP } from "./libc.ts";
import { encodeAddress, familyOf, type Family } from "./sockaddr.ts";
import { bind, close, openSocket, setOption } from "./syscalls.ts";

/** @returns the descriptor, bound to the address with a port that the connect chooses; or the errno negated */
export function openFrom(ip: string): number {
  const family = familyOf(ip);
  const fd = openTransparent(family);
  if (fd < 0) return fd;
  setOption(fd, SOL_IP, IP.BIND_ADDRESS_NO_PORT, 1);
  const bytes = encodeAddress(ip, 0);
  const code = bytes === 0 ? -ERRNO.EINVAL : bind(fd, bytes);
  if (code >= 0) return fd;
  close(fd);
  return code;
}

function openTransparent(family: Family): number {
  const fd = openSocket(family);
  if (fd < 0) return fd;
  const isV4 = family === AF.INET;
  const code = setOption(fd, isV4 ? SOL_IP : SOL.IPV6, isV4 ? IP.TRANSPARENT : IPV6_TRANSPARENT, 1);
  if (code >= 0) return fd;
  close(fd);
  return code;
}

/** CAP_NET_ADMIN, or CAP_NET_RAW, is there. */
export function mayDialFromAnywhere(): boolean {
  const fd = openTransparent(AF.INET);
  if (fd >= 0) close(fd);
  return fd >= 0;
}
