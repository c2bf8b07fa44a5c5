/** IST0145: several Gateways for the same workload, port and host. */
import type { Gateway, Server } from "@heddle/model";
import { isHttp, labelsMatch, serverProtocol } from "@heddle/model";
import { diagnostic, namesOf } from "../check.ts";
import type { Check, CheckContext } from "../check.ts";
import type { Entry } from "../mesh-index.ts";

export const checkGatewayConflicts: Check<Gateway> = function* (entry, context) {
  const { servers = [], selector = {} } = entry.object.spec;
  for (const [position, server] of servers.entries()) {
    const rivals = context.index
      .gatewaysOnPort(server.port.number)
      .filter((other) => other.key !== entry.key && sameWorkload(entry, other, context))
      .flatMap((other) =>
        (other.object.spec.servers ?? [])
          .filter((theirs) => claimSame(server, theirs))
          .map((theirs) => ({ other, theirs })),
      );
    if (rivals.length === 0) continue;
    // Rules of both reach an HTTP port all the same, as one listener takes all of its hosts.
    const joined = isPlain(server) && rivals.every(({ theirs }) => isPlain(theirs));
    const labels = Object.entries(selector).map(([name, value]) => `${name}=${value}`);
    const others = [...new Set(rivals.map(({ other }) => other))];
    yield diagnostic(entry, {
      code: "IST0145",
      level: joined || context.force ? "Warning" : "Error",
      path: `spec.servers[${position}].hosts`,
      message: `Conflict with gateways ${namesOf(others)} (workload selector ${labels.toSorted().join(",")}, port ${server.port.number}, hosts ${server.hosts.join(",")}).`,
    });
  }
};

function isPlain(server: Server): boolean {
  const protocol = serverProtocol(server);
  return protocol !== undefined && isHttp(protocol);
}

/** One host under the same number and address. */
function claimSame(a: Server, b: Server): boolean {
  if (a.port.number !== b.port.number || (a.bind ?? "") !== (b.bind ?? "")) return false;
  const theirs = b.hosts.map(hostOf);
  return a.hosts.some((host) => theirs.includes(hostOf(host)));
}

/** `namespace/host` says whose rules may use the host, not which host it is. */
function hostOf(text: string): string {
  return text.slice(text.indexOf("/") + 1);
}

/** Equal selectors, or different ones that pick the same pod. */
export function sameWorkload(
  a: Entry<Gateway>,
  b: Entry<Gateway>,
  { index }: CheckContext,
): boolean {
  const [mine, theirs] = [a.object.spec.selector ?? {}, b.object.spec.selector ?? {}];
  const equal =
    Object.keys(mine).length === Object.keys(theirs).length && labelsMatch(mine, theirs);
  return (
    equal || index.pods(mine).some(({ object }) => labelsMatch(theirs, object.metadata.labels))
  );
}
