/** Where a listener binds or a request is sent: addresses with ports, and Unix sockets. */
import { checkPort } from "./match.ts";
import { isIpAddress } from "./names.ts";
import type { Report } from "./report.ts";

export const UNIX = "unix://";

/** A Unix socket after `unix://`: an absolute path to a file, or an abstract name that begins with @. */
export function checkUnixSocket(address: string, path: string, report: Report): void {
  const socket = address.slice(UNIX.length);
  const wrong = (message: string) =>
    report({
      code: "HDL0028",
      path,
      message,
      remedy: "Write it like unix:///run/app.sock or unix://@name.",
    });
  if (socket === "") wrong("a Unix socket has no path");
  else if (socket.startsWith("@")) return;
  else if (!socket.startsWith("/")) {
    wrong(`"${address}" is neither an absolute path nor an abstract socket`);
  } else if (socket.endsWith("/")) {
    wrong(`"${address}" is a directory, and not a socket`);
  }
}

/** An IP address to bind to. */
export function checkBindAddress(bind: string, path: string, report: Report): void {
  if (isIpAddress(bind)) return;
  report({ code: "HDL0028", path, message: `"${bind}" is not an IP address` });
}

const LOCAL_HOSTS: ReadonlySet<string> = new Set(["", "127.0.0.1", "0.0.0.0", "::1", "::"]);

/** Where a proxy hands inbound requests on: a Unix socket, or a port of the workload itself. */
export function checkDefaultEndpoint(endpoint: string, path: string, report: Report): void {
  if (endpoint.startsWith(UNIX)) return checkUnixSocket(endpoint, path, report);
  const parts = /^(?:\[(?<v6>[^[\]]*)\]|(?<host>[^:[\]]*)):(?<port>[^:]*)$/.exec(endpoint)?.groups;
  const remedy =
    "Write it like 127.0.0.1:8080, 0.0.0.0:8080, [::1]:8080, [::]:8080, :8080 or unix:///run/app.sock.";
  if (!parts) {
    report({ code: "HDL0028", path, message: `"${endpoint}" has no port`, remedy });
    return;
  }
  const host = parts["v6"] ?? parts["host"] ?? "";
  if (!LOCAL_HOSTS.has(host)) {
    const message = `defaultEndpoint cannot lead to ${host}: it is the workload itself`;
    report({ code: "HDL0028", path, message, remedy });
  }
  const port = parts["port"]!;
  if (/^[+-]?\d+$/.test(port)) checkPort(Number(port), path, report);
  else report({ code: "HDL0028", path, message: `port "${port}" is not a number`, remedy });
}
