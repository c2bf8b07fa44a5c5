/** What mutual TLS a workload asks of its clients, out of all that was said for mesh, namespace, workload and port. */
import { labelsMatch, selects } from "../labels.ts";
import { byAge } from "../object.ts";
import type { MeshObject } from "../object.ts";
import type { MutualTLS, PeerAuthentication } from "../kinds/peer-authentication.ts";

export type MutualTlsMode = "DISABLE" | "PERMISSIVE" | "STRICT";

export interface WorkloadQuestion {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly rootNamespace: string;
}

/** The mode of a workload, and of those of its ports that have one of their own. */
export interface MutualTlsModes extends DecidedMode {
  readonly ports: ReadonlyMap<number, DecidedMode>;
}

export interface DecidedMode {
  readonly mode: MutualTlsMode;
  /** The policy that says so; undefined where none does, and the default holds. */
  readonly policy: Policy | undefined;
}

type Policy = MeshObject<PeerAuthentication>;

/**
 * Merges policies as Istio does. In each of mesh (root namespace, no selector), namespace and workload the oldest policy
 * counts alone; a narrower one wins unless it says UNSET; a port's UNSET is the workload's mode; the default is
 * PERMISSIVE. Policies with a selector in the root namespace pick workloads of that namespace only.
 */
export function mutualTlsModes(
  policies: Iterable<Policy>,
  workload: WorkloadQuestion,
): MutualTlsModes {
  const { namespace, labels, rootNamespace } = workload;
  let ofMesh: Policy | undefined;
  let ofNamespace: Policy | undefined;
  let ofWorkload: Policy | undefined;
  for (const policy of policies) {
    const selector = policy.spec.selector?.matchLabels;
    const own = policy.metadata.namespace;
    if (selects(selector)) {
      if (own === namespace && labelsMatch(selector, labels))
        ofWorkload = older(ofWorkload, policy);
    } else if (own === rootNamespace) ofMesh = older(ofMesh, policy);
    else if (own === namespace) ofNamespace = older(ofNamespace, policy);
  }
  const policy = [ofWorkload, ofNamespace, ofMesh].find((each) => told(each?.spec.mtls));
  const mode = told(policy?.spec.mtls) ?? "PERMISSIVE";
  const ports = new Map(
    Object.entries(ofWorkload?.spec.portLevelMtls ?? {}).map(([port, mtls]) => {
      const own = told(mtls);
      return [Number(port), own ? { mode: own, policy: ofWorkload } : { mode, policy }] as const;
    }),
  );
  return { mode, policy, ports };
}

/** The mode of one port of the workload. */
export function modeOfPort({ ports, ...others }: MutualTlsModes, port: number): DecidedMode {
  return ports.get(port) ?? others;
}

/** The mode of one port of a workload, alone. */
export function mutualTlsMode(
  policies: Iterable<Policy>,
  workload: WorkloadQuestion & { readonly port: number },
): MutualTlsMode {
  return modeOfPort(mutualTlsModes(policies, workload), workload.port).mode;
}

function older(known: Policy | undefined, policy: Policy): Policy {
  return known && byAge(known, policy) <= 0 ? known : policy;
}

function told(mtls: MutualTLS | undefined): MutualTlsMode | undefined {
  const mode = mtls?.mode;
  return mode === undefined || mode === "UNSET" ? undefined : mode;
}
