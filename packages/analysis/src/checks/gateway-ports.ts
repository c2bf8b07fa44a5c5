/** HDL0104: several Gateways that want one port of a workload for protocols that cannot share it. */
import type { Gateway, Server } from "@heddle/model";
import { isHttp, serverProtocol } from "@heddle/model";
import { diagnostic, namesOf } from "../check.ts";
import type { Check } from "../check.ts";
import { sameWorkload } from "./gateway-conflicts.ts";

export const checkGatewayPorts: Check<Gateway> = function* (entry, context) {
  for (const [position, server] of (entry.object.spec.servers ?? []).entries()) {
    const own = sharingOf(server);
    const rivals = context.index
      .gatewaysOnPort(server.port.number)
      .filter(
        (other) =>
          other.key !== entry.key &&
          other.object.spec.servers?.some(
            (theirs) => samePlace(server, theirs) && sharingOf(theirs) !== own,
          ) &&
          sameWorkload(entry, other, context),
      );
    const [first] = rivals;
    if (!first) continue;
    const theirs = first.object.spec.servers?.find((each) => samePlace(server, each));
    yield diagnostic(entry, {
      code: "HDL0104",
      level: context.force ? "Warning" : "Error",
      path: `spec.servers[${position}].port`,
      message: `The Gateways ${namesOf([entry, ...rivals])} want port ${server.port.number} of the same workload for ${WORDS[own]} and for ${WORDS[sharingOf(theirs ?? server)]}: only the oldest would have it.`,
    });
  }
};

/** Servers of the same sort share a port: by request, or by the server name of TLS. */
type Sharing = "requests" | "tls" | "bytes";

const WORDS: Readonly<Record<Sharing, string>> = {
  requests: "HTTP",
  tls: "TLS",
  bytes: "TCP",
};

function sharingOf(server: Server): Sharing {
  const protocol = serverProtocol(server);
  if (protocol !== undefined && isHttp(protocol)) return "requests";
  return server.tls?.mode !== undefined || protocol === "HTTPS" || protocol === "TLS"
    ? "tls"
    : "bytes";
}

function samePlace(a: Server, b: Server): boolean {
  return a.port.number === b.port.number && (a.bind ?? "") === (b.bind ?? "");
}
