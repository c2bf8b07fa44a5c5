/** Addresses of endpoints: IP addresses, names, and Unix sockets. */

/** Begins the address of a Unix socket: `unix:///path`, or `unix://@name` for an abstract one. */
export const UNIX_SOCKET = "unix://";

export function isIpv6(address: string): boolean {
  return address.includes(":") && !address.startsWith(UNIX_SOCKET);
}
