/**
 * Whose requests came without an identity. A proxy knows the address alone that these came from: whoever has it is found by others, and
 * written beside what the proxy says. It proves nothing, and takes the place of nothing that is proven.
 */

import type { Attributes, LogRecord } from "../records.ts";

/** A workload that has an address now. */
export interface AddressOwner {
  readonly workload: string;
  readonly namespace: string;
}

/** Answers with nothing for an address that nobody of the mesh's clusters has. */
export type WhoHas = (address: string) => Promise<AddressOwner | undefined>;

/** Attributes of a record whose caller proved nothing: the workload that had its address. */
export const UNPROVEN_CALLER = {
  workload: "heddle.caller.workload",
  namespace: "heddle.caller.namespace",
} as const;

/** How an identity begins that was proven by a certificate; proxies write `-` or `unknown` for none. */
export const PROVEN_PREFIX = "spiffe://";

/** Names the callers of these records, all at once. What records say of it themselves is taken off. */
export async function nameUnprovenCallers(
  records: readonly LogRecord[],
  whoHas: WhoHas,
): Promise<void> {
  const owners = new Map<string, AddressOwner | undefined>();
  const asked = new Map<Attributes, string>();
  for (const { attributes } of records) {
    for (const name of Object.values(UNPROVEN_CALLER)) delete attributes[name];
    const address = addressOfUnproven(attributes);
    if (address !== undefined) asked.set(attributes, address);
  }
  await Promise.all(
    [...new Set(asked.values())].map(async (address) => owners.set(address, await whoHas(address))),
  );
  for (const [attributes, address] of asked) {
    const owner = owners.get(address);
    if (!owner) continue;
    attributes[UNPROVEN_CALLER.workload] = owner.workload;
    attributes[UNPROVEN_CALLER.namespace] = owner.namespace;
  }
}

/** Undefined where the caller is known, and for what no server's proxy has written. */
function addressOfUnproven(attributes: Attributes): string | undefined {
  if (attributes["heddle.reporter"] !== "destination") return undefined;
  if (String(attributes["source.principal"] ?? "").startsWith(PROVEN_PREFIX)) return undefined;
  return hostOf(String(attributes["envoy.downstream.remote_address"] ?? ""));
}

/** Of `10.0.0.1:80` or `[fd00::1]:80`. */
function hostOf(address: string): string | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):\d+$/.exec(address);
  return match?.[1] ?? match?.[2];
}
