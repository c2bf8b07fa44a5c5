/** A pod that has proven itself, in the words of its telemetry. */
import { spiffeId } from "@heddle/pki";
import type { Sender } from "@heddle/telemetry";
import type { Peer, PodOfProxy } from "@heddle/translate";
import type { Caller } from "./callers.ts";

/** `workloadOf` says what the agent itself tells the pod's proxy to say. */
export function senderOf(
  caller: Caller,
  { trustDomain, clusterId }: { readonly trustDomain: string; readonly clusterId: string },
  workloadOf: (pod: PodOfProxy) => Peer,
): Sender {
  const { pod, uid, namespace, serviceAccount, addresses, labels } = caller;
  const peer = workloadOf({ pod, namespace, addresses, labels, clusterId });
  const { workload, app, version, canonicalService, canonicalRevision, cluster } = peer;
  const principal = spiffeId({ trustDomain, namespace, serviceAccount });
  const names = { workload, app, version, canonicalService, canonicalRevision, cluster };
  return { pod, uid, namespace, principal, ...names };
}
