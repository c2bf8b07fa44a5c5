/** Secrets that the agent makes for itself. */
import { OWN_LABELS } from "@heddle/kube";
import type { KubernetesObject } from "./client.ts";
import { secretData } from "./secret-data.ts";

export interface OwnSecret {
  readonly name: string;
  readonly namespace: string;
  /** `Opaque`, or a type that says whose it is. */
  readonly type: string;
  readonly data: Readonly<Record<string, string | Uint8Array>>;
  /** Beside those of everything that Heddle makes. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Of the Secret that this one is to take the place of. */
  readonly resourceVersion?: string | undefined;
  /** Kubernetes refuses changes of it from then on. */
  readonly immutable?: boolean;
}

export function ownSecret(secret: OwnSecret): KubernetesObject {
  const { name, namespace, type, data, labels, resourceVersion, immutable } = secret;
  return {
    ...{ apiVersion: "v1", kind: "Secret", type },
    ...(immutable === undefined ? {} : { immutable }),
    metadata: {
      ...{ name, namespace, labels: { ...OWN_LABELS, ...labels } },
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    data: secretData(data),
  };
}
