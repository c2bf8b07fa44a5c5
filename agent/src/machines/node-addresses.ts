/**
 * Addresses of the cluster's Nodes, which no machine may have. The agent follows Nodes by their labels alone, so they are read
 * where a machine comes, and not more often than every few minutes: a Node that is newer has Pods on its own network by then, which
 * are followed, and have its address too.
 */
import { canonicalAddress } from "@heddle/model";
import { CallerRefused } from "../callers/index.ts";
import type { KubernetesObject } from "../kubernetes/client.ts";
import type { AgentLog } from "../log.ts";

/** Milliseconds. */
const FRESH = 5 * 60_000;

export interface NodeAddresses {
  /** What was read last counts where they cannot be read; rejects with `HDL7254` where nothing was read yet. */
  refresh(): Promise<void>;
  /** Of a canonical address. */
  has(address: string): boolean;
}

/** `now` in milliseconds. */
export function createNodeAddresses(
  list: () => Promise<readonly KubernetesObject[]>,
  log: Pick<AgentLog, "warn">,
  now: () => number = () => performance.now(),
): NodeAddresses {
  let known: ReadonlySet<string> | undefined;
  let readAt = -Infinity;
  let reading: Promise<void> | undefined;

  const read = async () => {
    try {
      const nodes = await list();
      known = new Set(nodes.flatMap(addressesOf));
      readAt = now();
    } catch (error) {
      if (known === undefined)
        throw new CallerRefused(
          "HDL7254",
          "It cannot be told now which addresses the cluster's Nodes have.",
          error,
        );
      log.warn("addresses of the cluster's Nodes cannot be read now", { error: String(error) });
    }
  };
  return {
    refresh() {
      if (now() - readAt < FRESH) return Promise.resolve();
      reading ??= read().finally(() => {
        reading = undefined;
      });
      return reading;
    },
    has: (address) => known?.has(address) ?? false,
  };
}

function addressesOf(node: KubernetesObject): readonly string[] {
  const { addresses = [] } = (node["status"] ?? {}) as { addresses?: { address?: string }[] };
  return addresses.flatMap(({ address = "" }) => canonicalAddress(address) ?? []);
}
