/** What a proxy says of itself, held against what it has proven. */
import { parseNode, type ProxyDescription, type XdsNode } from "@heddle/translate";
import type { AccountToken } from "./account-token.ts";
import { CallerRefused } from "./caller-refused.ts";
import type { Caller, PodCaller } from "./callers.ts";

/**
 * The proxy as its node describes it, its pod, account, addresses and labels as proven. Without a caller, as on the plaintext port,
 * the node is believed. Throws `CallerRefused` for a node that claims to be another than the caller.
 */
export function provenProxy(node: XdsNode, caller: Caller | undefined): ProxyDescription {
  if (caller && "admit" in caller) return caller.admit(node);
  const said = parseNode(node);
  if (caller === undefined) return said;
  claim("pod", said.pod, caller.pod);
  claimAccount(node, said, caller);
  for (const address of said.addresses) claimAddress(address, caller);
  // The agent scrapes it: elsewhere it would be led to ask others.
  if (said.statsAddress !== undefined) claimAddress(hostOf(said.statsAddress), caller);
  return {
    ...said,
    pod: caller.pod,
    namespace: caller.namespace,
    serviceAccount: caller.serviceAccount,
    addresses: said.addresses.length > 0 ? said.addresses : caller.addresses,
    // Rules and credentials go by them.
    labels: caller.labels,
  };
}

/** Throws `CallerRefused` for a node that claims another namespace or account than the token's. */
export function claimAccount(
  { metadata = {} }: XdsNode,
  said: Pick<ProxyDescription, "id">,
  { namespace, serviceAccount }: Pick<AccountToken, "namespace" | "serviceAccount">,
): void {
  const [, , name = ""] = said.id.split("~");
  const dot = name.lastIndexOf(".");
  claim("namespace", dot < 0 ? "" : name.slice(dot + 1), namespace);
  claim("namespace", metadata["NAMESPACE"], namespace);
  claim("service account", metadata["SERVICE_ACCOUNT"], serviceAccount);
}

/** Of what is not said nothing is claimed. */
function claim(what: string, claimed: unknown, proven: string): void {
  if (typeof claimed !== "string" || claimed === "" || claimed === proven) return;
  throw new CallerRefused(
    "HDL7253",
    `The node claims ${what} ${JSON.stringify(claimed)}; its token is of ${what} ${JSON.stringify(proven)}.`,
  );
}

function claimAddress(claimed: string, { addresses, pod, namespace }: PodCaller): void {
  if (addresses.includes(claimed)) return;
  throw new CallerRefused(
    "HDL7253",
    `The node claims address ${JSON.stringify(claimed)}; pod ${pod} of namespace ${namespace} has ${addresses.join(", ")}.`,
  );
}

/** Of `host:port`, an IPv6 host in brackets. */
function hostOf(address: string): string {
  return address.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
}
