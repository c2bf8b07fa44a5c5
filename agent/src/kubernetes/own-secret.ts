/** Secrets that the agent makes for itself. */
import { OWN_LABELS } from "@heddle/kube";
import type { KubernetesObject } from "./client.ts";

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
    data: Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString("base64")]),
    ),
  };
}

/** One value of a Secret as the API server has it; undefined where it is not there. */
export function secretValue(
  secret: { readonly [field: string]: unknown },
  key: string,
): Buffer | undefined {
  const value = (secret["data"] as Readonly<Record<string, string>> | undefined)?.[key];
  return value === undefined ? undefined : Buffer.from(value, "base64");
}
