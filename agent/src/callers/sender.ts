/** A pod or a machine that has proven itself, in the words of its telemetry. */
import { spiffeId } from "@heddle/pki";
import type { Sender } from "@heddle/telemetry";
import type { Peer, PodOfProxy } from "@heddle/translate";
import type { Caller } from "./callers.ts";

/** `workloadOf` says what the agent itself tells the proxy to say. */
export function senderOf(
  caller: Caller,
  { trustDomain, clusterId }: { readonly trustDomain: string; readonly clusterId: string },
  workloadOf: (pod: PodOfProxy) => Peer,
): Sender {
  const { namespace, serviceAccount } = caller;
  const who = "admit" in caller ? { ...caller.workload(), uid: "" } : caller;
  const { uid, addresses, labels } = who;
  const peer = workloadOf({ pod: who.pod, namespace, addresses, labels, clusterId });
  // Of machines that nothing tells apart here, none has said it.
  const pod = addresses.length > 0 ? who.pod : "";
  const { workload, app, version, canonicalService, canonicalRevision, cluster } = peer;
  const principal = spiffeId({ trustDomain, namespace, serviceAccount });
  const names = { workload, app, version, canonicalService, canonicalRevision, cluster };
  return { pod, uid, namespace, principal, labels, ...names };
}
