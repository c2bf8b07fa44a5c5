/** Which namespaces may ask for mutual TLS alone now, and who would be shut out where that is too early. */
import type { MutualTlsStatus, NamespaceMutualTls, PlaintextCaller } from "@heddle/client";

/**
 * How a namespace stands: `strict` takes nothing else already; `ready`, all requests that were seen came over mutual TLS; `unseen`, there were
 * none to tell by; `blocked`, somebody came without it; `unknown`, no agent says what its workloads take.
 */
export type Standing = "strict" | "ready" | "unseen" | "blocked" | "unknown";

export interface NamespacePlan {
  readonly namespace: string;
  readonly standing: Standing;
  readonly workloads: NamespaceMutualTls["workloads"];
  readonly requests: number;
  readonly plaintext: number;
  /** Who would be shut out, most requests first; at least one where any request came in plaintext. */
  readonly callers: readonly PlaintextCaller[];
}

const ORDER: readonly Standing[] = ["ready", "unseen", "blocked", "unknown", "strict"];

/** What to do first stands first: what is ready, with the busiest last among equals, since little can go wrong where little happens. */
export function planOf({ namespaces, to }: MutualTlsStatus): NamespacePlan[] {
  return namespaces
    .map((each) => namespacePlan(each, to))
    .toSorted(
      (a, b) =>
        ORDER.indexOf(a.standing) - ORDER.indexOf(b.standing) ||
        a.requests - b.requests ||
        (a.namespace < b.namespace ? -1 : 1),
    );
}

function namespacePlan(status: NamespaceMutualTls, to: string): NamespacePlan {
  const { namespace, workloads } = status;
  const sum = (of: (workload: (typeof workloads)[number]) => number) =>
    workloads.reduce((total, workload) => total + of(workload), 0);
  const requests = sum((each) => each.requests);
  const plaintext = sum((each) => each.plaintext);
  const callers = [...status.callers, ...unlogged(status, to)];
  const standing = standingOf(workloads, requests, callers.length);
  return { namespace, standing, workloads, requests, plaintext, callers };
}

function standingOf(
  workloads: NamespaceMutualTls["workloads"],
  requests: number,
  callers: number,
): Standing {
  if (workloads.every(({ mode }) => mode === null)) return "unknown";
  if (workloads.every(isStrict)) return "strict";
  if (callers > 0) return "blocked";
  return requests > 0 ? "ready" : "unseen";
}

/** Ports of its own may take something else, which is said of them on purpose. */
function isStrict({ mode }: NamespaceMutualTls["workloads"][number]): boolean {
  return mode === "STRICT";
}

/** Requests that were counted and are in no access log: somebody came, and nobody knows who. */
function unlogged({ namespace, workloads, callers }: NamespaceMutualTls, to: string) {
  return workloads
    .filter(
      ({ name, plaintext }) =>
        plaintext > 0 && !callers.some(({ destination }) => destination.name === name),
    )
    .map(({ name, plaintext }): PlaintextCaller => ({
      ...{ source: null, address: "", destination: { namespace, name } },
      ...{ requests: plaintext, lastSeen: to },
    }));
}
