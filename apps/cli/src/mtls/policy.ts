/** The policy by which a namespace asks for mutual TLS alone, and the way back from it. */
import type { StoredObject } from "@heddle/client";

/** What the namespace's policy said before: a mode, or `none` where there was no policy. */
const BEFORE = "heddle.dev/mtls-before";
const NONE = "none";
/** As Istio calls the one policy of a namespace. */
const USUAL_NAME = "default";

interface PeerAuthenticationSpec {
  readonly selector?: { readonly matchLabels?: object };
  readonly mtls?: { readonly mode?: string };
}

/** What is to be written for it, as `apply` takes it. */
export interface PolicyChange {
  readonly objects: readonly object[];
  readonly delete: readonly string[];
}

/** Policies for a whole namespace, of all that are given. */
export function ofNamespace(objects: readonly StoredObject[], namespace: string): StoredObject[] {
  return objects.filter(({ metadata, spec }) => {
    const labels = (spec as PeerAuthenticationSpec).selector?.matchLabels ?? {};
    return metadata.namespace === namespace && Object.keys(labels).length === 0;
  });
}

/** Everything else that the policy says stays. */
export function strict(namespace: string, policy: StoredObject | undefined): PolicyChange {
  const spec = (policy?.spec ?? {}) as PeerAuthenticationSpec;
  const before = policy ? (spec.mtls?.mode ?? "UNSET") : NONE;
  const object = {
    apiVersion: policy?.apiVersion ?? "security.istio.io/v1",
    kind: "PeerAuthentication",
    metadata: {
      ...(policy?.metadata ?? { name: USUAL_NAME, namespace }),
      annotations: { ...policy?.metadata.annotations, [BEFORE]: before },
    },
    spec: { ...spec, mtls: { mode: "STRICT" } },
  };
  return { objects: [object], delete: [] };
}

/** Back to what was before `strict`; undefined for a policy that it has not changed. */
export function asBefore(policy: StoredObject): PolicyChange | undefined {
  const { [BEFORE]: before, ...annotations } = policy.metadata.annotations ?? {};
  if (before === undefined) return undefined;
  if (before === NONE) return { objects: [], delete: [policy.key] };
  const { apiVersion, kind, metadata, spec } = policy;
  const { mtls: _, ...rest } = spec as PeerAuthenticationSpec;
  const object = {
    ...{ apiVersion, kind, metadata: { ...metadata, annotations } },
    spec: { ...rest, mtls: { mode: before } },
  };
  return { objects: [object], delete: [] };
}
